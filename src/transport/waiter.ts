import type { Landing } from "./pump.ts";

/** Somebody who waits for what others do on those connections; the pump keeps his deadline (Pump.land). */
export class Waiter implements Landing {
  readonly links: Landing["links"];
  settled = false;
  onSettled: (() => void) | undefined = undefined;
  readonly #gaveUp: (waiter: Waiter) => void;

  /** @param gaveUp is told when nobody waits any more */
  constructor(links: Landing["links"], gaveUp: (waiter: Waiter) => void = () => {}) {
    this.links = links;
    this.#gaveUp = gaveUp;
  }

  /** @returns true: whatever he waited to do has not begun */
  abandon(): boolean {
    this.onSettled = undefined;
    this.#gaveUp(this);
    return true;
  }

  /** What he waits for has come. */
  settle(): void {
    if (this.settled) return;
    this.settled = true;
    this.onSettled?.();
  }
}
