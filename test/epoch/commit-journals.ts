import assert from "node:assert/strict";
import type { EpochWrite, RegionLine } from "../../src/epoch/commit-records.ts";
import type { EpochAction } from "../../src/epoch/epoch-actions.ts";
import { EpochJournal } from "../../src/epoch/epoch-journal.ts";
import type { LockedLines } from "../../src/epoch/line-locks.ts";
import { EpochLog } from "../../src/epoch/log.ts";
import { type Replayed, replay } from "../../src/epoch/replay.ts";
import { DiskImage } from "../../src/sim/disk-image.ts";
import type { SimRandom } from "../../src/sim/random.ts";
import { EPOCH_LOG_HEADER_BYTES } from "../../src/structs/epoch-log-header.ts";
import { type EpochName, nameKey, type Participant } from "../../src/wire/epoch-name.ts";
import type { LossTally, UnsyncedRecord } from "./loss-tally.ts";

/** What an epoch does at one worker. */
export interface Content {
  readonly epoch: number;
  readonly shared: readonly RegionLine[];
  readonly writes: readonly EpochWrite[];
  readonly stable: boolean;
}

type Action = EpochAction<unknown, Content>;

export interface InDoubt {
  readonly name: EpochName;
  readonly decider: Participant;
  readonly locked: LockedLines;
  readonly content: Content;
}

/** What a new life finds. */
export interface Found {
  /** Epochs whose writes are in place, in that order. */
  readonly applied: number[];
  readonly inDoubt: readonly InDoubt[];
  readonly decisions: readonly { readonly name: EpochName; readonly others: readonly Participant[] }[];
  /** Who is an entry of the table again is called so there. */
  readonly called: (doubt: InDoubt, key: string) => void;
}

/** Where one worker of a world writes down what becomes of its epochs. */
export interface Journal {
  /** @returns whether the action was one of the journal's */
  carryOut(action: Action): boolean;
  readonly awaitsSync: boolean;
  /** @returns whose records are as durable as they must be, without a sync */
  ready(): string[];
  /** @returns whose records are durable now */
  sync(): string[];
  /** @param isCut the power goes, and what was not synced with it */
  crash(isCut: boolean): void;
  recover(): Found;
  /** The worker's region is synced, and what the log has for it given back. @param applied what is in it */
  flushRegion(applied: readonly number[]): void;
  describe(): unknown;
}

interface Line {
  readonly kind: "prepared" | "committed" | "finished" | "over";
  readonly name: EpochName;
  readonly decider: Participant | undefined;
  readonly locked: LockedLines | undefined;
  readonly content: Content | undefined;
  readonly others: readonly Participant[] | undefined;
}

const KINDS = ["prepared", "committed", "finished", "over"] as const;

/** A list of what was said, of which a cut takes the end. */
export class ListJournal implements Journal {
  #lines: Line[] = [];
  #durable = 0;
  #waiting: string[] = [];

  carryOut({ kind, name, entry }: Action): boolean {
    const said = KINDS[kind];
    if (said === undefined) return false;
    const { decider, locked, payload: content, others, key } = entry ?? {};
    this.#lines.push({ kind: said, name: name as EpochName, decider, locked, content, others });
    if (said !== "over") this.#waiting.push(key as string);
    return true;
  }

  get awaitsSync(): boolean {
    return this.#waiting.length > 0;
  }

  ready(): string[] {
    return [];
  }

  sync(): string[] {
    this.#durable = this.#lines.length;
    return this.#waiting.splice(0);
  }

  crash(isCut: boolean): void {
    if (isCut) this.#lines.length = this.#durable;
    this.#durable = this.#lines.length;
    this.#waiting = [];
  }

  recover(): Found {
    const lines = [...this.#lines];
    const effective = lines.filter(({ kind }) => kind === "committed" || kind === "finished");
    const later = (name: EpochName, kind: Line["kind"] | undefined): boolean =>
      lines.some(
        (line) =>
          nameKey(line.name) === nameKey(name) &&
          (kind ?? line.kind) === line.kind &&
          line.kind !== "prepared",
      );
    return {
      applied: effective.map(({ content }) => (content as Content).epoch),
      decisions: lines
        .filter(({ kind, name }) => kind === "committed" && !later(name, "over"))
        .map(({ name, others }) => ({ name, others: others as readonly Participant[] })),
      inDoubt: lines
        .filter(({ kind, name }) => kind === "prepared" && !later(name, undefined))
        .map((line) => ({
          name: line.name,
          decider: line.decider as Participant,
          locked: line.locked as LockedLines,
          content: line.content as Content,
        })),
      called: () => {},
    };
  }

  flushRegion(): void {}

  describe(): unknown {
    return [
      this.#lines.map(({ kind, name, content }) => `${kind} ${content?.epoch} ${nameKey(name)}`),
      this.#durable,
      this.#waiting,
    ];
  }
}

const RING_BYTES = 16 << 10;

/** The log itself, on a disk that keeps of what was not synced any sectors. */
export class LogJournal implements Journal {
  readonly #random: SimRandom;
  readonly #Journal: typeof EpochJournal;
  readonly #tally: LossTally;
  readonly #image: DiskImage;
  /** What the last sync has left, and what was appended since. */
  #synced = new Uint8Array(0);
  #unsynced: UnsyncedRecord[] = [];
  #live = new Uint8Array(EPOCH_LOG_HEADER_BYTES + RING_BYTES);
  #log: EpochLog;
  #journal: EpochJournal<unknown, Content>;
  /** What is durable in the region, in the order of writing. */
  #region: readonly number[] = [];
  /** Where each epoch writes. */
  readonly #places = new Map<number, ReadonlySet<number>>();

