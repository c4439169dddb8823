import type { Clock } from "../ports/clock.ts";
import type { Channel } from "../rpc/handlers.ts";
import { DidafsError } from "../std/errors.ts";

/** Files that one channel may have open at a time. */
const OPEN_PER_CHANNEL_MAX = 2 ** 20;
/** Two leases between origin and metadata service: within them every client that is left has said what it has open. */
const CLAIMS_WITHIN_MS = 20_000;

/**
 * Which channel has which files open, in memory. A file that is open keeps its regions when its last name goes. After
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
  readonly #byChannel = new Map<Channel, Map<number, number>>();
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
   * One opening more, until the channel closes it or ends. A channel that has ended opens nothing.
   * @throws ERR_TOO_MANY
   */
  opened(channel: Channel, inode: number): void {
    if (channel.ended !== undefined) return;
    const counts = this.#byChannel.get(channel) ?? new Map<number, number>();
    this.#byChannel.set(channel, counts);
    if (counts.size >= OPEN_PER_CHANNEL_MAX && !counts.has(inode)) {
      throw new DidafsError("ERR_TOO_MANY", `more than ${OPEN_PER_CHANNEL_MAX} files are open`);
    }
    add(counts, inode, 1);
    this.hold(inode);
  }

  /** Ends as many openings as the numbers name; what the channel has not open is no error. */
  closed(channel: Channel, inodes: readonly number[]): void {
    const counts = this.#byChannel.get(channel);
    for (const inode of inodes) {
      if (counts?.has(inode) !== true) continue;
      add(counts, inode, -1);
      this.release(inode);
    }
  }

  channelEnded(channel: Channel): void {
    const counts = this.#byChannel.get(channel);
    this.#byChannel.delete(channel);
    for (const [inode, count] of counts ?? []) this.#release(inode, count);
  }

  isOpenOn(channel: Channel, inode: number): boolean {
    return this.#byChannel.get(channel)?.has(inode) === true;
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
