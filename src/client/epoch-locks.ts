import { DidafsError } from "../std/errors.ts";
import type { DidafsWindow, EpochRange, Lock } from "./api.ts";
import { type EpochTerms, locksRanges } from "./epoch-terms.ts";
import type { EpochWindow } from "./epoch-window.ts";

/** What one epoch with isolation "shared" or "exclusive" has locked. */
export class EpochLocks {
  readonly #held: Lock[] = [];

  /**
   * Locks the ranges that the epoch declares, or all of its windows; one after the other, and where one cannot be had, none.
   * @param windows that the epoch covers, where that is known
   * @param find what epochs need of a window
   * @throws what DidafsWindow.lock throws; ERR_INVALID_ARGUMENT for a range that is of no window
   */
  static async take(
    terms: EpochTerms,
    windows: readonly EpochWindow[],
    find: (window: DidafsWindow) => EpochWindow,
  ): Promise<EpochLocks> {
    const locks = new EpochLocks();
    if (!locksRanges(terms.asked)) return locks;
    const { timeoutMs, signal } = terms;
    const mode = terms.asked.isolation as "shared" | "exclusive";
    try {
      for (const { window: locked, begin, end } of disjoint(rangesOf(terms.ranges, windows, find))) {
        const { window, stripes } = locked;
        const range = { at: begin - stripes.start, length: end - begin, mode };
        locks.#held.push(await window.lock(range, { timeoutMs, signal }));
      }
    } catch (error) {
      await locks.release();
      throw error;
    }
    return locks;
  }

  /** @throws what the first lock was lost by */
  checkHeld(): void {
    for (const { lost } of this.#held) if (lost.aborted) throw lost.reason;
  }

  /** Best effort: what cannot be released ends with its window. */
  async release(): Promise<void> {
    await Promise.allSettled(this.#held.splice(0).map((lock) => lock.release()));
  }
}

/** Bytes of a file, and a window that has them all. */
interface FileRange {
  readonly window: EpochWindow;
  /** Of the file. */
  readonly begin: number;
  readonly end: number;
}

/** What is asked for, or all of the epoch's windows. @throws ERR_INVALID_ARGUMENT, ERR_RANGE */
function rangesOf(
  ranges: readonly EpochRange[] | undefined,
  windows: readonly EpochWindow[],
  find: (window: DidafsWindow) => EpochWindow,
): FileRange[] {
  if (ranges === undefined) {
    return windows
      .map((window) => ({
        window,
        begin: window.stripes.start,
        end: window.stripes.start + window.stripes.length,
      }))
      .filter(({ begin, end }) => begin < end);
  }
  return ranges.map(({ window: asked, at, length }) => {
    const window = asked === undefined ? onlyOf(windows) : find(asked);
    if (windows.length > 0 && !windows.includes(window)) {
      throw strange("a range is of a window that is not among the epoch's");
    }
    if (!(length > 0)) throw strange(`a range has one byte or more, not ${length}`);
    window.checkRead(at, length);
    const begin = window.stripes.start + at;
    return { window, begin, end: begin + length };
  });
}

/**
 * What is to be locked, each byte of a file once: ranges that overlap would wait for each other, whatever windows they are of.
 * Files come in the order in which they were asked for, each from its beginning on.
 */
function disjoint(ranges: readonly FileRange[]): FileRange[] {
  const kept: FileRange[] = [];
  for (const own of Map.groupBy(ranges, ({ window }) => inodeOf(window)).values()) {
    let lockedUpTo = 0;
    for (const { window, begin, end } of own.sort((one, other) => one.begin - other.begin)) {
      if (end > lockedUpTo) kept.push({ window, begin: Math.max(begin, lockedUpTo), end });
      lockedUpTo = Math.max(lockedUpTo, end);
    }
  }
  return kept;
}

function inodeOf({ regions }: EpochWindow): number {
  return regions.find((region) => region !== undefined)?.inode ?? 0;
}

function onlyOf(windows: readonly EpochWindow[]): EpochWindow {
  const [only] = windows;
  if (only === undefined || windows.length > 1)
    throw strange("a range says of which window it is, where there are several");
  return only;
}

function strange(why: string): DidafsError {
  return new DidafsError("ERR_INVALID_ARGUMENT", why);
}
