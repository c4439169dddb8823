import type { SimClock } from "./clock.ts";
import type { Weather } from "./network.ts";
import type { SimRandom } from "./random.ts";
import type { Route } from "./stream.ts";

/** On one machine, and between machines: what a connection's usual latency is drawn from. */
const LOCAL_MS = [0.002, 0.03] as const;
const REMOTE_MS = [0.02, 2] as const;
/** A packet that was lost is sent again after so long. */
const LOST_MS = 200;

/**
 * Latencies of connections, and ways that are cut. Each connection has its own usual latency, so that what is sent over
 * one overtakes what was sent over another. While a way is cut nothing passes; what was sent before it or meanwhile
 * passes when it is whole again.
 */
export class SimWeather implements Weather {
  readonly #clock: SimClock;
  readonly #random: SimRandom;
  readonly #lossRate: number;
  readonly #cut = new Set<string>();
  /** Everything takes so many times as long. */
  slowness = 1;

  constructor(clock: SimClock, random: SimRandom, lossRate: number) {
    this.#clock = clock;
    this.#random = random;
    this.#lossRate = lossRate;
  }

  route(from: string, to: string): Route {
    const random = this.#random;
    const [low, high] = from === to ? LOCAL_MS : REMOTE_MS;
    const usualMs = random.magnitude(low, high);
    const way = wayOf(from, to);
    const cut = this.#cut;
    const clock = this.#clock;
    let lastMs = 0;
    const latencyMs = (): number => {
      const lostMs = from !== to && random.chance(this.#lossRate) ? LOST_MS : 0;
      return usualMs * this.slowness * (0.5 + random.fraction()) + lostMs;
    };
    return {
      arrivalMs: () => {
        lastMs = Math.max(lastMs, clock.nowMs() + latencyMs());
        return lastMs;
      },
      passesMs: (arrivedMs) => (cut.size > 0 && cut.has(way) ? Number.POSITIVE_INFINITY : arrivedMs),
      get nowMs() {
        return clock.nowMs();
      },
    };
  }

  /** Nothing passes from one machine to the other any more, until `mend`. */
  cut(from: string, to: string): void {
    this.#cut.add(wayOf(from, to));
  }

  mend(from: string, to: string): void {
    this.#cut.delete(wayOf(from, to));
  }

  /** All is whole and fast again. */
  clear(): void {
    this.#cut.clear();
    this.slowness = 1;
  }
}

const wayOf = (from: string, to: string): string => `${from}>${to}`;
