import type { Drive, DriveObject } from "../ports/drive.ts";
import type { MemoryPort } from "../ports/memory.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import {
  decodeRegionHeader,
  encodeRegionHeader,
  REGION_HEADER_BYTES,
  type RegionIdentity,
  regionObjectBytes,
} from "../structs/region-header.ts";
import type { SyncClient } from "./sync-client.ts";

/** A region whose object is open. */
export interface StoredRegion {
  readonly object: DriveObject;
  readonly identity: RegionIdentity;
}

/** The regions on a target's drive: made, opened and removed by name, each with its header. */
export class RegionStore {
  readonly #drive: Drive;
  readonly #memoryPort: MemoryPort;
  readonly #sync: SyncClient;
  #count: number;

  constructor(drive: Drive, memoryPort: MemoryPort, sync: SyncClient) {
    this.#drive = drive;
    this.#memoryPort = memoryPort;
    this.#sync = sync;
    this.#count = drive.names().length;
  }

  /** Regions on the drive. */
  get count(): number {
    return this.#count;
  }

  get durable(): boolean {
    return this.#drive.durable;
  }

  capacity(): { totalBytes: number; freeBytes: number } {
    return this.#drive.capacity();
  }

  /**
   * Makes a region of zeros; resolves once its name, its size and its header survive power loss, where the drive can.
   * Asking again for what was made, or half made, is no error: whoever asked may not have heard the answer.
   * @throws ERR_NO_SPACE, ERR_IO, EEXIST (of another size)
   */
  async create(inode: number, index: number, byteLength: number): Promise<void> {
    const name = objectName(inode, index);
    const object = this.#createObject(name, regionObjectBytes(byteLength));
    try {
      this.#settleHeader(object, { inode, index, gen: 1, byteLength });
      if (this.#drive.durable) {
        await Promise.all([this.#sync.sync(object.descriptor), this.#sync.syncNames()]);
      }
    } finally {
      object.close();
    }
  }

  #createObject(name: string, byteLength: number): DriveObject {
    try {
      const object = this.#drive.create(name, byteLength);
      this.#count += 1;
      return object;
    } catch (error) {
      const there = isDidafsError(error, "EEXIST") ? this.#drive.open(name) : undefined;
      if (there === undefined) throw error;
      if (there.byteLength === byteLength) return there;
      there.close();
      throw new DidafsError("EEXIST", `Region ${name} exists with another size`, { cause: error });
    }
  }

  /** @throws ERR_DATA_LOST when there is no such region, ERR_CORRUPT, ERR_VERSION, ERR_IO */
  open(inode: number, index: number): StoredRegion {
    const name = objectName(inode, index);
    const object = this.#drive.open(name);
    if (object === undefined) {
      const why = this.#drive.durable ? "" : ": a memory drive loses its regions when its target restarts";
      throw new DidafsError("ERR_DATA_LOST", `Region ${name} is gone${why}.`);
    }
    try {
      const wholeBytes = object.byteLength - REGION_HEADER_BYTES;
      return {
        object,
        identity: this.#settleHeader(object, { inode, index, gen: 1, byteLength: wholeBytes }),
      };
    } catch (error) {
      object.close();
      throw error;
    }
  }

  /** Removes a region's name; its bytes live on for as long as it is open. @throws ERR_IO */
  async remove(inode: number, index: number): Promise<void> {
    const name = objectName(inode, index);
    const object = this.#drive.open(name);
    if (object !== undefined) {
      object.close();
      this.#drive.remove(name);
      this.#count -= 1;
    }
    // Even if it was not there: an earlier removal may not have become durable.
    if (this.#drive.durable) await this.#sync.syncNames();
  }

  /** Checks the header, or writes it where there is none yet. @returns what the header says */
  #settleHeader(object: DriveObject, expected: RegionIdentity): RegionIdentity {
    if (object.byteLength < REGION_HEADER_BYTES) {
      throw new DidafsError(
        "ERR_CORRUPT",
        `Region ${object.name} cannot be used: it is shorter than its header.`,
      );
    }
    const memory = this.#memoryPort.map(object.descriptor, 0, REGION_HEADER_BYTES, true);
    try {
      const found = decodeRegionHeader(memory.u8, object.name);
      if (found === undefined) {
        encodeRegionHeader(memory.u8, expected);
        return expected;
      }
      const { inode, index, byteLength } = found;
      if (
        inode === expected.inode &&
        index === expected.index &&
        regionObjectBytes(byteLength) === object.byteLength
      ) {
        return found;
      }
      throw new DidafsError(
        "ERR_CORRUPT",
        `Region ${object.name} cannot be used: its header names region ${objectName(inode, index)} of ${byteLength} bytes.`,
      );
    } finally {
      this.#memoryPort.free(memory);
    }
  }
}

function objectName(inode: number, index: number): string {
  return `${inode}.${index}`;
}
