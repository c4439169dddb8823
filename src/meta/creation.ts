import type { Clock } from "../ports/clock.ts";
import type { Channel } from "../rpc/handlers.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import { regionBytes } from "../structs/striping.ts";
import type { Layout, Params } from "../wire/control.ts";
import { type Inode, REGIONS_MAX, STRIPE_SHIFT_MAX, STRIPE_SHIFT_MIN } from "./inode-record.ts";
import { directoryMaker } from "./namespace.ts";
import { newInode } from "./new-inode.ts";
import type { Opener, OpenFiles } from "./open-files.ts";
import { parsePath, pathError } from "./path.ts";
import { place } from "./placement.ts";
import type { Reclaimer } from "./reclaimer.ts";
import type { TargetRegistry } from "./registry.ts";
import type { MetaStore } from "./store.ts";
import { addEntry, addInode, getInode, noteRemoval } from "./tables.ts";
import { locate } from "./walk.ts";

const STRIPE_UNIT_DEFAULT = 2 ** 20;
const FILE_MODE_DEFAULT = 0o644;
const CREATE_TIMEOUT_MS = 10_000;
const REMOVE_TIMEOUT_MS = 2000;

type OpenParams = Params<"meta.open">;

/** What a name stands for. */
export interface Found {
  readonly inode: number;
  readonly record: Inode;
}

interface Parts {
  readonly store: MetaStore;
  readonly registry: TargetRegistry;
  readonly openFiles: OpenFiles;
  readonly reclaimer: Reclaimer;
  readonly clock: Clock;
}

/**
 * Makes a file: takes a number, has each target of the layout make its region, then commits name and inode. A crash
 * before the commit leaves no name; its regions hold space until they are swept.
 */
export class FileCreator {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * @param missing directories on the way to the name that are made with it
   * @param opener has the new file open
   * @returns undefined when the name was taken meanwhile
   * @throws ENOENT, ENOTDIR, EISDIR, ELOOP, ERR_INVALID_ARGUMENT, ERR_NO_TARGET, and what a target or the engine raises
   * (ERR_NO_SPACE, ERR_IO); nothing was made then
   */
  async create(params: OpenParams, missing: number, opener: Opener): Promise<Found | undefined> {
    const { store, openFiles } = this.#parts;
    checkShape(params);
    const inode = await store.newInode();
    const wayInodes = await store.newInodes(missing);
    const layout = this.#layout(inode, params);
    const size = params.size ?? 0;
    const made = new Set(layout.regions.keys());
    // So that its regions are not taken for what a crash has left, nor the file removed before it is the caller's.
    openFiles.hold(inode);
    let record: Inode | undefined;
    try {
      openFiles.opened(opener, inode);
      await this.#makeRegions(inode, size, layout, made);
      record = await this.#commit(params, inode, { size, layout }, wayInodes);
      return record && { inode, record };
    } catch (error) {
      throw aboutPath(error, params.path);
    } finally {
      if (record === undefined) {
        openFiles.closed(opener, [inode]);
        await this.#abandon(inode, layout, made);
      }
      openFiles.release(inode);
    }
  }

