import type { DidafsError } from "../std/errors.ts";
import type { SessionState } from "./session-state.ts";

/** What a lock does when what it was taken through has ended. */
export type LoseLock = (reason: DidafsError) => void;

/** The locks that were taken through one binding, as far as they want to know of its end. */
export class HeldLocks {
  /** Of the binding, once it is known: it may say so before anybody calls `lose`. */
  state: SessionState | undefined = undefined;
  readonly #losers = new Set<LoseLock>();
  #reason: DidafsError | undefined;

  /** Why nothing of it is held any more, where that is so. */
  get lost(): DidafsError | undefined {
    return this.state?.isLost === true ? this.state.error("no") : undefined;
  }

  add(lose: LoseLock): void {
    if (this.#reason === undefined) this.#losers.add(lose);
    else lose(this.#reason);
  }

  delete(lose: LoseLock): void {
    this.#losers.delete(lose);
  }

  /** Nothing of it is held any more, for that reason, and nothing is mapped. */
  lose(reason: DidafsError): void {
    this.#reason ??= reason;
    for (const lose of this.#losers) lose(reason);
    this.#losers.clear();
  }
}
