import type { Memory } from "../../src/ports/memory.ts";
import { BOARD_BYTES } from "../../src/structs/notice-board.ts";
import { type AccessKind, WatchedWords } from "./watched-words.ts";

/** Words behind the board, of which the parties make what they like. */
export const NOTES: number = BOARD_BYTES / 4;
const NOTES_BYTES = 256;

/**
 * What a party does, from its beginning to its end. It makes all that it has itself, and knows of the others only what it reads
 * in the memory: so it does the same again where it reads the same.
 */
export type Party = (memory: Memory, waitFor: WaitFor) => unknown;

/** Goes on once the word is that, or more. */
type WaitFor = (at: number, value: number) => void;

export interface World {
  /** What the memory is before anybody begins. */
  readonly prepare: (memory: Memory) => void;
  readonly parties: readonly Party[];
  /** All have come to their end. @param results what they have returned @throws where something is not as it must be */
  readonly check: (memory: Memory, results: readonly unknown[]) => void;
}

export interface Explored {
  readonly states: number;
  /** Orders of all accesses that others can tell apart; many of them lead through the same states. */
  readonly interleavings: number;
}

/** What an access has come to, behind those before it: what a party has read is all that it can know. */
interface Read {
  readonly id: number;
  readonly before: Read | undefined;
  readonly value: number;
  readonly depth: number;
  readonly behind: Map<number, Read>;
}

interface Progress {
  readonly read: Read;
  readonly ended: boolean;
  readonly result: unknown;
  readonly waits: { readonly at: number; readonly value: number } | undefined;
}

interface State {
  /** Words that are not as they were prepared. */
  readonly words: ReadonlyMap<number, number>;
  readonly parties: readonly Progress[];
}

const STATES_MAX = 2_000_000;
/** Thrown through a party where it is to be interrupted. */
const INTERRUPTED = Symbol("interrupted");

/**
 * Tries all orders of the accesses of all parties. A party is interrupted before each access of a word that others
 * use and somebody writes: which words those are is found out. To go on it is run anew, and reads what it has read before.
 */
export function everyState(world: World): Explored {
  const explorer = new Explorer(world);
  for (;;) {
    const explored = explorer.explore();
    if (explored !== undefined) return explored;
  }
}

class Explorer {
  readonly #world: World;
  readonly #watched = new WatchedWords(BOARD_BYTES + NOTES_BYTES);
  /** What was prepared, of the words that were written since. */
  readonly #prepared = new Map<number, number>();
  /** Of the state that the memory is in. */
  #dirty = new Map<number, number>();
  /** By word: the parties, as bits. */
  readonly #users = new Map<number, { all: number; writers: number }>();
  readonly #shared = new Set<number>();
  /** Of the shared ones: what is written by one party alone follows from what that has read. */
  readonly #contended: number[] = [];
  #foundShared = false;
  readonly #paths = new Map<string, number>();
  #reads = 0;

  constructor(world: World) {
    this.#world = world;
    world.prepare(this.#watched.memory);
  }

  /** @returns undefined where a word is shared that was not known to be */
  explore(): Explored | undefined {
    this.#foundShared = false;
    this.#paths.clear();
    const begin = this.#world.parties.map(
      (): Progress => ({
        read: this.#newRead(undefined, 0),
        ended: false,
        result: undefined,
        waits: undefined,
      }),
    );
    const interleavings = this.#watched.watch(() => this.#visit({ words: new Map(), parties: begin }));
    return this.#foundShared ? undefined : { states: this.#paths.size, interleavings };
  }

