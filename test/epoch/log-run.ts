import assert from "node:assert/strict";
import type { EpochLog } from "../../src/epoch/log.ts";
import { NO_ROOM } from "../../src/epoch/log.ts";
import { recordEnd } from "../../src/epoch/log-ring.ts";
import { DiskImage } from "../../src/sim/disk-image.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { EPOCH_LOG_HEADER_BYTES } from "../../src/structs/epoch-log-header.ts";
import type { LossTally } from "./loss-tally.ts";

export type LogClass = new (bytes: Uint8Array, name: string, secret: number) => EpochLog;

export const SECRET = 0x5ec2e7;
const SLOTS_AT: readonly [number, number] = [0, 2048];
const SLOT_BYTES = 64;

/** What was appended. */
export interface Entry {
  readonly position: number;
  readonly end: number;
  readonly kind: number;
  readonly body: string;
}

export type Step =
  | { readonly kind: "append" | "tornAppend"; readonly bodyBytes: number; readonly tag: number }
  | { readonly kind: "beginSync" | "endSync" | "settle" | "writeBack" }
  | { readonly kind: "advance"; readonly share: number }
  | { readonly kind: "crash" | "losePower"; readonly damaged: number | undefined };

/** A body that differs from others of its length in its first byte only: what is left of one makes another whole. */
export function bodyOf(bodyBytes: number, tag: number): Uint8Array {
  const body = new Uint8Array(bodyBytes).fill(7);
  if (bodyBytes > 0) body[0] = tag;
  return body;
}

export function entryOf(log: EpochLog, kind: number, body: Uint8Array): Entry {
  const position = log.end;
  return { position, end: recordEnd(position, body.length), kind, body: Buffer.from(body).toString("hex") };
}

export function recovered(log: EpochLog): Entry[] {
  return Array.from(log.recover(), ({ position, kind, body }) => ({
    position,
    end: recordEnd(position, body.length),
    kind,
    body: Buffer.from(body).toString("hex"),
  }));
}

/** Syncs until nothing is left to sync, on a drive that keeps everything. */
export function settle(log: EpochLog): void {
  for (let rounds = 0; log.needsSync; rounds += 1) {
    assert.ok(rounds < 8, "syncs come to an end");
    log.syncing();
    log.synced();
  }
}

/** A log on a drive that loses what was not synced, by sectors, beside a record of what must be found after each crash. */
export class LogRun {
  readonly Log: LogClass;
  log: EpochLog;
  /** What the machine sees. */
  live: Uint8Array;
  /** All that this history has, also what was given up. */
  history: Entry[] = [];
  /** Where the log may begin. */
  readonly starts = new Set<number>([0]);
  /** Crashes so far. */
  crashes = 0;
  readonly #random: SimRandom;
  #image: DiskImage;
  /** As it was when the last sync that is done began, and one that runs. */
  #synced: Uint8Array;
  #syncing: Uint8Array;
  #durableEnd = 0;
  #syncingEnd: number | undefined;
  readonly #tally: LossTally | undefined;
  /** The other slot is all there is. */
  #isDamaged = false;

  constructor(Log: LogClass, ringBytes: number, seed: number, tally?: LossTally) {
    this.Log = Log;
    this.#tally = tally;
    this.#random = new SimRandom(seed);
    this.live = new Uint8Array(EPOCH_LOG_HEADER_BYTES + ringBytes);
    this.#image = new DiskImage(this.live);
    this.#synced = this.live.slice();
    this.#syncing = this.#synced;
    this.log = new Log(this.live, "log", SECRET);
    assert.deepEqual(recovered(this.log), []);
  }

