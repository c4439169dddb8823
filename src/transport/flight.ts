import { DidafsError, isDidafsError, partlyApplied } from "../std/errors.ts";
import type { RegionAccess } from "./access.ts";
import type { RemoteLink } from "./remote-link.ts";
import { SyncWait } from "./sync-wait.ts";
import { Transfer } from "./transfer.ts";

/**
 * Gets and puts that are issued in order and waited for together, over however many regions. Once it has settled and
 * was cleared it takes others, and allocates nothing for them; one that was abandoned is of no use any more.
 */
export class Flight {
  readonly #transfers: Transfer[] = [];
  /** By transfer. */
  readonly #accesses: RegionAccess[] = [];
  #count = 0;
  #begun = 0;
  #pending = 0;
  /** What kept one, and all behind it, from being begun. */
  #refusal: DidafsError | undefined = undefined;
  /** The connections that carry what was not done at once. */
  readonly links: RemoteLink[] = [];
  readonly #wait = new SyncWait(this.links);
  /** Called once when all has settled. */
  onSettled: (() => void) | undefined = undefined;

  get count(): number {
    return this.#count;
  }

  /** Nothing that was begun is under way. */
  get settled(): boolean {
    return this.#pending === 0;
  }

  /** @param opcode GET or PUT of `length` bytes at `offset`, into or from `buffer` from `start` */
  add(
    access: RegionAccess,
    opcode: number,
    offset: number,
    length: number,
    buffer: Uint8Array,
    start: number,
  ): void {
    let transfer = this.#transfers[this.#count];
    if (transfer === undefined) {
      transfer = new Transfer();
      this.#transfers.push(transfer);
      this.#accesses.push(access);
    }
    transfer.reset(opcode, 0, offset, length).lend(buffer, start);
    this.#accesses[this.#count] = access;
    this.#count += 1;
  }

  /** Does what can be done at once and queues the rest. What fails at this ends it: see `failure`. */
  begin(): void {
    try {
      for (; this.#begun < this.#count; this.#begun += 1) this.#beginOne(this.#begun);
    } catch (error) {
      if (!isDidafsError(error)) throw error;
      this.#refusal = error;
    }
  }

  #beginOne(index: number): void {
    const transfer = this.#transfers[index] as Transfer;
    const access = this.#accesses[index] as RegionAccess;
    if (transfer.u8.byteLength < transfer.start + transfer.length) throw bufferGone();
    transfer.onSettled = this.#oneSettled;
    // First, because on a connection that has ended it settles at once.
    this.#pending += 1;
    let done = true;
    try {
      done = access.begin(transfer);
    } finally {
      if (done) this.#pending -= 1;
    }
    if (!done && !this.links.includes(access.link)) this.links.push(access.link);
  }

  readonly #oneSettled = (): void => {
    this.#pending -= 1;
    if (this.#pending === 0) this.onSettled?.();
  };

  /** Waits on this thread. @returns false when it has not settled within `timeoutMs` */
  waitSync(timeoutMs: number): boolean {
    return this.settled || this.#wait.until(this, timeoutMs);
  }

  /** The first failure, once it has settled. `applied` is of all puts together. */
  failure(): DidafsError | undefined {
    let first: DidafsError | undefined;
    let changed = false;
    for (let i = 0; i < this.#begun; i += 1) {
      const transfer = this.#transfers[i] as Transfer;
      const failure = this.#accesses[i]?.failureOf(transfer);
      first ??= failure;
      // What is told of is in place already.
      if (transfer.tells || (transfer.writes && failure?.applied !== "no")) changed = true;
    }
    first ??= this.#refusal;
    return first !== undefined && changed ? partlyApplied(first) : first;
  }

  /**
   * Gives up waiting: callers' bytes are not touched from now on.
   * @returns true when certainly no put had an effect
   */
  abandon(): boolean {
    this.onSettled = undefined;
    let untouched = true;
    for (let i = 0; i < this.#begun; i += 1) {
      const transfer = this.#transfers[i] as Transfer;
      const { connection } = (this.#accesses[i] as RegionAccess).link;
      const gone = !transfer.settled && connection.abandon(transfer);
      if (transfer.tells || (transfer.writes && !gone)) untouched = false;
    }
    return untouched;
  }

  /** Forgets all, and lets go of the callers' buffers. */
  clear(): void {
    for (let i = 0; i < this.#count; i += 1) this.#transfers[i]?.release();
    this.#count = 0;
    this.#begun = 0;
    this.#refusal = undefined;
    this.links.length = 0;
    this.onSettled = undefined;
  }
}

/** Bytes that are not there must neither be copied nor be put on their way, where they would end the connection. */
function bufferGone(): DidafsError {
  return new DidafsError(
    "ERR_INVALID_ARGUMENT",
    "a buffer of the batch was detached or got shorter since it was added; leave buffers alone until the run has ended",
  );
}
