import type { CallLimits } from "./call-limits.ts";
import type { Landing, Pump } from "./pump.ts";

const INSIDE_MAX = 32;

/** The answers that those wait for who are inside come on `connection`. */
interface Link {
  readonly connection: Landing["links"][number]["connection"];
  readonly pump: Pump;
}

/** One call that waits to be let in; the pump keeps its deadline. */
class Turn implements Landing {
  readonly links: Landing["links"];
  settled = false;
  onSettled: (() => void) | undefined = undefined;
  readonly #left: (turn: Turn) => void;

  constructor(link: Link, left: (turn: Turn) => void) {
    this.links = [link];
    this.#left = left;
  }

  /** @returns true: what it waited to do has not begun */
  abandon(): boolean {
    this.onSettled = undefined;
    this.#left(this);
    return true;
  }

  settle(): void {
    this.settled = true;
    this.onSettled?.();
  }
}

/** Lets INSIDE_MAX calls be under way at a time; the others wait, first come, first served. */
export class Turnstile {
  #inside = 0;
  readonly #waiting: Turn[] = [];

  /** Every call that was let in leaves. @throws ERR_TIMEOUT, ERR_ABORTED: then it was not */
  async enter(link: Link, limits: CallLimits): Promise<void> {
    if (this.#inside < INSIDE_MAX) {
      this.#inside += 1;
      return;
    }
    const turn = new Turn(link, (gone) => this.#waiting.splice(this.#waiting.indexOf(gone), 1));
    this.#waiting.push(turn);
    await link.pump.land(turn, limits);
  }

  leave(): void {
    const next = this.#waiting.shift();
    // Who comes next takes the place over.
    if (next === undefined) this.#inside -= 1;
    else next.settle();
  }
}
