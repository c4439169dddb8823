import { assert } from "../std/assert.ts";
import {
  corruptLog,
  decodeEpochLogHeader,
  EPOCH_LOG_HEADER_BYTES,
  type EpochLogHeader,
  encodeEpochLogHeader,
  isRingBytes,
} from "../structs/epoch-log-header.ts";
import { RECORD_HEAD_BYTES } from "../structs/epoch-log-record.ts";
import { type LogRecord, LogRing, recordEnd } from "./log-ring.ts";

/** What `append` answers instead of a position. */
export const NO_ROOM = -1;

/** A header is in force once both of its slots are durable: either one alone is enough then. */
const COPIES = 2;

/**
 * The log of one worker, who alone writes it: a header page, and records in a ring behind it. It knows nothing of drives: its
 * owner maps the object, syncs it, and says so.
 *
 * Owners go through these steps:
 * 1. `recover` gives the records that are there. What it gives is no more durable than it was: nothing may be promised on
 *    it, and nothing be appended, before `isOpen`.
 * 2. While `needsSync`, sync the object: `syncing` before, `synced` after it, one at a time. The first makes the records that
 *    were read durable, the next two each a copy of the header with the new life. Then the log is open.
 * 3. `append` gives the position up to which the log must be durable for that record: `isDurable` says whether it is.
 * 4. `advance` gives up the records before a position. Two syncs that begin after it later their room can be used again.
 * A sync that fails ends the log's use in this life: the kernel may have dropped what was not written.
 *
 * Which records count: `lifeStart` is where the life that the header names was opened. From `start` to there lie those that
 * were durable then, so each must be right. Behind that only those of that life count: reading ends at the first that is torn,
 * of another lap (it says another position) or of another life. An older life may have left records there: whole ones behind a
 * torn one, and a torn one that bytes of its successor make whole again. No life that has come since has seen these.
 */
export class EpochLog {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  readonly #ring: LogRing;
  /** As it was written last. */
  #header: EpochLogHeader;
  /** The sequences of the copy that is durable, and of the last copy of what is to be in force. */
  #durableSequence: number;
  #lastSequence: number;
  #isOpen = false;
  /** Where the log begins once all that was asked for is done, and where it may begin after a crash, by either slot. */
  #start: number;
  #heldFrom: number;
  /** Where the next record begins; not known before everything was read. */
  #end = -1;
  #durableEnd: number;
  /** What the sync covers that is under way. */
  #syncingEnd = -1;
  #syncingSequence = 0;

  /**
   * @param bytes the whole object. Its ring takes all that is behind the header, unless it was written before.
   * @param name for messages
   * @param secret drawn at random, u32; of use only where the log was never written before
   * @throws ERR_VERSION for another format, ERR_CORRUPT where it is no log
   */
  constructor(bytes: Uint8Array, name: string, secret: number) {
    const header = decodeEpochLogHeader(bytes, name) ?? {
      ringBytes: bytes.length - EPOCH_LOG_HEADER_BYTES,
      start: 0,
      lifeStart: 0,
      life: 0,
      secret,
      sequence: 0,
    };
    const objectBytes = EPOCH_LOG_HEADER_BYTES + header.ringBytes;
    if (!isRingBytes(header.ringBytes) || objectBytes > bytes.length) {
      throw corruptLog(name, `its ring cannot have ${header.ringBytes} bytes`);
    }
    this.#bytes = bytes;
    this.#name = name;
    this.#header = header;
    this.#ring = new LogRing(bytes.subarray(EPOCH_LOG_HEADER_BYTES, objectBytes), header.secret);
    this.#durableSequence = header.sequence;
    this.#lastSequence = header.sequence;
    this.#start = header.start;
    this.#heldFrom = header.start;
    this.#durableEnd = header.start;
  }

