import { EpochLog } from "../epoch/log.ts";
import type { LogRecord } from "../epoch/log-ring.ts";
import { type Replayed, replay } from "../epoch/replay.ts";
import type { Drive, DriveObject } from "../ports/drive.ts";
import type { Memory, MemoryPort } from "../ports/memory.ts";
import type { Random } from "../ports/random.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import { EPOCH_LOG_HEADER_BYTES } from "../structs/epoch-log-header.ts";
import type { EpochLogGrant } from "./messages.ts";
import type { SyncClient } from "./sync-client.ts";

const LOG_BYTES = 64 << 20;
const LOG_BYTES_MIN = 4 << 20;
/** Of what is free on the drive a log takes no more than this part, unless that is less than the shortest log. */
const FREE_PART = 8;
const NAME = /^epochs\.(0|[1-9]\d{0,3})$/;
const U32_BYTES = 4;

export interface EpochLogsParts {
  /** Where they lie: the drive of the regions, or one of files where regions lie in memory. */
  readonly drive: Drive;
  /** They are to survive a loss of power, as regions do. */
  readonly durable: boolean;
  readonly memory: MemoryPort;
  readonly random: Random;
  readonly sync: SyncClient;
  /** How long a new log is where there is room for it; default 64 MiB. */
  readonly logBytes: number | undefined;
  /** What people call the target, for messages. */
  readonly target: string;
}

/** A log that an earlier life has left, and what it says: views of its mapping. */
export interface FoundLog extends Replayed {
  readonly worker: number;
  readonly descriptor: number;
  /** Records that it has. */
  readonly count: number;
  /** To be freed when `Replayed` is not needed any more. */
  readonly memory: Memory;
}

/**
 * The logs of a target's workers on its drive, one object each. Made when a worker wants one, and open from then on. Only their
 * workers write to them.
 */
export class EpochLogs {
  readonly #parts: EpochLogsParts;
  /** By worker. */
  readonly #open = new Map<number, DriveObject>();

  constructor(parts: EpochLogsParts) {
    this.#parts = parts;
  }

  /** Workers that have had a log, in ascending order. */
  workers(): number[] {
    return this.#parts.drive
      .names()
      .map((name) => NAME.exec(name)?.[1])
      .filter((digits) => digits !== undefined)
      .map(Number)
      .sort((a, b) => a - b);
  }

  /**
   * Reads the log that an earlier life has left, and keeps it open.
   * @returns undefined where there is none, or only one whose making was cut off
   * @throws ERR_CORRUPT, ERR_VERSION, ERR_IO, ERR_TOO_MANY
   */
  read(worker: number): FoundLog | undefined {
    const { drive, memory: memoryPort } = this.#parts;
    const object = drive.open(nameOf(worker));
    if (object === undefined) return undefined;
    let memory: Memory | undefined;
    let isKept = false;
    try {
      if (object.byteLength === 0) return undefined;
      memory = memoryPort.map(object.descriptor, 0, object.byteLength, false);
      if (memory.u8.subarray(0, EPOCH_LOG_HEADER_BYTES).every((byte) => byte === 0)) return undefined;
      const found = this.#replay(worker, memory);
      isKept = true;
      this.#open.set(worker, object);
      return { ...found, worker, descriptor: object.descriptor, memory };
    } finally {
      if (!isKept) {
        if (memory !== undefined) memoryPort.free(memory);
        object.close();
      }
    }
  }

