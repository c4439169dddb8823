/** How late the metadata service may hear of a close, so that many go in one call. */
const CLOSE_WITHIN_MS = 50;
const CLOSES_PER_CALL = 64;

/** Which files this origin has open and how often, and the closes that the metadata service has still to be told. */
export class OpenInodes {
  readonly #counts = new Map<number, number>();
  #closing: number[] = [];
  #dueMs = 0;

  opened(inode: number): void {
    this.#counts.set(inode, (this.#counts.get(inode) ?? 0) + 1);
  }

  closed(inode: number, nowMs: number): void {
    const count = this.#counts.get(inode);
    if (count === undefined) return;
    if (count === 1) this.#counts.delete(inode);
    else this.#counts.set(inode, count - 1);
    if (this.#closing.length === 0) this.#dueMs = nowMs + CLOSE_WITHIN_MS;
    this.#closing.push(inode);
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
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

  /** @returns what a new channel has to claim, each number as often as it is open; closes before it are not told there */
  claim(): number[] {
    this.#closing = [];
    return [...this.#counts].flatMap(([inode, count]) => new Array<number>(count).fill(inode));
  }
}
