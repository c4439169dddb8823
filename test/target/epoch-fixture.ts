import assert from "node:assert/strict";
import { EPOCH_LOG_HEADER_BYTES } from "../../src/structs/epoch-log-header.ts";
import type { EpochLogGrant, FromWorker, ToWorker } from "../../src/target/messages.ts";
import {
  EPOCH_MESSAGE,
  type EpochMessage,
  encodeEpochMessage,
  LINE_BYTES,
  lineCount,
  VERSION_BYTES,
} from "../../src/wire/epoch-message.ts";
import type { EpochName, Participant } from "../../src/wire/epoch-name.ts";
import { OPCODE } from "../../src/wire/header.ts";
import {
  command,
  type RawClient,
  READ_WRITE,
  secretOf,
  WorkerFixture,
  type WorkerFixtureOptions,
} from "./worker-fixture.ts";

export const SELF: Participant = { target: "a".repeat(32), worker: 0 };
export const OTHER: Participant = { target: "b".repeat(32), worker: 1 };
/** Of a session that has just one region bound. */
export const HANDLE = 1;
export const REGION_BYTES: number = 16 * LINE_BYTES;

export interface EpochFixtureOptions extends WorkerFixtureOptions {
  readonly former?: EpochFixture;
  readonly ringBytes?: number;
}

/** A worker that knows who it is to epochs; the test is its control thread. */
export class EpochFixture extends WorkerFixture {
  readonly incarnation: string;
  readonly #ringBytes: number;
  /** Regions, by inode. */
  readonly regions: Map<number, { inode: number; byteLength: number; descriptor: number; bytes: Uint8Array }>;
  log: EpochLogGrant | undefined;
  /** What the control thread was told, beside what it answered. */
  readonly told: FromWorker[] = [];
  /** What it answers when a log is wanted: 0 makes one. */
  logStatus = 0;
  /** It takes its time to make one: until `makeLog` is called. */
  logIsSlow = false;

  constructor(options: EpochFixtureOptions = {}) {
    super(options);
    const { former } = options;
    this.#ringBytes = options.ringBytes ?? 1 << 20;
    this.incarnation = (former === undefined ? 0 : Number(former.incarnation) + 1)
      .toString()
      .padStart(32, "0");
    this.regions = former?.regions ?? new Map();
    this.log = former?.log;
    const regions = [...(former?.regions.values() ?? [])].map(({ inode, byteLength, descriptor }) => ({
      inode,
      index: 0,
      byteLength,
      descriptor,
      durable: this.drive.durable,
    }));
    this.orders.post({
      type: "epoch-self",
      self: SELF,
      incarnation: this.incarnation,
      log: this.log,
      regions,
    });
  }

  /** The worker, the sync thread and the control thread each have a turn. */
  override step(rounds = 1): void {
    for (let i = 0; i < rounds; i += 1) {
      super.step();
      this.syncer.doWork();
      this.#control();
      super.step();
    }
  }

  #control(): void {
    for (let message = this.orders.poll(); message !== undefined; message = this.orders.poll()) {
      if (message.type === "epoch-log-wanted" && !this.logIsSlow) this.makeLog();
      else this.told.push(message);
    }
  }

  makeLog(): void {
    if (this.logStatus === 0) {
      const byteLength = EPOCH_LOG_HEADER_BYTES + this.#ringBytes;
      const { descriptor } = this.drive.create("epochs.0", byteLength);
      this.log = { descriptor, byteLength, name: "epochs.0", durable: this.drive.durable, secret: 7 };
    }
    this.orders.post({ type: "epoch-log", log: this.log, status: this.logStatus });
  }

  /** What was told of that kind, and has not been taken. */
  take<T extends FromWorker["type"]>(type: T): (FromWorker & { type: T }) | undefined {
    const at = this.told.findIndex((message) => message.type === type);
    return at < 0 ? undefined : (this.told.splice(at, 1)[0] as FromWorker & { type: T });
  }

  say(order: ToWorker): void {
    this.orders.post(order);
    this.step(3);
  }

  region(inode: number): { inode: number; byteLength: number; descriptor: number; bytes: Uint8Array } {
    const known = this.regions.get(inode);
    if (known !== undefined) return known;
    const region = { inode, byteLength: REGION_BYTES, ...this.createRegion(inode, REGION_BYTES) };
    this.regions.set(inode, region);
    return region;
  }

  /** An origin with a session of its own, that has bound all of the region as HANDLE. */
  origin(session: number, inode = 7, rights: number = READ_WRITE): EpochOrigin {
    const token = this.openSession(session);
    this.step();
    const region = this.region(inode);
    this.orders.post({
      type: "bind",
      session,
      handle: HANDLE,
      region: { index: 0, durable: this.drive.durable, ...region },
      at: 0,
      byteLength: REGION_BYTES,
      rights,
    });
    // A former life's log is settled first.
    this.step(10);
    assert.equal(this.take("bound")?.status, 0);
    return new EpochOrigin(this, session, this.enter(session, token), this.enter(session, token));
  }
}

