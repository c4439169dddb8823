import type { Claim, OpenFile } from "../wire/control.ts";

/** A call's length is bounded, and such a claim takes at most 70 bytes of it. */
const CLAIMS_PER_CALL = 8192;

/** Which files this origin has open and how often, and the closes that the metadata service has still to be told. */
export class OpenInodes {
  readonly #open = new Map<number, { count: number; gen: number }>();
  #closing: number[] = [];

  opened({ inode, gen }: OpenFile): void {
    const count = (this.#open.get(inode)?.count ?? 0) + 1;
    this.#open.set(inode, { count, gen });
  }

  /** What is not open is no error. */
  closed(inode: number): void {
    const open = this.#open.get(inode);
    if (open === undefined) return;
    open.count -= 1;
    if (open.count === 0) this.#open.delete(inode);
    this.#closing.push(inode);
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** @returns what the service is to be told, each number as often as it was closed */
  takeClosed(): number[] {
    return this.#closing.splice(0);
  }

  /**
   * Closes before it are not told to the new channel.
   * @returns what that has to claim, by call, of which there is at least one: each file with how often it is
   * open and the generation of its last opening
   */
  claim(): Claim[][] {
    this.#closing = [];
    const calls: Claim[][] = [[]];
    for (const [inode, { count, gen }] of this.#open) {
      if (calls.at(-1)?.length === CLAIMS_PER_CALL) calls.push([]);
      calls.at(-1)?.push({ inode, gen, count });
    }
    return calls;
  }
}
