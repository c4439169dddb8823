import { regionKey } from "../epoch/commit-records.ts";
import type { DriveObject } from "../ports/drive.ts";
import { assert } from "../std/assert.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import type { RegionBoard } from "./region-board.ts";
import { type Resizable, resizeRegion } from "./region-resize.ts";
import type { RegionStore } from "./region-store.ts";
import type { WorkerLink } from "./worker-link.ts";

/** Regions without a user that stay open, because opening and mapping one takes long. */
const IDLE_MAX = 256;
/**
 * Regions in use at a time. Each is one mapping, of 65,530 that a process may have (vm.max_map_count); one that
 * has none left ends when it next needs memory of any kind.
 */
const OPEN_MAX = 32_768;

export type Sharing = "managed" | "raw";

/** A region that is open, and who uses it. */
export interface OpenRegion extends Resizable {
  /** Bytes of its data now. */
  readonly byteLength: number;
  readonly object: DriveObject;
  /** The number of its home worker. */
  readonly worker: number;
  /** Bindings, and descriptors on their way to origins. */
  users: number;
  /** How its bindings share it, and how many there are. */
  sharing: Sharing;
  bindings: number;
  /** Settles when every change of its length that was asked for has ended. */
  changing: Promise<void>;
  /** Where its lines are counted, once direct origins have asked (line-grants.ts). */
  lines: { readonly object: DriveObject; readonly entries: number } | undefined;
  /** Once somebody has asked for it (board-grants.ts). */
  board: RegionBoard | undefined;
}

/** The regions that a target has open. One that nobody uses any more stays for a while, the least recent goes first. */
export class OpenRegions {
  readonly #store: RegionStore;
  readonly #workers: readonly WorkerLink[];
  readonly #open = new Map<string, OpenRegion>();
  /** Without a user, least recently used first. */
  readonly #idle = new Map<string, OpenRegion>();
  readonly #closing = new Map<string, Promise<void>>();
  /** Removed, but open for those who had them open. */
  readonly #removed = new Set<OpenRegion>();
  /** See `keep`. */
  readonly #kept = new Set<OpenRegion>();
  /** Whose sync failed: never served again by this process. */
  readonly #failed = new Set<string>();

  constructor(store: RegionStore, workers: readonly WorkerLink[]) {
    this.#store = store;
    this.#workers = workers;
  }

  /**
   * Opens a region for one more binding; `release` undoes it.
   * @throws ERR_DATA_LOST, ERR_IO (a sync of it failed), ERR_SHARING_CONFLICT, ERR_TOO_MANY, ERR_CORRUPT,
   *   ERR_VERSION
   */
  async acquire(inode: number, index: number, sharing: Sharing): Promise<OpenRegion> {
    const region = await this.#pinned(inode, index);
    if (region.bindings > 0 && region.sharing !== sharing) {
      this.unpin(region);
      const key = regionKey(inode, index);
      throw new DidafsError(
        "ERR_SHARING_CONFLICT",
        `Region ${key} is open for ${region.sharing} access; ${sharing} access must wait until that has ended.`,
      );
    }
    region.sharing = sharing;
    region.bindings += 1;
    return region;
  }

  /** The region with one more user: whoever waits for it must not be given one that was closed meanwhile. */
  async #pinned(inode: number, index: number): Promise<OpenRegion> {
    const key = regionKey(inode, index);
    for (let closing = this.#closing.get(key); closing !== undefined; closing = this.#closing.get(key)) {
      await closing;
    }
    if (this.#failed.has(key)) {
      throw new DidafsError(
        "ERR_IO",
        `A sync of region ${key} failed; it is served again when its target restarts.`,
      );
    }
    return this.withRoom(() => {
      const region = this.#open.get(key) ?? this.#openRegion(key, inode, index);
      if (this.#removed.has(region)) throw new DidafsError("ERR_DATA_LOST", `Region ${key} was removed.`);
      this.pin(region);
      return region;
    });
  }