  apply(step: Step): void {
    switch (step.kind) {
      case "append":
        this.#append(step.bodyBytes, step.tag);
        break;
      case "tornAppend":
        this.#tornAppend(step.bodyBytes, step.tag);
        break;
      case "beginSync":
        if (this.#syncingEnd === undefined) this.#beginSync();
        break;
      case "endSync":
        if (this.#syncingEnd !== undefined) this.#endSync(this.#syncingEnd);
        break;
      case "settle":
        this.#settle();
        break;
      case "writeBack":
        this.#image.writeBack(this.live, this.#random, this.#random.fraction());
        break;
      case "advance":
        this.#advance(step.share);
        break;
      case "losePower":
        this.#losePower();
        this.#damage(step.damaged);
        this.#image = new DiskImage(this.live);
        this.#synced = this.live.slice();
        this.#crash(this.#durableEnd);
        break;
      case "crash":
        this.#damage(step.damaged);
        this.#crash(this.log.end);
    }
    for (const { position, end } of this.history) {
      const isCertain = end <= this.#durableEnd || position < this.log.start;
      assert.ok(isCertain || !this.log.isDurable(end), "what is called durable is");
    }
    this.#tryLoss();
  }

  #losePower(): void {
    const left = this.#image.afterLoss(this.live, this.#random);
    const records = this.history.filter(({ end }) => end > this.#durableEnd);
    this.#tally?.count({ records, synced: this.#synced, live: this.live, left });
    this.live = left;
  }

  /** The power could be lost now: of what was not synced each slot, and the ring, are there or not, and one slot is damaged. */
  #tryLoss(): void {
    const bytes = this.#synced.slice();
    const parts = [
      ...SLOTS_AT.map((at) => [at, at + SLOT_BYTES] as const),
      [EPOCH_LOG_HEADER_BYTES, bytes.length],
    ];
    for (const [at, end] of parts) if (this.#random.chance(0.5)) bytes.set(this.live.subarray(at, end), at);
    if (this.log.isOpen && !this.#isDamaged) {
      const at = this.#random.pick(SLOTS_AT);
      bytes.fill(0xee, at, at + SLOT_BYTES);
    }
    this.#checkFound(new this.Log(bytes, "log", SECRET), this.#durableEnd);
  }

  /** Syncs until nothing is left to sync: then the log is open. */
  #settle(): void {
    do {
      this.apply({ kind: "endSync" });
      if (this.log.needsSync) this.apply({ kind: "beginSync" });
    } while (this.#syncingEnd !== undefined);
    assert.ok(this.log.isOpen && this.log.isDurable(this.log.end));
  }

  #append(bodyBytes: number, tag: number): boolean {
    if (!this.log.isOpen) return false;
    const { roomBytes } = this.log;
    const entry = entryOf(this.log, tag, bodyOf(bodyBytes, tag));
    const half = Math.floor(bodyBytes / 2);
    const body = bodyOf(bodyBytes, tag);
    const end = this.log.append(tag, [body.subarray(0, half), body.subarray(half)]);
    assert.equal(end, bodyBytes <= roomBytes ? entry.end : NO_ROOM);
    if (end === NO_ROOM) return false;
    this.history.push(entry);
    return true;
  }

  /** The process ends while it appends: of the last record anything may be there. */
  #tornAppend(bodyBytes: number, tag: number): void {
    const before = this.live.slice();
    const { end } = this.log;
    if (this.#append(bodyBytes, tag)) {
      for (let at = 0; at < this.live.length; at += 8) {
        if (this.#random.chance(0.3)) this.live.set(before.subarray(at, at + 8), at);
      }
    }
    this.#crash(end);
  }

  #beginSync(): void {
    this.#syncingEnd = this.log.syncing();
    this.#syncing = this.live.slice();
    this.#image.begin(this.live);
    this.#image.writeBack(this.live, this.#random, this.#random.fraction());
  }

  #endSync(end: number): void {
    this.#image.finish();
    this.#synced = this.#syncing;
    this.log.synced();
    this.#durableEnd = Math.max(this.#durableEnd, end);
    this.#syncingEnd = undefined;
    if (this.log.isOpen) this.#isDamaged = false;
  }

  #advance(share: number): void {
    if (!this.log.isOpen) return;
    const choices = [...this.history.map(({ position }) => position), this.log.end].filter(
      (position) => position >= this.log.start,
    );
    const start = choices[Math.min(choices.length - 1, Math.floor(share * choices.length))] as number;
    this.starts.add(start);
    this.log.advance(start);
  }

  #damage(slot: number | undefined): void {
    if (slot === undefined || !this.log.isOpen || this.#isDamaged) return;
    const at = (SLOTS_AT[slot] as number) + this.#random.between(0, SLOT_BYTES - 1);
    this.live[at] = (this.live[at] as number) ^ (1 << this.#random.between(0, 7));
    this.#isDamaged = true;
  }

  /** @param certainEnd what ends there at the latest must be found */
  #crash(certainEnd: number): void {
    this.crashes += 1;
    this.#syncingEnd = undefined;
    this.log = new this.Log(this.live, "log", SECRET);
    const found = this.#checkFound(this.log, certainEnd);
    const { start } = this.log;
    assert.equal(this.log.end, found.at(-1)?.end ?? start, "it goes on behind what was found");
    this.history = [...this.history.filter(({ position }) => position < start), ...found];
    for (const other of this.starts) if (other > this.log.end) this.starts.delete(other);
  }

  #checkFound(log: EpochLog, certainEnd: number): Entry[] {
    const { start } = log;
    assert.ok(this.starts.has(start), "it begins where it was told to");
    const found = recovered(log);
    const expected = this.history.filter(({ position }) => position >= start);
    const appended = expected.slice(0, found.length);
    assert.deepEqual(found, appended, "what is found was appended, one behind the other");
    assert.ok(found.length >= expected.filter(({ end }) => end <= certainEnd).length, "nothing is missing");
    return found;
  }
}
