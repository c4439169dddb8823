import type { Clock } from "../ports/clock.ts";
import type { Channel } from "../rpc/handlers.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import { regionBytes } from "../structs/striping.ts";
import type { Layout, Params } from "../wire/control.ts";
import { type Inode, REGIONS_MAX, STRIPE_SHIFT_MAX, STRIPE_SHIFT_MIN } from "./inode-record.ts";
import { mkdirAll } from "./namespace.ts";
import { parsePath, pathError } from "./path.ts";
import { place } from "./placement.ts";
import type { Reclaimer } from "./reclaimer.ts";
import type { TargetRegistry } from "./registry.ts";
import type { MetaStore } from "./store.ts";
import { getInode, noteRemoval, putEntry, setInode } from "./tables.ts";
import { locate } from "./walk.ts";

const STRIPE_UNIT_DEFAULT = 2 ** 20;
const FILE_MODE_DEFAULT = 0o644;
const PERMISSION_BITS = 0o7777;
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
   * @param makeWay the directories on the way to the name are made with it
   * @returns the new file, or what was given the same name meanwhile
   * @throws ENOENT, ENOTDIR, EISDIR, ERR_INVALID_ARGUMENT, ERR_NO_TARGET, and what a target or the engine raises
   * (ERR_NO_SPACE, ERR_IO); nothing was made then
   */
  async create(params: OpenParams, makeWay: boolean): Promise<Found & { created: boolean }> {
    const { store } = this.#parts;
    checkShape(params);
    const inode = await store.newInode();
    const wayCount = makeWay ? parsePath(params.path).components.length - 1 : 0;
    const wayInodes = await store.newInodes(wayCount);
    const layout = this.#layout(inode, params);
    const size = params.size ?? 0;
    const made = new Set(layout.regions.keys());
    try {
      await this.#makeRegions(inode, size, layout, made);
      const found = await this.#commit(params, inode, size, layout, wayInodes);
      const created = found.inode === inode;
      if (!created) await this.#abandon(inode, layout, made);
      return { created, ...found };
    } catch (error) {
      await this.#abandon(inode, layout, made);
      throw aboutPath(error, params.path);
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

  /** @returns what has the name afterwards */
  #commit(
    { path, mode }: OpenParams,
    inode: number,
    size: number,
    layout: Layout,
    wayInodes: readonly number[],
  ): Promise<Found> {
    const wallMs = this.#parts.clock.wallMs();
    const permissions = (mode ?? FILE_MODE_DEFAULT) & PERMISSION_BITS;
    const record: Inode = { type: "file", mode: permissions, size, mtimeMs: wallMs, layout };
    return this.#parts.store.transact((transaction) => {
      if (wayInodes.length > 0) mkdirAll(transaction, directoryOf(path), wayInodes, wallMs);
      // The directory may have been renamed or removed since, and the name taken.
      const { parent, name, entry } = locate(transaction, parsePath(path));
      if (entry !== undefined) return { inode: entry.inode, record: getInode(transaction, entry.inode) };
      if (name === undefined) throw pathError("EISDIR", path, "is a directory");
      setInode(transaction, inode, record);
      putEntry(transaction, parent, name, { inode, type: "file" }, wallMs);
      return { inode, record };
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

function directoryOf(path: string): string {
  return `/${parsePath(path).components.slice(0, -1).join("/")}`;
}

/** @throws ERR_INVALID_ARGUMENT, EISDIR, EINVAL, ENAMETOOLONG */
function checkShape({ path, stripeUnit = STRIPE_UNIT_DEFAULT, targets = 1 }: OpenParams): void {
  if (parsePath(path).wantsDirectory) throw pathError("EISDIR", path, "a file's name does not end in /");
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
