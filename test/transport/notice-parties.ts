/** Who has to do with a board in the tests' small worlds, what they note, and what must be so of what they hear. */
import assert from "node:assert/strict";
import type { Memory } from "../../src/ports/memory.ts";
import type * as noticeBoard from "../../src/structs/notice-board.ts";
import { type BoardQueue, RING_SLOTS } from "../../src/structs/notice-board.ts";
import type { NoticeReader } from "../../src/transport/notice-reader.ts";
import type { NoticeWriter } from "../../src/transport/notice-writer.ts";
import type { Notice } from "../../src/wire/notifications.ts";
import { type Explored, everyState, NOTES, type Party, type World } from "./board-explorer.ts";

/** What is tried, as it is or with a bug in it. */
export interface Parts {
  readonly Writer: typeof NoticeWriter;
  readonly Reader: typeof NoticeReader;
  readonly board: typeof noticeBoard;
}

export type Scenario = (parts: Parts) => Explored;

/** Behind 2^32, so that a half that is missing is seen. */
export const FAR = 2 ** 33;
export const ALL: BoardQueue = { at: 0, end: 2 ** 50, tag: undefined, room: 64 };
export const LENGTH = 8;
const CLOCK = 0;
/** The next stamp is the last one before they turn negative, or before they are zero again. */
export const WRAPS = [0x7fff_ffff, -1];

/** Notes: by party, what it has done; then what the worker has told, and how much of it the reader may know. */
export const DONE = NOTES;
const TOLD = NOTES + 8;
const DELIVERED = NOTES + 9;
export const BYTES = NOTES + 10;
const STAMPS = NOTES + 16;

export const atOf = (tag: number): number => FAR + tag * LENGTH;
export const beforeOf = (tag: number): number => 3 * FAR + tag;
export const sourceOf = (lane: number): Uint8Array => new Uint8Array(32).fill(lane + 1);
export const BY_WORKER = "worker";

interface Beginning {
  /** Undefined: none is open. */
  readonly queue?: BoardQueue | undefined;
  readonly clock?: number;
  /** Of the next notification of each ring. */
  readonly number?: number;
}

/** Lanes that have owners, and rings that have been used: each slot holds what was there a turn before. */
export function begin({ board }: Parts, { i32: words, u8: bytes }: Memory, how: Beginning = {}): void {
  const { queue, clock = 0, number = 0 } = { queue: ALL, ...how };
  for (let lane = 0; lane < 3; lane += 1) {
    board.giveLane(words, bytes, lane, sourceOf(lane));
    for (let back = RING_SLOTS; back > 0; back -= 1)
      board.publishNotice(words, 0, lane, (number - back) | 0, clock, 1, 1, 1, 1);
    board.setTakenCount(words, 0, lane, number);
  }
  words[CLOCK] = clock;
  if (queue !== undefined) board.changeQueues(words, () => board.setBoardQueue(words, 0, queue));
}

export const note = ({ i32 }: Memory, at: number, value = 1): number => Atomics.store(i32, at, value);

export function tell(writer: NoticeWriter, tag: number): boolean {
  const route = writer.route(atOf(tag), LENGTH, tag);
  return route >= 0 && writer.tell(route, atOf(tag), LENGTH, beforeOf(tag), tag);
}

interface Producing {
  readonly party: number;
  readonly lane?: number;
  readonly tags: readonly number[];
  /** A note that it waits for before. */
  readonly after?: number;
}

/** Tells of as many puts, then notes that it has. @returns the tags of which it has told */
export function producer({ Writer }: Parts, { party, lane = party, tags, after }: Producing): Party {
  return (memory, waitFor) => {
    const writer = new Writer(memory.i32, lane);
    if (after !== undefined) waitFor(after, 1);
    const told = tags.filter((tag) => tell(writer, tag));
    note(memory, DONE + party);
    return told;
  };
}

