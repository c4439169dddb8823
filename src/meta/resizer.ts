import type { Clock } from "../ports/clock.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import { regionBytes } from "../structs/striping.ts";
import type { Layout, StatRecord } from "../wire/control.ts";
import { type Inode, statOf } from "./inode-record.ts";
import type { TargetRegistry } from "./registry.ts";
import type { MetaStore } from "./store.ts";
import { changeInode, getInode } from "./tables.ts";

const RESIZE_TIMEOUT_MS = 10_000;

/**
 * Changes lengths of files, one change of a file at a time. The inode's `extent` bounds what its regions may have, so it
 * is committed before they grow, and after they were cut. What a crash or a full drive leaves behind the size is cut
 * before the file grows again: bytes that were cut never come back.
 */
export class Resizer {
  readonly #store: MetaStore;
  readonly #registry: TargetRegistry;
  readonly #clock: Clock;
  /** The last change of each file that is being changed. */
  readonly #last = new Map<number, Promise<unknown>>();

  constructor(store: MetaStore, registry: TargetRegistry, clock: Clock) {
    this.#store = store;
    this.#registry = registry;
    this.#clock = clock;
  }

  /**
   * The caller holds the file (OpenFiles).
   * @throws ERR_UNREACHABLE (a target is down), ERR_NO_SPACE, ERR_TIMEOUT and what else targets raise. A file that was to
   * grow has its former size then. One that was to shrink and was begun with (`applied` "unknown") has the new size, and
   * is cut behind it by the next resize.
   */
  async resize(inode: number, size: number): Promise<StatRecord> {
    return this.alone(inode, () => this.#resize(inode, size));
  }

  /** Runs `body` while nobody else changes the file's length. */
  async alone<T>(inode: number, body: () => Promise<T>): Promise<T> {
    const former = this.#last.get(inode) ?? Promise.resolve();
    const change = former.then(body);
    const settled = change.catch(() => {});
    this.#last.set(inode, settled);
    try {
      return await change;
    } finally {
      if (this.#last.get(inode) === settled) this.#last.delete(inode);
    }
  }

  async #resize(inode: number, size: number): Promise<StatRecord> {
    const before = this.#store.read((reader) => getInode(reader, inode));
    if (before.size === size && before.extent === size) return statOf(inode, before);
    this.#checkReachable(before);
    return size > before.size ? this.#grow(inode, before, size) : this.#shrink(inode, before, size);
  }

  async #grow(inode: number, before: Inode, size: number): Promise<StatRecord> {
    if (before.extent > before.size) await this.#cut(inode, before.extent, before.size, "no");
    await this.#commit(inode, { extent: size });
    try {
      await this.#resizeRegions(inode, before, before.size, size, "no");
    } catch (error) {
      // What fails here is cut before the file grows the next time.
      await this.#cut(inode, size, before.size, "no").catch(() => {});
      throw error;
    }
    return this.#commit(inode, { size, extent: size, mtimeMs: this.#clock.wallMs() });
  }

  async #shrink(inode: number, before: Inode, size: number): Promise<StatRecord> {
    const changed = size === before.size ? {} : { mtimeMs: this.#clock.wallMs() };
    await this.#commit(inode, { size, ...changed });
    return this.#cut(inode, before.extent, size, "unknown");
  }

  /** Cuts everything behind `size`, which is the file's. */
  async #cut(inode: number, extent: number, size: number, applied: "no" | "unknown"): Promise<StatRecord> {
    const record = this.#store.read((reader) => getInode(reader, inode));
    await this.#resizeRegions(inode, record, extent, size, applied);
    return this.#commit(inode, { extent: size });
  }

  async #commit(inode: number, change: Partial<Inode>): Promise<StatRecord> {
    const wallMs = this.#clock.wallMs();
    const record = await this.#store.transact((transaction) =>
      changeInode(transaction, inode, change, wallMs),
    );
    return statOf(inode, record);
  }

  /** Of those regions that are not the same in a file of `from` bytes and one of `to`. */
  async #resizeRegions(
    inode: number,
    { layout }: Inode,
    from: number,
    to: number,
    applied: "no" | "unknown",
  ): Promise<void> {
    const { stripeUnit, regions } = layout as Layout;
    const bytesOf = (size: number, index: number) => regionBytes(size, stripeUnit, regions.length, index);
    const calls = regions.map(async ({ target }, index) => {
      const byteLength = bytesOf(to, index);
      if (byteLength === bytesOf(from, index)) return;
      const channel = this.#registry.channelOf(target);
      if (channel === undefined) throw down(target);
      await channel.call("region.resize", { inode, index, byteLength }, { timeoutMs: RESIZE_TIMEOUT_MS });
    });
    // All of them are awaited, so that nothing changes behind the back of what comes next.
    for (const [index, outcome] of (await Promise.allSettled(calls)).entries()) {
      if (outcome.status === "rejected") throw onTarget(outcome.reason, regions[index]?.target, applied);
    }
  }

  #checkReachable({ layout }: Inode): void {
    for (const { target } of layout?.regions ?? []) {
      if (this.#registry.channelOf(target) === undefined) throw down(target);
    }
  }
}

function down(target: string): DidafsError {
  return new DidafsError("ERR_UNREACHABLE", `target ${target} is down`, { target });
}

function onTarget(error: unknown, target: string | undefined, applied: "no" | "unknown"): unknown {
  if (!isDidafsError(error)) return error;
  const message = error.target === target ? error.message : `target ${target}: ${error.message}`;
  return new DidafsError(error.code, message, { target, applied, cause: error });
}
