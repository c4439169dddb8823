import type { Drive, DriveObject } from "../ports/drive.ts";
import type { MemoryPort } from "../ports/memory.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import {
  countResize,
  decodeRegionHeader,
  encodeRegionHeader,
  newestHeader,
  REGION_HEADER_BYTES,
  type RegionHeader,
  regionObjectBytes,
} from "../structs/region-header.ts";
import { publishWaits } from "../structs/region-waits.ts";
import type { SyncClient } from "./sync-client.ts";

/** A region whose object is open. */
export interface StoredRegion {
  readonly object: DriveObject;
  /**
   * What its header says, as far as we wrote or checked it: origins of the same user can change the page, so it is not
   * read again while the region is open.
   */
  header: RegionHeader;
}

/** A region's name. */
export interface RegionName {
  readonly inode: number;
  readonly index: number;
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
    this.#count = this.names().length;
  }

  /** Regions on the drive. */
  get count(): number {
    return this.#count;
  }

  get durable(): boolean {
    return this.#drive.durable;
  }

  get medium(): string {
    return this.#drive.medium;
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
    const object = this.#make({ inode, index, byteLength, written: false, sequence: 0 });
    try {
      if (this.#drive.durable) {
        await Promise.all([this.#sync.sync(object.descriptor), this.#sync.syncNames()]);
      }
    } finally {
      object.close();
    }
  }

  /** The header comes before the data's place, so that what is cut off before that surely holds nothing. */
  #make(fresh: RegionHeader): DriveObject {
    const name = objectName(fresh.inode, fresh.index);
    const { object, isNew } = this.#openOrCreate(name);
    try {
      object.extend(object.byteLength, REGION_HEADER_BYTES);
      const { byteLength } = this.#settleHeader(object, fresh.inode, fresh.index, fresh);
      if (byteLength !== fresh.byteLength) {
        throw new DidafsError("EEXIST", `Region ${name} exists with ${byteLength} bytes`);
      }
      object.extend(object.byteLength, regionObjectBytes(byteLength));
      return object;
    } catch (error) {
      object.close();
      if (isNew) this.#drop(name);
      throw error;
    }
  }

  #openOrCreate(name: string): { object: DriveObject; isNew: boolean } {
    try {
      const object = this.#drive.create(name, REGION_HEADER_BYTES);
      this.#count += 1;
      return { object, isNew: true };
    } catch (error) {
      const object = isDidafsError(error, "EEXIST") ? this.#drive.open(name) : undefined;
      if (object === undefined) throw error;
      return { object, isNew: false };
    }
  }

  /** @throws ERR_DATA_LOST when there is no such region or its header is gone, ERR_CORRUPT, ERR_VERSION, ERR_IO */
  open(inode: number, index: number): StoredRegion {
    const object = this.#openObject(inode, index);
    try {
      const header = this.#settleHeader(object, inode, index);
      this.#forgetWaits(object);
      // What was cut has no need of its place, once nobody can reach it any more.
      const cutAt = regionObjectBytes(header.byteLength);
      object.punch(cutAt, object.byteLength - cutAt);
      return { object, header };
    } catch (error) {
      object.close();
      throw error;
    }
  }

  /** Those of a former life wait no more. */
  #forgetWaits(object: DriveObject): void {
    const memory = this.#memoryPort.map(object.descriptor, 0, REGION_HEADER_BYTES, true);
    publishWaits(memory.i32, 0);
    this.#memoryPort.free(memory);
  }

  /** Gives back the place of what was cut from a region that is not open. */
  trim(inode: number, index: number): void {
    if (this.has(inode, index)) this.open(inode, index).object.close();
  }

  /** What the header of a region on the drive says; changes nothing. @throws as `open` */
  inspect(inode: number, index: number): RegionHeader {
    const object = this.#openObject(inode, index);
    try {
      return this.#settleHeader(object, inode, index);
    } finally {
      object.close();
    }
  }

  has(inode: number, index: number): boolean {
    const object = this.#drive.open(objectName(inode, index));
    object?.close();
    return object !== undefined;
  }

  /** The names of all regions on the drive, in the order of inodes, then indexes. */
  names(): RegionName[] {
    const names = this.#drive.names().map(parseName);
    return names.filter((name) => name !== undefined).sort(compareNames);
  }

  /** Writes what changes into the region's header; a new length is told to those who map it. @throws ERR_IO, ERR_CORRUPT */
  change(region: StoredRegion, change: Partial<Pick<RegionHeader, "byteLength" | "written">>): void {
    const { object, header } = region;
    const changed = { ...header, ...change, sequence: header.sequence + 1 };
    const memory = this.#memoryPort.map(object.descriptor, 0, REGION_HEADER_BYTES, true);
    try {
      encodeRegionHeader(memory.u8, changed);
      if (changed.byteLength !== header.byteLength) countResize(memory.i32);
    } finally {
      this.#memoryPort.free(memory);
    }
    region.header = changed;
  }

  /** Makes the region's bytes and its header survive power loss, where the drive can. @throws ERR_IO */
  async sync({ object }: StoredRegion): Promise<void> {
    if (this.#drive.durable) await this.#sync.sync(object.descriptor);
  }

  #openObject(inode: number, index: number): DriveObject {
    const name = objectName(inode, index);
    const object = this.#drive.open(name);
    if (object !== undefined) return object;
    const why = this.#drive.durable ? "" : ": a memory drive loses its regions when its target restarts";
    throw new DidafsError("ERR_DATA_LOST", `Region ${name} is gone${why}.`);
  }

  /** Removes a region's name; its bytes live on for as long as it is open. @throws ERR_IO */
  async remove(inode: number, index: number): Promise<void> {
    const name = objectName(inode, index);
    const object = this.#drive.open(name);
    if (object !== undefined) {
      object.close();
      this.#drop(name);
    }
    // Even if it was not there: an earlier removal may not have become durable.
    if (this.#drive.durable) await this.#sync.syncNames();
  }

  #drop(name: string): void {
    this.#drive.remove(name);
    this.#count -= 1;
  }

  /** Its making was cut off, or no window that may write was ever opened on it. @throws ERR_IO */
  isUnwritten(inode: number, index: number): boolean {
    const object = this.#openObject(inode, index);
    try {
      if (object.byteLength <= REGION_HEADER_BYTES) return true;
      const memory = this.#memoryPort.map(object.descriptor, 0, REGION_HEADER_BYTES, false);
      try {
        const header = newestHeader(memory.u8);
        return header?.inode === inode && header.index === index && !header.written;
      } finally {
        this.#memoryPort.free(memory);
      }
    } finally {
      object.close();
    }
  }

  /**
   * Checks the header.
   * @param fresh of a region that is being made: what is written where there is none yet. Its place may still be missing
   * @returns what the header says
   */
  #settleHeader(object: DriveObject, inode: number, index: number, fresh?: RegionHeader): RegionHeader {
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
      const fits = fresh !== undefined || regionObjectBytes(byteLength) <= object.byteLength;
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

function parseName(name: string): RegionName | undefined {
  const [, inode, index] = /^(\d{1,16})\.(\d{1,10})$/.exec(name) ?? [];
  const parsed = { inode: Number(inode), index: Number(index) };
  // Only one spelling of a number is ours.
  return objectName(parsed.inode, parsed.index) === name ? parsed : undefined;
}

export function compareNames(a: RegionName, b: RegionName): number {
  return a.inode - b.inode || a.index - b.index;
}