  /**
   * The records, oldest first. To be read to the end, once, before anything else is done.
   * @throws ERR_CORRUPT where a record is damaged that was durable before the last life began
   */
  *recover(): Generator<LogRecord> {
    assert(this.#end < 0, "a log is recovered once");
    const { start, lifeStart, life, ringBytes } = this.#header;
    let position = start;
    for (;;) {
      const isOld = position < lifeStart;
      const record = this.#ring.find(position, isOld ? lifeStart : start + ringBytes);
      if (record === undefined || (isOld ? record.life >= life : record.life !== life)) {
        if (isOld) throw corruptLog(this.#name, `there is no record at ${position}, and there was`);
        break;
      }
      yield record;
      position = record.end;
    }
    this.#end = position;
    this.#change({ ...this.#header, life: life + 1, lifeStart: position });
  }

  /** Whether records can be appended, and those that were read are durable. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Where the log begins. */
  get start(): number {
    return this.#start;
  }

  /** Where the next record begins. */
  get end(): number {
    return this.#end;
  }

  /** Bytes that the body of one record may have now; below 0 where there is no room for any. */
  get roomBytes(): number {
    return this.#header.ringBytes - (this.#end - this.#heldFrom) - RECORD_HEAD_BYTES;
  }

  /** Whether there is something that no sync has covered yet. */
  get needsSync(): boolean {
    return this.#end > this.#durableEnd || this.#durableSequence < this.#lastSequence;
  }

  /**
   * Appends a record. It outlasts the process at once.
   * @param kind u16
   * @param parts of the body, copied one behind the other
   * @returns where it ends, or NO_ROOM
   */
  append(kind: number, parts: readonly Uint8Array[]): number {
    assert(this.#isOpen, "a log is open when it is appended to");
    let bodyBytes = 0;
    for (const part of parts) bodyBytes += part.length;
    if (bodyBytes > this.roomBytes) return NO_ROOM;
    this.#ring.write(this.#end, this.#header.life, kind, parts);
    this.#end = recordEnd(this.#end, bodyBytes);
    return this.#end;
  }

  /** Whether all records that end at `end` or before it outlast a loss of power. */
  isDurable(end: number): boolean {
    return end <= this.#durableEnd;
  }

  /** A sync of the object begins. @returns up to where the log is durable once that is done */
  syncing(): number {
    assert(this.#end >= 0 && this.#syncingEnd < 0, "one sync runs at a time, after everything was read");
    this.#syncingEnd = this.#end;
    this.#syncingSequence = this.#header.sequence;
    return this.#end;
  }

  /** The sync that had begun is done. @throws ERR_CORRUPT where the header was changed more often than any can be */
  synced(): void {
    assert(this.#syncingEnd >= 0, "a sync that is done had begun");
    this.#durableEnd = this.#syncingEnd;
    this.#durableSequence = this.#syncingSequence;
    this.#syncingEnd = -1;
    this.#settleHeader();
  }

  /**
   * Gives up all records before `start`, which is where one begins, or the end. Room is given back by the second sync from
   * now on: until then either slot of the header may have recovery begin at a former start.
   * @throws ERR_CORRUPT where the header was changed more often than any can be
   */
  advance(start: number): void {
    assert(this.#isOpen && start >= this.#start && start <= this.#end, "a log begins within what it has");
    this.#start = start;
    this.#settleHeader();
  }

  /** What is to be in force; its copies are written by the next steps. */
  #change(header: EpochLogHeader): void {
    this.#header = header;
    this.#lastSequence = header.sequence + COPIES;
  }

  /** Takes the next step, if what was written last is durable. */
  #settleHeader(): void {
    if (this.#durableSequence < this.#header.sequence) return;
    if (this.#durableSequence === this.#lastSequence) {
      this.#isOpen = true;
      this.#heldFrom = this.#header.start;
      if (this.#heldFrom === this.#start) return;
      this.#change({ ...this.#header, start: this.#start });
    }
    this.#header = { ...this.#header, sequence: this.#header.sequence + 1 };
    encodeEpochLogHeader(this.#bytes, this.#name, this.#header);
  }
}
