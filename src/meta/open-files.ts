import type { Clock } from "../ports/clock.ts";
import { DidafsError } from "../std/errors.ts";

/** Who has files open: an origin. */
export interface Opener {
  /** Set, or true, once it has ended. */
  readonly ended: unknown;
}

/** Files that one origin may have open at a time. */
const OPEN_MAX = 2 ** 20;
/** Two leases between origin and metadata service: within them every client that is left has said what it has open. */
const CLAIMS_WITHIN_MS = 20_000;

/**
 * Which origin has which files open, in memory. A file that is open keeps its regions when its last name goes. After
 * a restart of the service clients say again what they have open, each when it attaches; until all had time for
 * that, any file that is older than this life of the service may be open.
 */
export class OpenFiles {
  readonly #clock: Clock;
  readonly #firstOwnInode: number;
  readonly #onLastClose: (inode: number) => void;
  /** Until then others may claim what they had open. */
  readonly claimableUntilMs: number;
  /** How often each is open, by inode. */
  readonly #byOpener = new Map<Opener, Map<number, number>>();
  readonly #total = new Map<number, number>();

  /**
   * @param firstOwnInode files from this number on were made in this life of the service
   * @param onLastClose called when nobody has the file open any more
   */
  constructor(clock: Clock, firstOwnInode: number, onLastClose: (inode: number) => void) {
    this.#clock = clock;
    this.#firstOwnInode = firstOwnInode;
    this.#onLastClose = onLastClose;
    this.claimableUntilMs = clock.nowMs() + CLAIMS_WITHIN_MS;
  }

  /**
   * One opening more, until the origin closes it or ends. One that has ended opens nothing.
   * @throws ERR_TOO_MANY
   */
  opened(opener: Opener, inode: number): void {
    this.#opened(opener, inode, 1);
  }

  #opened(opener: Opener, inode: number, count: number): void {
    if (opener.ended !== undefined && opener.ended !== false) return;
    const counts = this.#byOpener.get(opener) ?? new Map<number, number>();
    this.#byOpener.set(opener, counts);
    if (counts.size >= OPEN_MAX && !counts.has(inode)) {
      throw new DidafsError("ERR_TOO_MANY", `more than ${OPEN_MAX} files are open`);
    }
    add(counts, inode, count);
    add(this.#total, inode, count);
  }

  /** Ends as many openings as the numbers name; what the origin has not open is no error. */
  closed(opener: Opener, inodes: readonly number[]): void {
    const counts = this.#byOpener.get(opener);
    for (const inode of inodes) {
      if (counts?.has(inode) !== true) continue;
      add(counts, inode, -1);
      this.release(inode);
    }
  }

  /**
   * The origin says that it has the file open so many times; what is known of that already is not counted again.
   * @throws ERR_TOO_MANY
   */
  claim(opener: Opener, inode: number, count: number): void {
    const known = this.#byOpener.get(opener)?.get(inode) ?? 0;
    if (count > known) this.#opened(opener, inode, count - known);
  }

  ended(opener: Opener): void {
    const counts = this.#byOpener.get(opener);
    this.#byOpener.delete(opener);
    for (const [inode, count] of counts ?? []) this.#release(inode, count);
  }

  isOpenBy(opener: Opener, inode: number): boolean {
    return this.#byOpener.get(opener)?.has(inode) === true;
  }

  /** The service itself needs the file as it is: it is making it, or changing its regions. Ended by `release`. */
  hold(inode: number): void {
    add(this.#total, inode, 1);
  }

  release(inode: number): void {
    this.#release(inode, 1);
  }

  #release(inode: number, count: number): void {
    if (add(this.#total, inode, -count) === 0) this.#onLastClose(inode);
  }

  isOpen(inode: number): boolean {
    return this.#total.has(inode);
  }

  /** Also true where somebody may still claim it. */
  mayBeOpen(inode: number): boolean {
    return this.isOpen(inode) || (inode < this.#firstOwnInode && this.#clock.nowMs() < this.claimableUntilMs);
  }
}

/** @returns the new count; at 0 there is no entry any more */
function add(counts: Map<number, number>, inode: number, change: number): number {
  const count = (counts.get(inode) ?? 0) + change;
  if (count > 0) counts.set(inode, count);
  else counts.delete(inode);
  return count;
}
