import type { SimRandom } from "../random.ts";
import type { FaultKind, FaultRates } from "../run/options.ts";
import type { World } from "../world/world.ts";
import { FAULTS, losePower } from "./kinds.ts";

const SOON_MS = [0.01, 10] as const;

/** Does to a world what its rates say, at times and places that a seed draws, until it is stopped. */
export class FaultSchedule {
  readonly #world: World;
  readonly #random: SimRandom;
  #stopped = false;
  /** Faults that came. */
  count = 0;

  constructor(world: World, random: SimRandom, rates: FaultRates) {
    this.#world = world;
    this.#random = random;
    for (const [kind, perMinute] of Object.entries(rates)) {
      if (perMinute > 0) this.#plan(kind as FaultKind, perMinute);
    }
  }

  /** The machine of that target loses power at any moment now. */
  losePowerOf(target: string): void {
    const machine = this.#world.machineOf(target);
    if (machine === undefined) return;
    this.#world.scheduler.at(this.#world.nowMs + this.#random.magnitude(...SOON_MS), () => {
      if (this.#stopped) return;
      this.count += 1;
      losePower(this.#world, this.#random, machine);
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  #plan(kind: FaultKind, perMinute: number): void {
    const inMs = (-Math.log(1 - this.#random.fraction()) * 60_000) / perMinute;
    this.#world.scheduler.at(this.#world.nowMs + inMs, () => {
      if (this.#stopped) return;
      this.count += 1;
      FAULTS[kind](this.#world, this.#random);
      this.#plan(kind, perMinute);
    });
  }
}
