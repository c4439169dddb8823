import { assert } from "../std/assert.ts";
import { EPOCH_SECRET_BYTES, type EpochName, type Participant } from "./epoch-name.ts";

/** Bytes of an epoch's name: u8[16] incarnation | u64 sequence | u32 session | u32 zero | u8[8] secret. */
export const NAME_BYTES = 40;
/** Bytes of a participant: u8[16] target | u32 worker | u32 zero. */
export const PARTICIPANT_BYTES = 24;

const IDENTITY_BYTES = 16;
const TWO_32 = 2 ** 32;

/** Fills bytes field by field, little-endian. */
export class FieldWriter {
  readonly #buffer: Buffer<ArrayBuffer>;
  #at = 0;

  constructor(byteLength: number) {
    // Of Node's pool, whose address in memory is known already.
    this.#buffer = Buffer.allocUnsafe(byteLength);
  }

  /** The bytes, once all of them are put: before that they are anything. */
  end(): Uint8Array<ArrayBuffer> {
    const { buffer, byteOffset, byteLength } = this.#buffer;
    assert(this.#at === byteLength, "every byte is put");
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  putU32(value: number): void {
    this.#at = this.#buffer.writeUInt32LE(value >>> 0, this.#at);
  }

  putU64(value: number): void {
    this.putU32(value);
    this.putU32(value / TWO_32);
  }

  putName({ incarnation, session, secret, sequence }: EpochName): void {
    this.#putHex(incarnation, IDENTITY_BYTES);
    this.putU64(sequence);
    this.putU32(session);
    this.putU32(0);
    this.#putHex(secret, EPOCH_SECRET_BYTES);
  }

  putParticipant({ target, worker }: Participant): void {
    this.#putHex(target, IDENTITY_BYTES);
    this.putU32(worker);
    this.putU32(0);
  }

  putBytes(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #putHex(hex: string, byteLength: number): void {
    const written = this.#buffer.write(hex, this.#at, byteLength, "hex");
    assert(
      written * 2 === hex.length && written === byteLength,
      "an identity or a secret has all its hex digits",
    );
    this.#at += byteLength;
  }
}

/** Reads bytes field by field, and believes nothing of them: all methods throw what `fail` makes of the reason. */
export class FieldReader {
  readonly #bytes: Uint8Array;
  readonly #buffer: Buffer;
  readonly #fail: (why: string) => Error;
  #at = 0;

  constructor(bytes: Uint8Array, fail: (why: string) => Error) {
    this.#bytes = bytes;
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#fail = fail;
  }

  u32(): number {
    return this.#buffer.readUInt32LE(this.#take(4));
  }

  /** A whole number up to 2^53. */
  u64(): number {
    const value = this.u32() + this.u32() * TWO_32;
    if (!Number.isSafeInteger(value)) throw this.#fail(`${value} is too much`);
    return value;
  }

  name(): EpochName {
    const incarnation = this.#hex(IDENTITY_BYTES);
    const sequence = this.u64();
    const session = this.u32();
    this.u32();
    return { incarnation, session, secret: this.#hex(EPOCH_SECRET_BYTES), sequence };
  }

  participant(): Participant {
    const participant = { target: this.#hex(IDENTITY_BYTES), worker: this.u32() };
    this.u32();
    return participant;
  }

  /** So many of something that takes `entryBytes`. No more are read than can be there. */
  list<T>(count: number, entryBytes: number, read: () => T): T[] {
    if (count * entryBytes > this.#bytes.length - this.#at) throw this.#fail(`it has no ${count} entries`);
    const entries: T[] = [];
    for (let i = 0; i < count; i += 1) entries.push(read());
    return entries;
  }

  /** A view of the next `byteLength` bytes. */
  bytes(byteLength: number): Uint8Array {
    const from = this.#take(byteLength);
    return this.#bytes.subarray(from, from + byteLength);
  }

  /** Nothing may be left. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw this.#fail("it is longer than what it says");
  }

  #hex(byteLength: number): string {
    const from = this.#take(byteLength);
    return this.#buffer.toString("hex", from, from + byteLength);
  }

  /** @returns where the next `byteLength` bytes begin */
  #take(byteLength: number): number {
    const at = this.#at;
    if (byteLength > this.#bytes.length - at) throw this.#fail("it is shorter than what it says");
    this.#at = at + byteLength;
    return at;
  }
}