  #newRead(before: Read | undefined, value: number): Read {
    this.#reads += 1;
    return {
      id: this.#reads,
      before,
      value,
      depth: before === undefined ? 0 : before.depth + 1,
      behind: new Map(),
    };
  }

  /** @returns how many orders there are from there on */
  #visit(state: State): number {
    if (this.#foundShared) return 0;
    const key = this.#keyOf(state);
    const known = this.#paths.get(key);
    if (known !== undefined) return known;
    if (this.#paths.size >= STATES_MAX) throw new Error(`more than ${STATES_MAX} states`);
    let paths = 0;
    let isOver = true;
    for (const [party, progress] of state.parties.entries()) {
      if (progress.ended) continue;
      isOver = false;
      const { waits } = progress;
      if (waits !== undefined && this.#wordOf(state, waits.at) < waits.value) continue;
      paths += this.#visit(this.#step(state, party));
    }
    if (this.#foundShared) return 0;
    if (isOver) {
      this.#restore(state);
      this.#world.check(
        this.#watched.memory,
        state.parties.map(({ result }) => result),
      );
      paths = 1;
    } else if (paths === 0) throw new Error("all parties wait");
    this.#paths.set(key, paths);
    return paths;
  }

  #wordOf({ words }: State, at: number): number {
    return words.get(at) ?? this.#prepared.get(at) ?? (this.#watched.memory.i32[at] as number);
  }

  #restore({ words }: State): void {
    const { i32 } = this.#watched.memory;
    for (const at of this.#dirty.keys()) i32[at] = this.#prepared.get(at) as number;
    for (const [at, value] of words) i32[at] = value;
    this.#dirty = new Map(words);
  }

  /** Lets the party go on to its next access of a shared word. */
  #step(state: State, party: number): State {
    this.#restore(state);
    const before = state.parties[party] as Progress;
    const replay = readsOf(before.read);
    let replayed = 0;
    let isFirst = true;
    let read = before.read;
    let waits: Progress["waits"];
    const { i32 } = this.#watched.memory;
    this.#watched.onAccess = (kind, at, perform) => {
      if (replayed < replay.length) {
        replayed += 1;
        return replay[replayed - 1] as number;
      }
      if (!isFirst && this.#shared.has(at)) throw INTERRUPTED;
      isFirst = false;
      this.#note(at, party, kind);
      const old = i32[at] as number;
      const value = perform();
      if (i32[at] !== old || this.#dirty.has(at)) this.#wrote(at, old);
      const next = read.behind.get(value) ?? this.#newRead(read, value);
      read.behind.set(value, next);
      read = next;
      return value;
    };
    const waitFor: WaitFor = (at, value) => {
      if (replayed >= replay.length && (!isFirst || (i32[at] as number) < value)) {
        this.#note(at, party, "load");
        waits = { at, value };
        throw INTERRUPTED;
      }
      Atomics.load(this.#watched.watched.i32, at);
    };
    let ended = false;
    let result: unknown;
    try {
      result = (this.#world.parties[party] as Party)(this.#watched.watched, waitFor);
      ended = true;
    } catch (error) {
      if (error !== INTERRUPTED) throw error;
    }
    const parties = state.parties.with(party, { read, ended, result, waits });
    return { words: new Map(this.#dirty), parties };
  }

  #wrote(at: number, old: number): void {
    if (!this.#prepared.has(at)) this.#prepared.set(at, old);
    const value = this.#watched.memory.i32[at] as number;
    if (value === this.#prepared.get(at)) this.#dirty.delete(at);
    else this.#dirty.set(at, value);
  }

  #note(at: number, party: number, kind: AccessKind): void {
    const users = this.#users.get(at) ?? { all: 0, writers: 0 };
    this.#users.set(at, users);
    users.all |= 1 << party;
    if (kind !== "load" && kind !== "plain load") users.writers |= 1 << party;
    if (users.writers !== 0 && isMany(users.all) && !this.#shared.has(at)) {
      this.#shared.add(at);
      this.#foundShared = true;
    }
    if (isMany(users.writers) && !this.#contended.includes(at)) {
      this.#contended.push(at);
      this.#foundShared = true;
    }
  }

  #keyOf(state: State): string {
    let key = "";
    for (const { read, ended, waits } of state.parties)
      key += `${read.id}${ended ? "." : ""}${waits === undefined ? "" : "?"},`;
    for (const at of this.#contended) key += `${this.#wordOf(state, at)},`;
    return key;
  }
}

function isMany(parties: number): boolean {
  return (parties & (parties - 1)) !== 0;
}

function readsOf(last: Read): number[] {
  const values: number[] = new Array(last.depth);
  for (let read = last; read.before !== undefined; read = read.before) values[read.depth - 1] = read.value;
  return values;
}
