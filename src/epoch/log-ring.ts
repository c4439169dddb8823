import { crc32 } from "node:zlib";
import { RECORD_UNIT_BYTES } from "../structs/epoch-log-header.ts";
import {
  encodeRecordHead,
  RECORD_HEAD_BYTES,
  recordByteLength,
  recordKind,
  recordLife,
  recordPosition,
  setRecordChecksum,
  takeRecordChecksum,
} from "../structs/epoch-log-record.ts";

/** A record that was read. */
export interface LogRecord {
  /** Where it begins. */
  readonly position: number;
  readonly kind: number;
  /** A view of the ring where it lies in one piece: good until the log has been advanced past it. */
  readonly body: Uint8Array;
}

/** A record with a right checksum, whoever has written it. */
export interface FoundRecord extends LogRecord {
  readonly life: number;
  /** Where the next one begins. */
  readonly end: number;
}

/** Where a record with that much of a body ends that begins at `position`. */
export function recordEnd(position: number, bodyBytes: number): number {
  const byteLength = RECORD_HEAD_BYTES + bodyBytes;
  return position + Math.ceil(byteLength / RECORD_UNIT_BYTES) * RECORD_UNIT_BYTES;
}

/** Records in a ring of bytes, by position. It knows nothing of where they begin and end. */
export class LogRing {
  readonly #bytes: Uint8Array;
  readonly #secret: number;
  readonly #headBytes = new Uint8Array(RECORD_HEAD_BYTES);
  readonly #head = new DataView(this.#headBytes.buffer);

  /** @param secret see EpochLogHeader */
  constructor(bytes: Uint8Array, secret: number) {
    this.#bytes = bytes;
    this.#secret = secret;
  }

  /** Writes a record whose body has the bytes of `parts`, one after the other. There is room for it. */
  write(position: number, life: number, kind: number, parts: readonly Uint8Array[]): void {
    let end = position + RECORD_HEAD_BYTES;
    for (const part of parts) {
      this.#put(end, part);
      end += part.length;
    }
    encodeRecordHead(this.#head, end - position, position, life, kind);
    // Over what lies in the ring: a part that somebody changes meanwhile must not make a record that ends the log.
    setRecordChecksum(this.#head, this.#checksum(position + RECORD_HEAD_BYTES, end));
    this.#put(position, this.#headBytes);
  }

  /** @param limit it ends there at the latest @returns the record at `position`, undefined where there is none */
  find(position: number, limit: number): FoundRecord | undefined {
    const bodyAt = position + RECORD_HEAD_BYTES;
    if (bodyAt > limit) return undefined;
    this.#take(position, this.#headBytes);
    const bodyBytes = recordByteLength(this.#head) - RECORD_HEAD_BYTES;
    const end = recordEnd(position, bodyBytes);
    if (bodyBytes < 0 || end > limit || recordPosition(this.#head) !== position) return undefined;
    const checksum = takeRecordChecksum(this.#head);
    if (this.#checksum(bodyAt, bodyAt + bodyBytes) !== checksum) return undefined;
    const body = this.#view(bodyAt, bodyBytes);
    return { position, kind: recordKind(this.#head), body, life: recordLife(this.#head), end };
  }

  /** Of the head that is at hand, and a body. */
  #checksum(from: number, end: number): number {
    const headSum = crc32(this.#headBytes, this.#secret);
    const place = this.#place(from);
    const placeEnd = place + end - from;
    const ringBytes = this.#bytes.length;
    if (placeEnd <= ringBytes) return crc32(this.#bytes.subarray(place, placeEnd), headSum);
    const sum = crc32(this.#bytes.subarray(place), headSum);
    return crc32(this.#bytes.subarray(0, placeEnd - ringBytes), sum);
  }

  #put(position: number, from: Uint8Array): void {
    const place = this.#place(position);
    const untilWrap = this.#bytes.length - place;
    if (from.length <= untilWrap) {
      this.#bytes.set(from, place);
      return;
    }
    this.#bytes.set(from.subarray(0, untilWrap), place);
    this.#bytes.set(from.subarray(untilWrap), 0);
  }

  #take(position: number, into: Uint8Array): void {
    const place = this.#place(position);
    const first = this.#bytes.subarray(place, place + into.length);
    into.set(first);
    if (first.length < into.length)
      into.set(this.#bytes.subarray(0, into.length - first.length), first.length);
  }

  #view(position: number, byteLength: number): Uint8Array {
    const place = this.#place(position);
    if (place + byteLength <= this.#bytes.length) return this.#bytes.subarray(place, place + byteLength);
    const joined = new Uint8Array(byteLength);
    this.#take(position, joined);
    return joined;
  }

  #place(position: number): number {
    return position % this.#bytes.length;
  }
}
