import type { DidafsError } from "../std/errors.ts";
import type { RegionAccess } from "../transport/access.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import type { Lock, Range } from "./api.ts";

/** What is held at one home. */
export interface HeldPart {
  readonly access: RegionAccess;
  readonly lock: number;
}

/** See Lock in api.ts. */
export class WindowLock implements Lock {
  readonly range: Range;
  readonly #parts: readonly HeldPart[];
  readonly #limits: CallLimits;
  readonly #onEnd: (lock: WindowLock) => void;
  readonly #lost = new AbortController();
  #releasing: Promise<void> | undefined;

  /** @param limits of releasing @param onEnd called once, when it is released */
  constructor(
    range: Range,
    parts: readonly HeldPart[],
    limits: CallLimits,
    onEnd: (lock: WindowLock) => void,
  ) {
    this.range = range;
    this.#parts = parts;
    this.#limits = limits;
    this.#onEnd = onEnd;
    for (const { access } of parts) access.held.add(this.#lose);
    this.#look();
  }

  get lost(): AbortSignal {
    this.#look();
    return this.#lost.signal;
  }

  /** What has ended it may not have come round here yet. */
  #look(): void {
    if (this.#releasing !== undefined) return;
    for (const { access } of this.#parts) {
      const reason = access.held.lost;
      if (reason !== undefined) this.#lost.abort(reason);
    }
  }

  /** What other homes hold for it stays until it is released: its holder may be about to write there. */
  readonly #lose = (reason: DidafsError): void => this.#lost.abort(reason);

  release(): Promise<void> {
    if (this.#releasing === undefined) {
      this.#onEnd(this);
      for (const { access } of this.#parts) access.held.delete(this.#lose);
      this.#releasing = releaseAll(this.#parts, this.#limits);
    }
    return this.#releasing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/** Releases at all homes, then throws the first error. */
export async function releaseAll(parts: readonly HeldPart[], limits: CallLimits): Promise<void> {
  const released = parts.map(({ access, lock }) => access.unlock(lock, limits));
  for (const outcome of await Promise.allSettled(released)) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
}
