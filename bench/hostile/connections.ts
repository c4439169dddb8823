import { setTimeout as sleep } from "node:timers/promises";

const METRIC = /^didafs_target_connections(?:\{.*\})? (\d+)$/gm;
const LOOK_MS = 20;
/** Strangers come again all the time, so not all of them are inside at any moment. */
const INSIDE_MIN = 0.8;
const WITHIN_MS = 20_000;

/** Data connections that the targets of a cluster have, by their own count. */
export class ConnectionCount {
  readonly #url: string;

  constructor(metricsUrl: string) {
    this.#url = `${metricsUrl}/metrics`;
  }

  async now(): Promise<number> {
    const text = await (await fetch(this.#url)).text();
    return [...text.matchAll(METRIC)].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  /** Until nearly so many have come that an attack is under way. @throws when they do not */
  untilInside(before: number, held: number): Promise<void> {
    return this.#until((count) => count >= before + held * INSIDE_MIN);
  }

  /** Until no more are left than there were. @throws when they stay */
  untilGone(before: number): Promise<void> {
    return this.#until((count) => count <= before);
  }

  async #until(reached: (count: number) => boolean): Promise<void> {
    const endMs = performance.now() + WITHIN_MS;
    for (let count = await this.now(); !reached(count); count = await this.now()) {
      if (performance.now() > endMs) throw new Error(`the target has ${count} connections, for too long`);
      await sleep(LOOK_MS);
    }
  }
}