  constructor(random: SimRandom, tally: LossTally, Journal = EpochJournal) {
    this.#random = random;
    this.#tally = tally;
    this.#Journal = Journal;
    this.#image = new DiskImage(this.#live);
    this.#log = new EpochLog(this.#live, "log", 1);
    assert.deepEqual([...this.#log.recover()], []);
    this.#open();
    this.#journal = new Journal(this.#log);
  }

  carryOut(action: Action): boolean {
    const { epoch, writes = [] } = action.entry?.payload ?? {};
    if (epoch !== undefined) this.#places.set(epoch, new Set(writes.map(({ at }) => at)));
    const position = this.#log.end;
    const isOurs = this.#journal.carryOut(action);
    this.#appended(position);
    if (isOurs && this.#random.chance(0.3))
      this.#image.writeBack(this.#live, this.#random, this.#random.fraction());
    return isOurs;
  }

  #appended(position: number): void {
    const { end } = this.#log;
    if (end > position) this.#unsynced.push({ position, end });
  }

  get awaitsSync(): boolean {
    return this.#journal.syncWaiters > 0;
  }

  /** Records that no sync has covered, whether somebody waits for that or not. */
  get unsyncedCount(): number {
    return this.#unsynced.length;
  }

  ready(): string[] {
    return this.#journal.logged();
  }

  sync(): string[] {
    this.#syncLog();
    return this.#journal.logged();
  }

  #syncLog(): void {
    this.#image.begin(this.#live);
    this.#log.syncing();
    this.#image.finish();
    this.#log.synced();
    this.#synced = this.#live.slice();
    this.#unsynced = [];
  }

  #open(): void {
    while (!this.#log.isOpen) this.#syncLog();
  }

  crash(isCut: boolean): void {
    if (!isCut) return;
    const left = new Uint8Array(this.#image.afterLoss(this.#live, this.#random));
    this.#tally.count({ records: this.#unsynced, synced: this.#synced, live: this.#live, left });
    this.#live = left;
  }

  recover(): Found {
    this.#log = new EpochLog(this.#live, "log", 1);
    const { regions, inDoubt, decisions } = replay(this.#log.recover());
    this.#open();
    this.#journal = new this.#Journal(this.#log);
    for (const decision of decisions) this.#journal.recoveredDecision(decision);
    const positions = new Map<InDoubt, (typeof inDoubt)[number]>();
    const found = inDoubt.map((doubt) => {
      const { epoch: name, decider, shared, exclusive, writes } = doubt;
      const lines = (of: readonly RegionLine[]): number[] => of.map(({ line }) => line);
      const epoch = writes.length > 0 ? writerOf(writes[0] as EpochWrite) : name.session - 1;
      const content = { epoch, shared, writes, stable: true };
      const one = { name, decider, locked: { shared: lines(shared), exclusive: lines(exclusive) }, content };
      positions.set(one, doubt);
      return one;
    });
    return {
      applied: this.#putBack(regions),
      decisions: decisions.map(({ epoch: name, others }) => ({ name, others })),
      inDoubt: found,
      called: (doubt, key) => this.#journal.recovered(key, positions.get(doubt) as (typeof inDoubt)[number]),
    };
  }

  /** Of each line what is replayed is the end of what was written, so that nothing older comes over newer bytes. */
  #putBack(regions: Replayed["regions"]): number[] {
    const writes = regions.flatMap((region) => region.writes);
    for (const { at } of writes) {
      const replayed = writes.filter((write) => write.at === at).map(writerOf);
      const known = replayed.filter((epoch) => this.#region.includes(epoch));
      const written = this.#region.filter((epoch) => this.#places.get(epoch)?.has(at));
      assert.deepEqual(
        known,
        written.slice(written.length - known.length),
        "older bytes are put over newer ones",
      );
    }
    return [...new Set([...this.#region, ...writes.map(writerOf)])];
  }

  flushRegion(applied: readonly number[]): void {
    const upTo = this.#journal.appliedUpTo();
    this.#region = [...applied];
    this.#journal.flushed(1, 0, upTo);
    const position = this.#log.end;
    if (this.#random.chance(0.5)) assert.ok(this.#journal.noteFlushed(1, 0, upTo));
    this.#appended(position);
    if (this.#random.chance(0.5)) this.#journal.trim();
  }

  describe(): unknown {
    return undefined;
  }
}

/** The epoch whose number is in every byte. */
function writerOf({ bytes }: EpochWrite): number {
  const number = bytes[0] as number;
  assert.ok(
    bytes.every((byte) => byte === number),
    "bytes of a write are lost",
  );
  return number - 1;
}
