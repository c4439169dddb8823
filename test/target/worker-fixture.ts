import assert from "node:assert/strict";
import type { Mailbox } from "../../src/ports/mailbox.ts";
import type { MemoryPort } from "../../src/ports/memory.ts";
import type { Stream } from "../../src/ports/network.ts";
import { ENDED, WOULD_BLOCK } from "../../src/ports/network.ts";
import { SimDrive } from "../../src/sim/drive.ts";
import { simMailboxPair } from "../../src/sim/mailbox.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { SimNetwork, type SimNetworkOptions } from "../../src/sim/network.ts";
import { SimPoller } from "../../src/sim/poller.ts";
import { REGION_HEADER_BYTES, regionObjectBytes } from "../../src/structs/region-header.ts";
import { syncAreaBytes, syncQueueAt } from "../../src/structs/sync-queue.ts";
import { COUNTER, createCounters } from "../../src/target/counters.ts";
import { DataPlane } from "../../src/target/data-plane.ts";
import { DriveSyncer } from "../../src/target/drive-syncer.ts";
import type { FromWorker, ToWorker } from "../../src/target/messages.ts";
import { createLeaseEnd } from "../../src/target/service-lease.ts";
import {
  answerPayloadBytes,
  answerStatus,
  encodeCommand,
  encodeCompare,
  encodeNotification,
  encodeOperand,
  HEADER_BYTES,
  HEADER_WORDS,
  headerOpcode,
  headerTag,
  isAnswer,
  OPCODE,
  TOKEN_BYTES,
  valueAt,
} from "../../src/wire/header.ts";

const TCP = { kind: "tcp", host: "127.0.0.1", port: 7000 } as const;
const UNIX = { kind: "unix", name: "worker" } as const;

/** What arrives lies here until it is copied; nobody keeps it. */
const CHUNK = new Uint8Array(1 << 16);

export const READ_WRITE = 3;
export const READ_ONLY = 1;

export interface WorkerFixtureOptions extends SimNetworkOptions {
  readonly drive?: "file" | "memory";
  /** A poller that tells only what there is to be received. */
  readonly exactPoller?: boolean;
  /** A worker that is no more, whose drive this one has. */
  readonly former?: WorkerFixture;
}

/** What the epochs of that session are named with. */
export function secretOf(session: number): string {
  return `${session}`.padStart(16, "0");
}

/** One data-plane worker on simulated ports; the test is its control thread, its sync thread and its clients. */
export class WorkerFixture {
  readonly network: SimNetwork;
  readonly memory: SimMemory;
  readonly drive: SimDrive;
  readonly poller: SimPoller;
  readonly counters = createCounters();
  /** Until a test says otherwise the worker may serve. */
  readonly leaseEnd = createLeaseEnd().fill(Number.POSITIVE_INFINITY);
  readonly orders: Mailbox<ToWorker, FromWorker>;
  readonly plane: DataPlane;
  readonly syncer: DriveSyncer;
  readonly syncWords: Int32Array;
  nowMs = 0;

  constructor(options: WorkerFixtureOptions = {}) {
    this.network = new SimNetwork(options);
    this.memory = options.former?.memory ?? new SimMemory();
    this.poller = new SimPoller(options.exactPoller);
    this.drive = options.former?.drive ?? new SimDrive(this.memory, options.drive ?? "file");
    const words = new Int32Array(new SharedArrayBuffer(syncAreaBytes(1)));
    this.syncWords = words;
    const [orders, mailbox] = simMailboxPair<ToWorker, FromWorker>();
    this.orders = orders;
    this.syncer = new DriveSyncer(this.drive, words, [this.poller]);
    this.plane = new DataPlane({
      memoryPort: this.memory,
      clock: { nowMs: () => this.nowMs, wallMs: () => this.nowMs },
      poller: this.poller,
      tcp: this.network.listen(TCP),
      unix: this.network.listen(UNIX),
      mailbox,
      counters: this.counters,
      leaseEnd: this.leaseEnd,
      sync: { words, at: syncQueueAt(0) },
    });
  }

  step(rounds = 1): void {
    for (let i = 0; i < rounds; i += 1) this.plane.doWork(this.nowMs);
  }

  count(name: string): number {
    return this.counters[COUNTER[name as keyof typeof COUNTER] as number] as number;
  }

  /** Carries an order out and returns what the worker says to it. */
  order(order: ToWorker): FromWorker | undefined {
    this.orders.post(order);
    this.step();
    return this.orders.poll();
  }

  openSession(session: number): Uint8Array {
    const token = new Uint8Array(TOKEN_BYTES).fill(session + 1);
    const epochSecret = secretOf(session);
    this.orders.post({ type: "session-open", session, owner: `origin ${session}`, token, epochSecret });
    return token;
  }

  /** Makes a region on the drive and gives its data bytes as the drive has them. */
  createRegion(inode: number, byteLength: number): { descriptor: number; bytes: Uint8Array } {
    const { descriptor } = this.drive.create(`${inode}.0`, regionObjectBytes(byteLength));
    const dataBytes = regionObjectBytes(byteLength) - REGION_HEADER_BYTES;
    return { descriptor, bytes: this.memory.map(descriptor, REGION_HEADER_BYTES, dataBytes, true).u8 };
  }

