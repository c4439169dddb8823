import type { Transfer } from "./transfer.ts";

/** Transfers that wait to be issued, oldest first. Linked through the transfers, so that it allocates nothing. */
export class Backlog {
  oldest: Transfer | undefined = undefined;
  #newest: Transfer | undefined = undefined;

  push(transfer: Transfer): void {
    transfer.older = this.#newest;
    if (this.#newest === undefined) this.oldest = transfer;
    else this.#newest.newer = transfer;
    this.#newest = transfer;
  }

  /** @returns false when it is not in here */
  remove(transfer: Transfer): boolean {
    const { older, newer } = transfer;
    if (older === undefined && this.oldest !== transfer) return false;
    if (older === undefined) this.oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    transfer.older = undefined;
    transfer.newer = undefined;
    return true;
  }
}
