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
      this.#settleHeader(object, inode, index, { inode, index, gen: 1, byteLength });
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

  /** @throws ERR_DATA_LOST when there is no such region or its header is gone, ERR_CORRUPT, ERR_VERSION, ERR_IO */
  open(inode: number, index: number): StoredRegion {
    const name = objectName(inode, index);
    const object = this.#drive.open(name);
    if (object === undefined) {
      const why = this.#drive.durable ? "" : ": a memory drive loses its regions when its target restarts";
      throw new DidafsError("ERR_DATA_LOST", `Region ${name} is gone${why}.`);
    }
    try {
      return { object, identity: this.#settleHeader(object, inode, index) };
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

  /**
   * Checks the header.
   * @param fresh what is written where there is none yet; left out once the region was made, for then it had one
   * @returns what the header says
   */
  #settleHeader(object: DriveObject, inode: number, index: number, fresh?: RegionIdentity): RegionIdentity {
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
        if (fresh === undefined) {
          throw new DidafsError(
            "ERR_DATA_LOST",
            `Region ${object.name} has lost its first page, and perhaps more: it is zeros where its header was.`,
          );
        }
        encodeRegionHeader(memory.u8, fresh);
        return fresh;
      }
      const { byteLength } = found;
      const fits = regionObjectBytes(byteLength) === object.byteLength;
      if (found.inode === inode && found.index === index && fits) return found;
      const named = objectName(found.inode, found.index);
      throw new DidafsError(
        "ERR_CORRUPT",
        `Region ${object.name} cannot be used: its header names region ${named} of ${byteLength} bytes, the object has ${object.byteLength - REGION_HEADER_BYTES}.`,
      );
    } finally {
      this.#memoryPort.free(memory);
    }
  }
}

function objectName(inode: number, index: number): string {
  return `${inode}.${index}`;
}