  bind(
    session: number,
    handle: number,
    region: { inode: number; descriptor: number; byteLength: number },
    range: { at: number; byteLength: number },
    rights: number,
  ): number {
    const answer = this.order({
      type: "bind",
      session,
      handle,
      region: { ...region, index: 0, durable: this.drive.durable },
      ...range,
      rights,
    });
    assert.equal(answer?.type, "bound");
    return (answer as FromWorker & { type: "bound" }).status;
  }

  connect(kind: "tcp" | "unix" = "tcp"): RawClient {
    return new RawClient(this.network.connect(kind === "tcp" ? TCP : UNIX), () => this.step());
  }

  /** A connection that has proven `session`. */
  enter(session: number, token: Uint8Array, kind: "tcp" | "unix" = "tcp"): RawClient {
    const client = this.connect(kind);
    client.send(command({ opcode: OPCODE.HELLO, operand: BigInt(session), payload: token }));
    assert.equal(client.answer().status, 0);
    return client;
  }
}

export interface CommandFields {
  readonly opcode: number;
  readonly flags?: number;
  readonly tag?: number;
  readonly handle?: number;
  readonly offset?: number;
  readonly length?: number;
  readonly operand?: bigint;
  readonly compare?: bigint;
  /** The tag of a notification. */
  readonly notification?: number;
  readonly payload?: Uint8Array;
  /** Default: the payload's length. */
  readonly payloadBytes?: number;
}

/** A command's bytes. */
export function command(fields: CommandFields): Uint8Array {
  const payload = fields.payload ?? new Uint8Array(0);
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  const words = new Int32Array(bytes.buffer, 0, HEADER_WORDS);
  const { opcode, flags = 0, tag = 0, handle = 0, offset = 0, length = 0 } = fields;
  encodeCommand(words, 0, opcode, flags, tag, handle, offset, length, fields.payloadBytes ?? payload.length);
  const operand = new Int32Array(new BigInt64Array([fields.operand ?? 0n, fields.compare ?? 0n]).buffer);
  encodeOperand(words, 0, operand[0] as number, operand[1] as number);
  encodeCompare(words, 0, operand[2] as number, operand[3] as number);
  encodeNotification(words, 0, fields.notification ?? 0);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

export interface Answer {
  readonly opcode: number;
  readonly tag: number;
  readonly status: number;
  readonly value: bigint;
  readonly payload: Uint8Array;
}

/** The far end of a data connection, byte by byte: sends anything, checks that what comes back are answers. */
export class RawClient {
  readonly stream: Stream;
  readonly #step: () => void;
  readonly #memory: MemoryPort;
  #received = new Uint8Array(0);
  ended = false;

  /** @param step lets the worker work, where it does not by itself */
  constructor(stream: Stream, step: () => void, memory: MemoryPort = new SimMemory()) {
    this.stream = stream;
    this.#step = step;
    this.#memory = memory;
  }

  /** Sends all of it, stepping the worker while there is no room. */
  send(bytes: Uint8Array): void {
    const memory = this.#memory.borrow(bytes);
    let rounds = 0;
    for (let at = 0; at < bytes.length; ) {
      const taken = this.stream.send(memory, at, bytes.length - at);
      if (taken === ENDED) {
        this.ended = true;
        return;
      }
      if (taken > 0) at += taken;
      else {
        // Who only sends and never takes answers is held up, and rightly.
        this.#step();
        this.receive();
      }
      rounds += 1;
      assert.ok(rounds < 1e6, "the worker takes what is sent");
    }
  }

  /** Takes what has arrived. */
  receive(): void {
    const memory = this.#memory.borrow(CHUNK);
    for (let idle = 0; idle < 3; ) {
      const count = this.stream.recv(memory, 0, CHUNK.length);
      if (count === ENDED) {
        this.ended = true;
        return;
      }
      if (count === WOULD_BLOCK) {
        idle += 1;
        continue;
      }
      const grown = new Uint8Array(this.#received.length + count);
      grown.set(this.#received);
      grown.set(CHUNK.subarray(0, count), this.#received.length);
      this.#received = grown;
    }
  }

  /** The next answer if it has arrived whole. */
  tryAnswer(): Answer | undefined {
    if (this.#received.length < HEADER_BYTES) return undefined;
    const words = new Int32Array(this.#received.slice(0, HEADER_BYTES).buffer);
    assert.ok(isAnswer(words, 0), "what comes back is an answer");
    const length = HEADER_BYTES + answerPayloadBytes(words, 0);
    if (this.#received.length < length) return undefined;
    const value = new BigInt64Array(words.slice(valueAt(0), valueAt(0) + 2).buffer)[0] as bigint;
    const payload = this.#received.slice(HEADER_BYTES, length);
    this.#received = this.#received.slice(length);
    return {
      opcode: headerOpcode(words, 0),
      tag: headerTag(words, 0),
      status: answerStatus(words, 0),
      value,
      payload,
    };
  }

  /** Steps the worker until the next answer is here. */
  answer(): Answer {
    for (let round = 0; round < 200_000; round += 1) {
      const answer = this.tryAnswer();
      if (answer !== undefined) return answer;
      assert.ok(!this.ended, "an answer comes before the end");
      this.#step();
      this.receive();
    }
    throw new Error("no answer came");
  }

  /** Sends one command and waits for its answer. */
  call(fields: CommandFields): Answer {
    this.send(command(fields));
    return this.answer();
  }
}
