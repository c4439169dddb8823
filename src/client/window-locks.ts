import { type Applied, DidafsError, isDidafsError } from "../std/errors.ts";
import type { RegionAccess } from "../transport/access.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import type { Range } from "./api.ts";
import { checkOneOf } from "./call-limits.ts";
import { describeCycle, type LockCycle } from "./lock-cycle.ts";
import type { Stripes } from "./stripes.ts";
import { type HeldPart, releaseAll, WindowLock } from "./window-lock.ts";

export interface WindowLocksParts {
  readonly path: string;
  readonly stripes: Stripes;
  readonly accesses: readonly (RegionAccess | undefined)[];
  /** Of releasing what nobody waits for. */
  readonly timeoutMs: number;
  isOpen(): boolean;
  /** @throws ERR_RANGE */
  checkRange(at: number, length: number): void;
  /** @throws ERR_RIGHTS */
  checkWritable(): void;
  /** The circle that a wait at that region was part of last. */
  cycle(index: number): Promise<LockCycle>;
}

/**
 * The locks that were taken through one window. A range of the file is one range of each region that it touches; their
 * homes are asked one after the other, in the order of the layout, so that two calls never wait for each other.
 */
export class WindowLocks {
  readonly #parts: WindowLocksParts;
  readonly #held = new Set<WindowLock>();

  constructor(parts: WindowLocksParts) {
    this.#parts = parts;
  }

  /** @returns undefined where it may not wait and would have to */
  async take(range: Range, waits: boolean, limits: CallLimits): Promise<WindowLock | undefined> {
    const { at, length, mode } = range;
    checkOneOf("mode", mode, ["shared", "exclusive"]);
    if (!(Number.isSafeInteger(length) && length > 0)) {
      throw new DidafsError("ERR_INVALID_ARGUMENT", `a lock covers one byte or more, not ${length}`, {
        path: this.#parts.path,
      });
    }
    this.#parts.checkRange(at, length);
    if (mode === "exclusive") this.#parts.checkWritable();
    const release: CallLimits = { timeoutMs: this.#parts.timeoutMs, signal: undefined };
    const held: HeldPart[] = [];
    try {
      if (!(await this.#takeAll(range, waits, limits, held))) {
        await releaseAll(held, release);
        return undefined;
      }
      if (!this.#parts.isOpen()) throw new DidafsError("ERR_CLOSED", "the window is closed");
    } catch (error) {
      // What is got already is of no use; the error is what matters.
      await releaseAll(held, release).catch(() => {});
      throw await this.#failure(error, range, limits, held.length);
    }
    const lock = new WindowLock({ at, length, mode }, held, release, (ended) => this.#held.delete(ended));
    this.#held.add(lock);
    return lock;
  }

  /** @param held what was got is added to it @returns false where one is not free */
  async #takeAll(
    { at, length, mode }: Range,
    waits: boolean,
    limits: CallLimits,
    held: HeldPart[],
  ): Promise<boolean> {
    const exclusive = mode === "exclusive";
    let deadlineMs = 0;
    for (const piece of this.#parts.stripes.rangesOf(at, length)) {
      const access = this.#parts.accesses[piece.index] as RegionAccess;
      const nowMs = access.link.clock.nowMs();
      if (held.length === 0) deadlineMs = nowMs + limits.timeoutMs;
      const left = { ...limits, timeoutMs: Math.max(deadlineMs - nowMs, 1) };
      const lock = await access.lock(piece.at, piece.byteLength, { exclusive, waits }, left);
      if (lock === undefined) return false;
      held.push({ access, lock });
    }
    return true;
  }

  /** The same error, saying what it means here: whatever it was, nothing is held. */
  async #failure(error: unknown, range: Range, limits: CallLimits, taken: number): Promise<unknown> {
    if (!isDidafsError(error)) return error;
    const { path } = this.#parts;
    const details = { applied: "no" as Applied, path, target: error.target, cause: error };
    const { at, length, mode } = range;
    const what = `${path}: the ${mode} lock on ${length} bytes at ${at}`;
    if (!this.#parts.isOpen()) return new DidafsError("ERR_CLOSED", "the window is closed", details);
    if (error.code === "ERR_TIMEOUT") {
      return new DidafsError(
        "ERR_TIMEOUT",
        `${what} was not free within ${Math.ceil(limits.timeoutMs)} ms`,
        details,
      );
    }
    if (error.code === "ERR_DEADLOCK") {
      const { index } = [...this.#parts.stripes.rangesOf(at, length)][taken] as { index: number };
      const cycle = await this.#parts.cycle(index).catch(() => []);
      const message = `${what} waits in a circle${describeCycle(cycle)}. Release what you hold and begin again.`;
      return new DidafsError("ERR_DEADLOCK", message, details);
    }
    return new DidafsError(error.code, `${what}: ${error.message}`, details);
  }

  /** Releases all. Best effort: what cannot be released ends with the window or the session. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#held].map((lock) => lock.release()));
  }
}