  /** Opens a region that stays open until it is removed. @throws as `acquire` */
  async keep(inode: number, index: number): Promise<OpenRegion> {
    const region = await this.#pinned(inode, index);
    if (this.#kept.has(region)) this.unpin(region);
    this.#kept.add(region);
    return region;
  }

  /**
   * Changes the region's length, durably; open or not. Changes of one region follow each other.
   * @throws ERR_NO_SPACE (it is as before), ERR_DATA_LOST, ERR_IO, ERR_TOO_MANY, ERR_CORRUPT, ERR_VERSION
   */
  async resize(inode: number, index: number, byteLength: number): Promise<void> {
    const region = await this.#pinned(inode, index);
    const store = this.#store;
    const worker = this.#workers[region.worker] as WorkerLink;
    const sync = async (): Promise<void> => {
      try {
        await store.sync(region.stored);
      } catch (error) {
        // It may have dropped what others wrote.
        this.failed(inode, index);
        worker.fail(inode, index);
        throw error;
      }
    };
    const change = region.changing.then(() => resizeRegion({ store, worker, region, sync }, byteLength));
    region.changing = change.catch(() => {});
    try {
      await change;
    } finally {
      this.unpin(region);
    }
  }

  /** A window that may write is being opened on the region: from now on it may hold bytes that count. @throws ERR_IO */
  written(region: OpenRegion): void {
    if (!region.stored.header.written) this.#store.change(region.stored, { written: true });
  }

  /** Removes the region if nobody can have written to it. @returns whether it is gone */
  async sweep(inode: number, index: number): Promise<boolean> {
    const key = regionKey(inode, index);
    await this.#closing.get(key);
    const open = this.#open.get(key);
    if (open !== undefined && (open.users > 0 || open.stored.header.written)) return false;
    if (open === undefined && this.#store.has(inode, index) && !this.#isUnwritten(inode, index)) return false;
    await this.remove(inode, index);
    return true;
  }

  /** Removes the region, durably; those who have it open keep it. @throws ERR_IO */
  async remove(inode: number, index: number): Promise<void> {
    this.removed(inode, index);
    await this.#store.remove(inode, index);
    const { length } = this.#workers;
    this.#workers[homeWorker(inode, index, length)]?.regionRemoved(inode, index);
  }

  #isUnwritten(inode: number, index: number): boolean {
    try {
      return this.#store.isUnwritten(inode, index);
    } catch (error) {
      // Whatever it is, it is not known to be empty.
      if (isDidafsError(error)) return false;
      throw error;
    }
  }

  /** Does `body`; where that finds no descriptor, once more without the regions that are open for nobody. */
  async withRoom<T>(body: () => T | Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      if (!isDidafsError(error, "ERR_TOO_MANY") || this.#idle.size === 0) throw error;
      for (const region of this.#idle.values()) this.#close(region);
      await Promise.all(this.#closing.values());
      return body();
    }
  }

  #openRegion(key: string, inode: number, index: number): OpenRegion {
    if (this.#open.size - this.#idle.size >= OPEN_MAX) {
      throw new DidafsError("ERR_TOO_MANY", `this target has ${OPEN_MAX} regions in use`);
    }
    const stored = this.#store.open(inode, index);
    const worker = homeWorker(inode, index, this.#workers.length);
    const region: OpenRegion = {
      inode,
      index,
      get byteLength() {
        return stored.header.byteLength;
      },
      object: stored.object,
      stored,
      worker,
      users: 0,
      sharing: "managed",
      bindings: 0,
      changing: Promise.resolve(),
      lines: undefined,
      board: undefined,
      cut: false,
    };
    this.#open.set(key, region);
    return region;
  }

  release(region: OpenRegion): void {
    region.bindings -= 1;
    assert(region.bindings >= 0, "a binding of a region is released once");
    this.unpin(region);
  }

  /** Keeps the region open until `unpin`. */
  pin(region: OpenRegion): void {
    region.users += 1;
    this.#idle.delete(regionKey(region.inode, region.index));
  }

  unpin(region: OpenRegion): void {
    region.users -= 1;
    if (region.users > 0) return;
    if (this.#removed.has(region) || region.cut) this.#close(region);
    else this.#idle.set(regionKey(region.inode, region.index), region);
    for (const oldest of this.#idle.values()) {
      if (this.#idle.size <= IDLE_MAX) break;
      this.#close(oldest);
    }
  }

  /** The region's name is gone: it closes with its last user, and nobody new gets it. */
  removed(inode: number, index: number): void {
    const region = this.#open.get(regionKey(inode, index));
    if (region === undefined) return;
    this.#removed.add(region);
    if (this.#kept.delete(region)) this.unpin(region);
    else if (region.users === 0) this.#close(region);
  }

  failed(inode: number, index: number): void {
    this.#failed.add(regionKey(inode, index));
  }

  #close(region: OpenRegion): void {
    const { inode, index } = region;
    const key = regionKey(inode, index);
    const trims = region.cut && !this.#removed.has(region);
    this.#idle.delete(key);
    this.#removed.delete(region);
    this.#open.delete(key);
    const worker = this.#workers[region.worker] as WorkerLink;
    // The worker may still be sending from its mapping, and syncing by this descriptor.
    const closing = worker.unmap(inode, index).then(() => {
      closeObjects(region);
      this.#closing.delete(key);
      if (trims) this.#trim(inode, index);
    });
    this.#closing.set(key, closing);
  }

  #trim(inode: number, index: number): void {
    try {
      this.#store.trim(inode, index);
    } catch (error) {
      // Only room is lost, until it is opened the next time; whoever opens it hears what is wrong.
      if (!isDidafsError(error)) throw error;
    }
  }

  /** Closes everything, after the workers have stopped. */
  closeAll(): void {
    for (const region of this.#open.values()) closeObjects(region);
    this.#open.clear();
    this.#idle.clear();
  }

  /** Open regions whose lines are counted where others see it. */
  get sharedLines(): number {
    let count = 0;
    for (const { lines } of this.#open.values()) if (lines !== undefined) count += 1;
    return count;
  }
}

function closeObjects({ object, lines, board }: OpenRegion): void {
  object.close();
  lines?.object.close();
  board?.close();
}

/** The worker that alone holds a region's state. Source of the mixing: MurmurHash3's finalizer (Austin Appleby). */
export function homeWorker(inode: number, index: number, workers: number): number {
  let mixed = (inode ^ Math.imul(index + 1, 0x9e3779b1) ^ (inode / 2 ** 32)) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) % workers;
}
