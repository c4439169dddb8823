import type { CallLimits } from "./call-limits.ts";
import type { Landing, Pump } from "./pump.ts";
import { Waiter } from "./waiter.ts";

const INSIDE_MAX = 32;

/** The answers that those wait for who are inside come on `connection`. */
interface Link {
  readonly connection: Landing["links"][number]["connection"];
  readonly pump: Pump;
}

/** Lets INSIDE_MAX calls be under way at a time; the others wait, first come, first served. */
export class Turnstile {
  #inside = 0;
  readonly #waiting: Waiter[] = [];

  /** True while no call is under way, and none waits. */
  get isFree(): boolean {
    return this.#inside === 0;
  }

  /** Every call that was let in leaves. @returns false where it must wait: see `enter` */
  tryEnter(): boolean {
    if (this.#inside >= INSIDE_MAX || this.#waiting.length > 0) return false;
    this.#inside += 1;
    return true;
  }

  /** Waits for a place. @throws ERR_TIMEOUT, ERR_ABORTED: then it was not let in */
  async enter({ connection, pump }: Link, limits: CallLimits): Promise<void> {
    const turn = new Waiter([{ connection }], (gone) => {
      this.#waiting.splice(this.#waiting.indexOf(gone), 1);
    });
    this.#waiting.push(turn);
    await pump.land(turn, limits);
  }

  leave(): void {
    const next = this.#waiting.shift();
    // Who comes next takes the place over.
    if (next === undefined) this.#inside -= 1;
    else next.settle();
  }
}
