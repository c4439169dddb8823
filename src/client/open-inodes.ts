import type { OpenFile } from "../wire/control.ts";

/** How late the metadata service may hear of a close, so that many go in one call. */
const CLOSE_WITHIN_MS = 50;
const CLOSES_PER_CALL = 64;
/** A call's length is bounded, and such a claim takes at most 50 bytes of it. */
const CLAIMS_PER_CALL = 8192;

/** Which files this origin has open and how often, and the closes that the metadata service has still to be told. */
export class OpenInodes {
  readonly #open = new Map<number, { count: number; gen: number }>();
  #closing: number[] = [];
  #dueMs = 0;

  opened({ inode, gen }: OpenFile): void {
    const count = (this.#open.get(inode)?.count ?? 0) + 1;
    this.#open.set(inode, { count, gen });
  }

  closed(inode: number, nowMs: number): void {
    const open = this.#open.get(inode);
    if (open === undefined) return;
    open.count -= 1;
    if (open.count === 0) this.#open.delete(inode);
    if (this.#closing.length === 0) this.#dueMs = nowMs + CLOSE_WITHIN_MS;
    this.#closing.push(inode);
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** Closes wait to be told. */
  get closing(): boolean {
    return this.#closing.length > 0;
  }

  /** @returns what the service is to be told now, if anything; each number as often as it was closed */
  takeClosed(nowMs: number): number[] | undefined {
    if (!this.closing || (nowMs < this.#dueMs && this.#closing.length < CLOSES_PER_CALL)) return undefined;
    return this.#closing.splice(0);
  }

  /**
   * Closes before it are not told to the new channel.
   * @returns what that has to claim, by call, of which there is at least one: each file as often as it is open, with the
   * generation of its last opening
   */
  claim(): OpenFile[][] {
    this.#closing = [];
    const calls: OpenFile[][] = [[]];
    for (const [inode, { count, gen }] of this.#open) {
      for (let i = 0; i < count; i += 1) {
        if (calls.at(-1)?.length === CLAIMS_PER_CALL) calls.push([]);
        calls.at(-1)?.push({ inode, gen });
      }
    }
    return calls;
  }
}
