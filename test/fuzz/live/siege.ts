import assert from "node:assert/strict";
import { closeSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";
import type { Address } from "../../../src/ports/network.ts";
import { OriginKey } from "../../../src/rpc/proofs.ts";
import { REGION_HEADER_BYTES } from "../../../src/structs/region-header.ts";
import { systemRandom } from "../../../src/system/random.ts";
import { OPCODE } from "../../../src/wire/header.ts";
import { type RealOrigin, RealTarget } from "../../target/real-target.ts";
import { Land, READ, WRITE } from "../oracle/land.ts";
import { STATUS } from "../oracle/statuses.ts";
import { EpochNames } from "../wire/epoch-names.ts";
import { ANSWERS, epochPayloadBytes, KINDS, LINE, putEpochPayload } from "../wire/epoch-payload.ts";
import type { Kind } from "./control-channel.ts";

export const REGION = {
  /** Where attackers have lands that they know byte for byte. */
  arena: 1,
  /** Access to it is taken back all the time. */
  revoked: 2,
  /** It is made shorter and longer all the time. */
  resized: 3,
  /** Only the victim uses it. */
  victim: 4,
} as const;
const BYTES: Record<number, number> = { 1: 3 << 20, 2: 16 << 10, 3: 64 << 10, 4: 64 << 10 };
/** Regions whose sync is to fail have numbers from here on. */
const CONDEMNED_FROM = 1000;
const CONDEMNED_BYTES = 8192;
/** Syncs fail once a region has this word here (preload/failing-sync.ts). */
const DOOM_AT = 16;
export const DOOM: Uint8Array = Buffer.from("DOOM");
/** At least so many bytes that nobody may touch lie between two lands. */
const GAP_BYTES = 67;
const PIECE_BYTES = 1 << 20;
/**
 * Of each thread of a target. So what is garbage is collected long before a run ends, and what is kept for ever ends
 * the target.
 */
const HEAP_MIB = 96;

/** What a byte that nobody may touch holds. */
function canaryAt(inode: number, at: number): number {
  return (at * 131 + (at >>> 8) * 7 + inode * 17 + 91) & 0xff;
}

/** A real target in a process of its own, its regions full of canaries, and who may use which part of them. */
export class Siege {
  readonly target = new RealTarget();
  readonly drive: "file" | "memory";
  readonly #preloads: readonly string[];
  readonly #claimed = new Map<number, Land[]>();
  /** Of each region: what it held in the beginning, and a descriptor to read it by. */
  readonly #canaries = new Map<number, Buffer>();
  readonly #descriptors = new Map<number, number>();
  #nextAt = 0;
  #scratch = Buffer.alloc(0);
  /** Of everybody who attacks or is attacked here. */
  readonly key: OriginKey = new OriginKey(systemRandom.bytes(32));
  /** Of the region `revoked`. */
  gen = 0;
  #condemned = CONDEMNED_FROM;

  /** @param preloads modules of test/fuzz/preload that the target's threads load first */
  constructor(drive: "file" | "memory", preloads: readonly string[]) {
    this.drive = drive;
    this.#preloads = preloads;
  }

  get pid(): number {
    return this.target.service?.pid ?? 0;
  }

  get durable(): boolean {
    return this.drive === "file";
  }

  worker(kind: Kind): Address {
    return this.target.endpoint?.[kind].workers[0] as Address;
  }

  async start(): Promise<void> {
    const before = process.env.NODE_OPTIONS;
    const imports = this.#preloads.map(
      (name) => `--import=${new URL(`../preload/${name}.ts`, import.meta.url)}`,
    );
    process.env.NODE_OPTIONS = [`--max-old-space-size=${HEAP_MIB}`, ...imports].join(" ");
    try {
      // The process is there, with its environment, before the first wait.
      const started = this.target.start(this.drive, 1);
      if (before === undefined) delete process.env.NODE_OPTIONS;
      else process.env.NODE_OPTIONS = before;
      await started;
    } finally {
      if (before !== undefined) process.env.NODE_OPTIONS = before;
    }
    const observer = await this.target.origin("unix");
    for (const inode of Object.values(REGION)) {
      const byteLength = BYTES[inode] as number;
      await this.target.createRegion(inode, byteLength);
      const canaries = Buffer.alloc(byteLength);
      for (let at = 0; at < byteLength; at += 1) canaries[at] = canaryAt(inode, at);
      this.#canaries.set(inode, canaries);
      const { handle, descriptor } = await observer.bind(inode, byteLength, { direct: true });
      const client = observer.enter(0);
      for (let offset = 0; offset < byteLength; offset += PIECE_BYTES) {
        const payload = new Uint8Array(canaries.subarray(offset, offset + PIECE_BYTES));
        const put = { opcode: OPCODE.PUT, handle, offset, length: payload.length, payload };
        assert.equal(client.call(put).status, 0);
      }
      client.stream.close();
      this.#descriptors.set(inode, descriptor as number);
    }
    await this.#openLog(observer);
    // The descriptors stay; the session would be in the way of revoking.
    observer.channel.close();
  }

  /** Until the worker has a log for them, epochs wait, and what comes behind them on their connection does not. */
  async #openLog(observer: RealOrigin): Promise<void> {
    const { session, incarnation, epochSecret: secret } = observer.session;
    const names = new EpochNames({ session, incarnation, secret }, this.target.id, true);
    const name = names.next(this, false);
    const claim = { stable: false, reads: [], writes: [], others: [] };
    const message = { kind: KINDS.COMMIT_ALONE, name, decider: names.self, ...claim };
    const payload = new Uint8Array(epochPayloadBytes(message));
    putEpochPayload(payload, message);
    const client = observer.enter(0);
    const answer = client.call({ opcode: OPCODE.EPOCH, length: payload.length, payload });
    assert.deepEqual([answer.status, answer.value], [STATUS.OK, BigInt(ANSWERS.COMMITTED)]);
    client.stream.close();
  }

  /** A part of the arena that one connection alone writes to. `at` is odd, even or aligned by turns. */
  claim(byteLength: number, hasLinesAlone = false): Land {
    const at = this.#nextAt + GAP_BYTES;
    const land = new Land(REGION.arena, at, byteLength, READ | WRITE, { hasLinesAlone });
    this.#nextAt = land.at + byteLength;
    assert.ok(this.#nextAt + GAP_BYTES < (BYTES[REGION.arena] as number), "the arena has room");
    this.#note(land);
    land.learn(this.bytesOf(land));
    return land;
  }

  /** The same, on lines that have no byte of anybody else, neither at its beginning nor at its end. */
  claimLines(byteLength: number): Land {
    this.#nextAt = Math.ceil(this.#nextAt / LINE) * LINE;
    const land = this.claim(byteLength, true);
    this.#nextAt = Math.ceil(this.#nextAt / LINE) * LINE;
    return land;
  }

  /** A part of the arena that may be read. */
  readOnly(byteLength: number): Land {
    const land = new Land(REGION.arena, this.#nextAt + GAP_BYTES, byteLength, READ);
    this.#nextAt = land.at + byteLength;
    land.learn(this.bytesOf(land));
    return land;
  }

  /** What is the victim's. */
  victims(): Land[] {
    return [
      new Land(REGION.victim, 5, 3000, READ | WRITE),
      new Land(REGION.victim, 8192, 40_000, READ | WRITE, { hasLinesAlone: true }),
    ].map((land) => {
      this.#note(land);
      land.learn(this.bytesOf(land));
      return land;
    });
  }

  #note(land: Land): void {
    this.#claimed.set(land.inode, [...(this.#claimed.get(land.inode) ?? []), land]);
  }

  /** Lands of everybody, with canaries before and behind. */
  contested(): Land[] {
    return [
      new Land(REGION.revoked, 4099, 3001, READ | WRITE, { troubles: [STATUS.REVOKED], known: false }),
      new Land(REGION.resized, 4096, 50_000, READ | WRITE, { troubles: [STATUS.RANGE], known: false }),
    ];
  }

  /** A region of its own, which fails once DOOM is at the beginning of the land. */
  async condemned(): Promise<Land> {
    this.#condemned += 1;
    // Another slot may ask meanwhile.
    const inode = this.#condemned;
    await this.target.createRegion(inode, CONDEMNED_BYTES);
    return new Land(inode, DOOM_AT, 4000, READ | WRITE, { known: false, troubles: [STATUS.IO] });
  }

  async remove(land: Land): Promise<void> {
    await this.target.call("region.remove", { inode: land.inode, index: 0 });
  }

  /** What a land holds on the drive; valid until something else is read. */
  bytesOf(land: Land): Buffer {
    return this.#read(land.inode, land.at, land.byteLength);
  }

  #read(inode: number, at: number, byteLength: number): Buffer {
    if (this.#scratch.length < byteLength) this.#scratch = Buffer.alloc(byteLength);
    const bytes = this.#scratch.subarray(0, byteLength);
    const descriptor = this.#descriptors.get(inode) as number;
    const count = readSync(descriptor, bytes, 0, byteLength, REGION_HEADER_BYTES + at);
    assert.equal(count, byteLength, `region ${inode} has its bytes`);
    return bytes;
  }

  /** Every byte that nobody may touch is as it was. */
  check(): void {
    this.#checkOutside(REGION.arena, this.#claimed.get(REGION.arena) ?? []);
    this.#checkOutside(REGION.victim, this.#claimed.get(REGION.victim) ?? []);
    this.#checkOutside(REGION.revoked, [{ at: 4099, byteLength: 3001 }]);
    // What lies behind is zeros at times.
    this.#checkOutside(REGION.resized, [{ at: 4096, byteLength: (BYTES[REGION.resized] as number) - 4096 }]);
  }

  #checkOutside(inode: number, lands: readonly { readonly at: number; readonly byteLength: number }[]): void {
    const canaries = this.#canaries.get(inode) as Buffer;
    let from = 0;
    for (const land of [...lands, { at: canaries.length, byteLength: 0 }]) {
      const found = this.#read(inode, from, land.at - from);
      const wanted = canaries.subarray(from, land.at);
      if (!found.equals(wanted)) {
        const at = found.findIndex((byte, i) => byte !== wanted[i]);
        assert.fail(`byte ${from + at} of region ${inode} lies outside of every binding, and was changed`);
      }
      from = land.at + land.byteLength;
    }
  }

  /**
   * What the target's process has open, by descriptor, but for the regions that are there for all: one without a user stays open
   * for a while, or is closed because it was cut.
   */
  descriptors(): string[] {
    const folder = `/proc/${this.pid}/fd`;
    const links = readdirSync(folder).map((name) => {
      try {
        return readlinkSync(`${folder}/${name}`);
      } catch {
        return "closed meanwhile";
      }
    });
    const shared = Object.values(REGION).map((inode) => new RegExp(`/(regions/|memfd:)${inode}\\.0`));
    return links.filter((link) => !shared.some((name) => name.test(link)));
  }

  /** Bytes of the target's process that are in memory and its own. */
  residentBytes(): number {
    const [, resident, shared] = readFileSync(`/proc/${this.pid}/statm`, "latin1").split(" ").map(Number);
    return ((resident as number) - (shared as number)) * 4096;
  }

  async close(): Promise<void> {
    for (const descriptor of this.#descriptors.values()) closeSync(descriptor);
    await this.target.close();
  }
}
