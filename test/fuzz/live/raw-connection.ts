import assert from "node:assert/strict";
import { type Address, ENDED, type Stream } from "../../../src/ports/network.ts";
import { systemMemory } from "../../../src/system/memory.ts";
import { systemNetwork } from "../../../src/system/network.ts";
import type { Dice } from "../dice.ts";
import type { Expected } from "../oracle/answers.ts";
import type { Oracle } from "../oracle/oracle.ts";
import { STATUS, statusName } from "../oracle/statuses.ts";
import type { Tally } from "../tally.ts";
import { HEADER, opcodeName } from "../wire/frame.ts";
import { NOTICE_BYTES } from "../wire/queue-frames.ts";
import { Splitter } from "../wire/splitter.ts";

const ANSWER_MAGIC = 0xd1db;
const RECEIVE_BYTES = 64 << 10;
/** Each piece is a call of its own, so the target may see it alone. */
const PIECES_PER_STEP = 100;

/** One data connection: sends bytes in pieces, and holds every answer against what the oracle expects. */
export class RawConnection {
  readonly oracle: Oracle;
  /** The target has closed it, or it was closed here. */
  ended = false;
  /** The end came before all was sent, so that what the target said last may be lost. */
  cutOff = false;
  readonly #stream: Stream;
  readonly #tally: Tally;
  readonly #splitter: Splitter;
  #out: Uint8Array = new Uint8Array(0);
  #sent = 0;
  #in: Uint8Array<ArrayBuffer> = new Uint8Array(RECEIVE_BYTES);
  #inMemory = systemMemory.borrow(this.#in);
  #inView = new DataView(this.#in.buffer);
  #begin = 0;
  #end = 0;

  constructor(address: Address, oracle: Oracle, tally: Tally, dice: Dice) {
    this.#stream = systemNetwork.connect(address);
    this.oracle = oracle;
    this.#tally = tally;
    this.#splitter = new Splitter(dice);
    tally.connections += 1;
  }

  /** Everything that was given has left. */
  get idle(): boolean {
    return this.#sent === this.#out.length;
  }

  /** Takes `bytes` to be sent; they are read by the oracle at once. */
  give(bytes: Uint8Array): void {
    assert.ok(this.idle, "one batch after the other");
    this.oracle.read(bytes);
    this.#out = bytes;
    this.#sent = 0;
    this.#splitter.begin(bytes.length);
  }

  /** @returns true when something moved */
  step(): boolean {
    if (this.ended) return false;
    // First what came: a stream that cannot be sent to any more gives nothing either.
    const received = this.#receive();
    return this.#send() || received;
  }

  #send(): boolean {
    if (this.ended) return false;
    const before = this.#sent;
    const memory = systemMemory.borrow(this.#out);
    for (let pieces = 0; pieces < PIECES_PER_STEP && this.#sent < this.#out.length; pieces += 1) {
      const count = this.#stream.send(
        memory,
        this.#sent,
        this.#splitter.piece(this.#out.length - this.#sent),
      );
      if (count === ENDED) {
        this.cutOff = true;
        this.#endHere();
        return true;
      }
      if (count <= 0) break;
      this.#sent += count;
    }
    return this.#sent > before;
  }

  #receive(): boolean {
    if (this.#end === this.#in.length || this.#begin === this.#end) this.#makeRoom();
    const count = this.#stream.recv(this.#inMemory, this.#end, this.#in.length - this.#end);
    if (count === ENDED) {
      this.#endHere();
      return true;
    }
    if (count <= 0) return false;
    this.#end += count;
    while (this.#answer());
    return true;
  }

  #makeRoom(): void {
    const here = this.#in.subarray(this.#begin, this.#end);
    if (here.length * 2 > this.#in.length) {
      this.#in = new Uint8Array(this.#in.length * 2);
      this.#inMemory = systemMemory.borrow(this.#in);
      this.#inView = new DataView(this.#in.buffer);
    }
    this.#in.set(here);
    this.#begin = 0;
    this.#end = here.length;
  }

  #answer(): boolean {
    const at = this.#begin;
    if (this.#end - at < HEADER) return false;
    const view = this.#inView;
    assert.equal(view.getUint16(at, true), ANSWER_MAGIC, "what comes back is an answer");
    const payloadBytes = view.getUint32(at + 12, true);
    if (this.#end - at < HEADER + payloadBytes) return false;
    const opcode = view.getUint8(at + 3);
    const tag = view.getUint32(at + 8, true);
    const status = view.getUint16(at + 6, true);
    const expected = this.oracle.owed.take(opcode, tag, status);
    const payload = this.#in.subarray(at + HEADER, at + HEADER + payloadBytes);
    const wrong =
      expected === undefined
        ? `it is not owed; ${this.oracle.owed.describe()}`
        : wrongIn(expected, status, view.getBigUint64(at + 16, true), payload);
    if (wrong !== undefined)
      assert.fail(
        `answer to ${opcodeName(opcode)} ${expected?.what ?? ""}, tag ${tag}: ${statusName(status)}: ${wrong}`,
      );
    const value = Number(view.getBigUint64(at + 16, true));
    expected?.heard?.(status, value);
    expected?.settled?.(status, value, payload);
    this.#begin = at + HEADER + payloadBytes;
    this.#tally.answered(opcode, status);
    if (expected?.what !== undefined) this.#tally.told(expected.what, status, value);
    return true;
  }

  #endHere(): void {
    this.ended = true;
    this.#stream.close();
    this.#out = new Uint8Array(0);
    this.#sent = 0;
  }

  /** Leaves in the middle of whatever there is. */
  close(): void {
    if (!this.ended) this.#endHere();
  }
}

/** @returns what is wrong with an answer, if anything is */
function wrongIn(expected: Expected, status: number, value: bigint, payload: Uint8Array): string | undefined {
  if (!expected.statuses.includes(status)) return `not ${expected.statuses.map(statusName).join(" or ")}`;
  if (status !== STATUS.OK) return payload.length === 0 ? undefined : "a refusal with a payload";
  const { noticesMax } = expected;
  if (noticesMax !== undefined) {
    const count = payload.length / NOTICE_BYTES;
    const isRight = count === 0 || (count <= noticesMax && BigInt(count) === value);
    return isRight ? undefined : `${payload.length} bytes of ${value} notices`;
  }
  if (payload.length !== expected.payloadBytes) {
    return `${payload.length} bytes of payload, not ${expected.payloadBytes}`;
  }
  if (expected.values !== undefined && !expected.values.includes(Number(value))) {
    return `${value}, not ${expected.values.join(" or ")}`;
  }
  if (expected.value !== undefined && value !== expected.value) return `${value}, not ${expected.value}`;
  if (expected.payload === undefined || Buffer.compare(expected.payload, payload) === 0) return undefined;
  for (let i = 0; i < payload.length; i += 1) {
    if (expected.unsure?.[i] === 1 || payload[i] === expected.payload[i]) continue;
    return `byte ${i} of ${payload.length} is ${payload[i]}, not ${expected.payload[i]}`;
  }
  return undefined;
}