/** The worker puts entries of its own into the queue. */
export function worker({ board }: Parts, { party, tags, after }: Producing): Party {
  return (memory, waitFor) => {
    const { i32: words } = memory;
    if (after !== undefined) waitFor(after, 1);
    for (const tag of tags) {
      const told = Atomics.load(words, TOLD);
      words[STAMPS + 2 * told] = board.takeStamp(words);
      words[STAMPS + 2 * told + 1] = tag;
      board.countTold(words, 0);
      Atomics.store(words, TOLD, told + 1);
    }
    note(memory, DONE + party);
  };
}

/** Brings the worker's answers, each at any time after it was told. */
export function messenger(count: number): Party {
  return (memory, waitFor) => {
    for (let told = 1; told <= count; told += 1) {
      waitFor(TOLD, told);
      note(memory, DELIVERED, told);
    }
  };
}

/** Hands over what the worker has told. */
function bring(reader: NoticeReader, { i32: words }: Memory, from: number, to: number): void {
  const notices: Notice[] = [];
  for (let i = from; i < to; i += 1) {
    const stamp = words[STAMPS + 2 * i] as number;
    const tag = words[STAMPS + 2 * i + 1] as number;
    const where = { at: atOf(tag), before: beforeOf(tag), length: LENGTH };
    notices.push({ ...where, tag, source: BY_WORKER, sequence: i, stamp });
  }
  reader.bring(notices);
}

interface Reading {
  /** How often it looks while others are at it. */
  readonly polls: number;
  /** Parties that have come to their end before it looks for the last time. */
  readonly until: readonly number[];
  /** How much the worker tells in all. */
  readonly told?: number;
}

/** @returns all that it was told, in this order */
export function consumer({ Reader }: Parts, how: Reading): Party {
  const { polls, until, told = 0 } = how;
  return (memory, waitFor) => {
    const reader = new Reader(() => memory, 0, ALL);
    const heard: Notice[] = [];
    let brought = 0;
    const look = (): boolean => {
      const delivered = told === 0 ? 0 : Atomics.load(memory.i32, DELIVERED);
      if (delivered > brought) bring(reader, memory, brought, delivered);
      brought = delivered;
      const notice = reader.next();
      if (notice !== undefined) heard.push(notice);
      return notice !== undefined;
    };
    for (let i = 0; i < polls; i += 1) look();
    for (const party of until) waitFor(DONE + party, 1);
    if (told > 0) waitFor(DELIVERED, told);
    for (let i = 0; i < RING_SLOTS && look(); i += 1);
    return heard;
  };
}

export const tagsOf = (heard: readonly Notice[]): number[] => heard.map(({ tag }) => tag);

/** Each tag once, as it was told. @param expected by tag, the lane that it came from */
export function checkHeard(
  heard: readonly Notice[],
  expected: Readonly<Record<number, number | typeof BY_WORKER>>,
): void {
  const tags = tagsOf(heard).sort((a, b) => a - b);
  assert.deepEqual(tags, Object.keys(expected).map(Number), "each is told of once");
  for (const { tag, at, before, length, source } of heard) {
    const lane = expected[tag] as number | typeof BY_WORKER;
    const by = lane === BY_WORKER ? lane : Buffer.from(sourceOf(lane)).toString("hex");
    assert.deepEqual([at, before, length, source], [atOf(tag), beforeOf(tag), LENGTH, by], "as it was told");
  }
}

/** @param tags each of which was told when the one before had been */
export function checkOrder(heard: readonly Notice[], ...tags: readonly number[]): void {
  const places = tags.map((tag) => tagsOf(heard).indexOf(tag));
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
    `an effect comes before its cause: ${tagsOf(heard)}`,
  );
}

export function each<T>(cases: readonly T[], world: (one: T) => World): Explored {
  const all = cases.map((one) => everyState(world(one)));
  return {
    states: all.reduce((sum, { states }) => sum + states, 0),
    interleavings: all.reduce((sum, { interleavings }) => sum + interleavings, 0),
  };
}