  #replay(worker: number, memory: Memory): Replayed & { count: number } {
    const name = `${nameOf(worker)} of ${this.#parts.target}`;
    let count = 0;
    const counted = function* (records: Iterable<LogRecord>): Generator<LogRecord> {
      for (const record of records) {
        count += 1;
        yield record;
      }
    };
    try {
      // It has been written before, so its secret stands in its header.
      const replayed = replay(counted(new EpochLog(memory.u8, name, 0).recover()));
      return { ...replayed, count };
    } catch (error) {
      if (!isDidafsError(error, "ERR_CORRUPT")) throw error;
      throw new DidafsError(
        "ERR_CORRUPT",
        `${error.message} Nothing else says which of the last epochs were committed. Bring back the file ${nameOf(worker)} in the folder of ${this.#parts.target} as it was; or move it away, and what these epochs wrote may be there in part.`,
        { cause: error },
      );
    }
  }

  /** Makes all that was read durable. @throws ERR_IO */
  async sync({ worker, descriptor }: FoundLog): Promise<void> {
    const { sync, target } = this.#parts;
    try {
      await sync.sync(descriptor);
    } catch (cause) {
      throw new DidafsError(
        "ERR_IO",
        `Epoch log ${nameOf(worker)} of ${target} could not be made durable (${(cause as Error).message}): the target does not serve. Look at the drive, and start it again.`,
        { cause },
      );
    }
  }

  /** The log of the worker, if it is open. */
  grant(worker: number): EpochLogGrant | undefined {
    const object = this.#open.get(worker);
    return object && this.#grantOf(object);
  }

  /**
   * Makes the worker's log, and opens it; resolves once it survives a loss of power, where that is needed. What a making that was
   * cut off has left is used.
   * @throws ERR_NO_SPACE, ERR_IO, ERR_TOO_MANY; asking again is no error
   */
  async make(worker: number): Promise<EpochLogGrant> {
    const { drive, durable, sync } = this.#parts;
    const open = this.#open.get(worker);
    if (open !== undefined) return this.#grantOf(open);
    const name = nameOf(worker);
    const object = this.#place(name);
    try {
      if (durable) {
        this.#writeZeros(object);
        await sync.sync(object.descriptor);
        await sync.syncNames();
      }
    } catch (error) {
      object.close();
      // Another sync could succeed without anything being there.
      drive.remove(name);
      throw error;
    }
    this.#open.set(worker, object);
    return this.#grantOf(object);
  }

  #place(name: string): DriveObject {
    const { drive } = this.#parts;
    const byteLength = this.#newBytes();
    try {
      return drive.create(name, byteLength);
    } catch (error) {
      const object = isDidafsError(error, "EEXIST") ? drive.open(name) : undefined;
      if (object === undefined) throw error;
      try {
        // From its beginning: what it has need not have a place on the drive.
        object.extend(0, Math.max(byteLength, wholePages(object.byteLength)));
        return object;
      } catch (failure) {
        object.close();
        throw failure;
      }
    }
  }

  /**
   * A page that is only reserved is not known to the file system as written: the first sync behind a store to it would have to
   * commit that, too, which takes many times as long as writing the page (PostgreSQL fills its WAL beforehand for that reason).
   */
  #writeZeros({ descriptor, byteLength }: DriveObject): void {
    const { memory: memoryPort } = this.#parts;
    const memory = memoryPort.map(descriptor, 0, byteLength, true);
    memory.u8.fill(0);
    memoryPort.free(memory);
  }

  #newBytes(): number {
    const { freeBytes } = this.#parts.drive.capacity();
    let byteLength = this.#parts.logBytes ?? LOG_BYTES;
    while (byteLength > LOG_BYTES_MIN && byteLength * FREE_PART > freeBytes) byteLength /= 2;
    return byteLength;
  }

  #grantOf({ descriptor, byteLength, name }: DriveObject): EpochLogGrant {
    const { durable, random, target } = this.#parts;
    const secret = Buffer.from(random.bytes(U32_BYTES)).readUInt32LE();
    return { descriptor, byteLength, name: `${name} of ${target}`, durable, secret };
  }

  /** Removes logs that nobody needs any more; resolves once they do not come back. @throws ERR_IO */
  async drop(workers: readonly number[]): Promise<void> {
    const { drive, durable, sync } = this.#parts;
    for (const worker of workers) {
      this.#open.get(worker)?.close();
      this.#open.delete(worker);
      drive.remove(nameOf(worker));
    }
    if (durable && workers.length > 0) await sync.syncNames();
  }

  /** After the workers have stopped. */
  closeAll(): void {
    for (const object of this.#open.values()) object.close();
    this.#open.clear();
  }
}

function wholePages(byteLength: number): number {
  return Math.ceil(byteLength / EPOCH_LOG_HEADER_BYTES) * EPOCH_LOG_HEADER_BYTES;
}

function nameOf(worker: number): string {
  return `epochs.${worker}`;
}