  #layout(inode: number, { targets = 1, stripeUnit = STRIPE_UNIT_DEFAULT, drive, path }: OpenParams): Layout {
    const candidates = this.#parts.registry.candidates(drive);
    if (candidates.length < targets) {
      const kind = drive === undefined ? "" : ` with a ${drive} drive`;
      throw new DidafsError(
        "ERR_NO_TARGET",
        `${path}: ${targets} targets${kind} are asked for, ${candidates.length} live`,
        { path },
      );
    }
    const regions = place(inode, targets, candidates).map(({ id, drive: kind }) => ({
      target: id,
      drive: kind,
    }));
    return { stripeUnit, regions };
  }

  /** @param made loses the regions that are surely not of this file's making */
  async #makeRegions(inode: number, size: number, layout: Layout, made: Set<number>): Promise<void> {
    const { stripeUnit, regions } = layout;
    const calls = regions.map(async ({ target }, index) => {
      const byteLength = regionBytes(size, stripeUnit, regions.length, index);
      const options = { timeoutMs: CREATE_TIMEOUT_MS };
      await this.#channel(target).call("region.create", { inode, index, byteLength }, options);
    });
    // All of them are awaited even when one fails, so that none is made behind the back of the clean-up.
    const outcomes = await Promise.allSettled(calls);
    const failures = outcomes.flatMap((outcome, index) => {
      if (outcome.status === "fulfilled") return [];
      if (isDidafsError(outcome.reason, "EEXIST")) made.delete(index);
      return [onTarget(outcome.reason, regions[index]?.target)];
    });
    if (failures.length > 0) throw failures[0];
  }

  #channel(target: string): Channel {
    const channel = this.#parts.registry.channelOf(target);
    if (channel === undefined) throw new DidafsError("ERR_NO_TARGET", `target ${target} is down`, { target });
    return channel;
  }

  /** @returns the new inode; undefined when the name is taken */
  #commit(
    { path, create, mode, owner }: OpenParams,
    inode: number,
    rest: Pick<Inode, "size" | "layout">,
    wayInodes: readonly number[],
  ): Promise<Inode | undefined> {
    const making = { owner, wallMs: this.#parts.clock.wallMs() };
    return this.#parts.store.transact((transaction) => {
      const final = create === "exclusive" ? "name" : "follow";
      const makeMissing = directoryMaker(transaction, path, wayInodes.values(), making);
      // The directory may have been renamed or removed since, and the name taken.
      const { parent, name, entry, endsInSlash } = locate(transaction, parsePath(path), final, makeMissing);
      if (name === undefined || (entry === undefined && endsInSlash)) {
        throw pathError("EISDIR", path, "is a directory");
      }
      // Told here and not by whoever tries again, so that the directories on the way are not made either.
      if (entry !== undefined && create === "exclusive") throw pathError("EEXIST", path, "exists already");
      if (entry?.type === "directory") throw pathError("EISDIR", path, "is a directory");
      if (entry !== undefined) return undefined;
      const record = newInode(getInode(transaction, parent), "file", mode ?? FILE_MODE_DEFAULT, making, rest);
      addInode(transaction, inode, record);
      addEntry(transaction, parent, name, { inode, type: "file" }, making.wallMs);
      return record;
    });
  }

  /** Removes regions that no file will have; what a target does not confirm is noted, as far as that is possible. */
  async #abandon(inode: number, layout: Layout, made: ReadonlySet<number>): Promise<void> {
    const { store, registry, reclaimer } = this.#parts;
    const regions = layout.regions
      .map(({ target }, index) => ({ target, index }))
      .filter(({ index }) => made.has(index));
    const outcomes = await Promise.allSettled(
      regions.map(async ({ target, index }) => {
        const channel = registry.channelOf(target);
        if (channel === undefined) throw new DidafsError("ERR_UNREACHABLE", "the target is down");
        await channel.call("region.remove", { inode, index }, { timeoutMs: REMOVE_TIMEOUT_MS });
      }),
    );
    const left = regions.filter((_, at) => outcomes[at]?.status === "rejected");
    if (left.length === 0) return;
    try {
      await store.transact((transaction) => {
        for (const { target, index } of left) noteRemoval(transaction, target, inode, index);
      });
      for (const { target } of left) void reclaimer.sweep(target);
    } catch {
      // The caller is about to hear why the create failed; the regions are swept as orphans one day.
    }
  }
}

/** @throws ERR_INVALID_ARGUMENT, EISDIR, EINVAL, ENAMETOOLONG */
function checkShape({ path, stripeUnit = STRIPE_UNIT_DEFAULT, targets = 1 }: OpenParams): void {
  const shift = Math.log2(stripeUnit);
  if (!Number.isInteger(shift) || shift < STRIPE_SHIFT_MIN || shift > STRIPE_SHIFT_MAX) {
    throw invalid(path, `"stripeUnit" is a power of two from 4096 on, not ${stripeUnit}`);
  }
  if (targets < 1 || targets > REGIONS_MAX) {
    throw invalid(path, `"targets" is a number from 1 to ${REGIONS_MAX}, not ${targets}`);
  }
}

function invalid(path: string, message: string): DidafsError {
  return new DidafsError("ERR_INVALID_ARGUMENT", `${path}: ${message}`, { path });
}

function onTarget(error: unknown, target: string | undefined): unknown {
  if (!isDidafsError(error)) return error;
  if (isDidafsError(error, "EEXIST")) {
    // Numbers are never given twice, so that region belongs to other metadata. It is not the caller's name that exists.
    const message = `target ${target} already has a region of this number, from other metadata`;
    return new DidafsError("ERR_CORRUPT", message, { target, cause: error });
  }
  return new DidafsError(error.code, `target ${target}: ${error.message}`, { target, cause: error });
}

/** The same error about the path that was to be created. Nothing of it was made. */
function aboutPath(error: unknown, path: string): unknown {
  if (!isDidafsError(error) || error.path !== undefined) return error;
  const { code, target, message } = error;
  return new DidafsError(code, `${path}: ${message}`, { path, target, applied: "no", cause: error });
}