export interface Got {
  readonly bytes: Uint8Array;
  readonly versions: number[];
}

type Fields = Partial<Omit<EpochMessage, "kind" | "name">>;

/** One origin of an EpochFixture: a connection for accesses, and one for epochs. */
export class EpochOrigin {
  readonly #fixture: EpochFixture;
  readonly session: number;
  readonly plain: RawClient;
  readonly epochs: RawClient;
  #sequence = 0;

  constructor(fixture: EpochFixture, session: number, plain: RawClient, epochs: RawClient) {
    this.#fixture = fixture;
    this.session = session;
    this.plain = plain;
    this.epochs = epochs;
  }

  name(incarnation: string = this.#fixture.incarnation): EpochName {
    this.#sequence += 1;
    const { session } = this;
    return { incarnation, session, secret: secretOf(session), sequence: this.#sequence };
  }

  put(at: number, bytes: Uint8Array): void {
    this.sendPut(at, bytes);
    assert.equal(this.plain.answer().status, 0);
  }

  sendPut(at: number, bytes: Uint8Array): void {
    assert.ok(bytes.length > 8);
    const put = { opcode: OPCODE.PUT, handle: HANDLE, offset: at, length: bytes.length, payload: bytes };
    this.plain.send(command(put));
  }

  get(at: number, length: number): Got {
    const answerBytes = length + lineCount(at, length) * VERSION_BYTES;
    const answer = this.epochs.call({
      opcode: OPCODE.EPOCH_GET,
      handle: HANDLE,
      offset: at,
      length: answerBytes,
      operand: BigInt(length),
    });
    assert.equal(answer.status, 0);
    assert.equal(answer.payload.length, answerBytes);
    const versions = new DataView(answer.payload.slice(length).buffer);
    return {
      bytes: answer.payload.slice(0, length),
      versions: Array.from({ length: lineCount(at, length) }, (_, i) =>
        Number(versions.getBigUint64(i * VERSION_BYTES, true)),
      ),
    };
  }

  /** A command's bytes. */
  message(kind: keyof typeof EPOCH_MESSAGE, name: EpochName, fields: Fields = {}): Uint8Array {
    const payload = encodeEpochMessage({
      kind: EPOCH_MESSAGE[kind],
      name,
      stable: false,
      decider: SELF,
      reads: [],
      writes: [],
      others: [],
      ...fields,
    });
    return command({ opcode: OPCODE.EPOCH, length: payload.length, payload });
  }

  /** @returns what the table answered; a refusal is told as its status below zero */
  tell(kind: keyof typeof EPOCH_MESSAGE, name: EpochName, fields: Fields = {}): number {
    this.epochs.send(this.message(kind, name, fields));
    return this.answer();
  }

  answer(): number {
    const { opcode, status, value } = this.epochs.answer();
    assert.equal(opcode, OPCODE.EPOCH);
    return status === 0 ? Number(value) : -status;
  }
}

export function writeAt(at: number, ...bytes: number[]): EpochMessage["writes"][number] {
  return { handle: HANDLE, at, bytes: Uint8Array.from(bytes) };
}
