import type { CallLimits } from "../transport/call-limits.ts";
import type { EpochLink } from "../transport/epoch-link.ts";
import type { EpochRegion } from "./epoch-window.ts";

interface ToCome {
  readonly region: EpochRegion;
  readonly link: EpochLink;
}

/**
 * By region of a window: what epochs with consistency "relaxed" have written there. Their close does not wait until it is in place,
 * so a flush does: their workers take messages of epochs in order, and have put it in place when they answer a later one.
 */
export class WritesToCome {
  readonly #byIndex = new Map<number, ToCome>();

  /** An epoch has been committed, and its worker was told so over `link`. */
  add(index: number, region: EpochRegion, link: EpochLink): void {
    this.#byIndex.set(index, { region, link });
  }

  /** One promise for each region. @param isMeant tells of a region whether it is waited for */
  settle(limits: CallLimits, isMeant: (index: number) => boolean): Promise<void>[] {
    const meant = [...this.#byIndex].filter(([index]) => isMeant(index));
    return meant.map(async ([index, toCome]) => {
      const { region, link } = toCome;
      await link.read(region.binding, 0, region.at, new Uint8Array(1), limits);
      this.#settled(index, toCome);
    });
  }

  /** Blocks this thread for `timeoutMs` a region at most. */
  settleSync(timeoutMs: number): void {
    for (const [index, toCome] of [...this.#byIndex]) {
      const { region, link } = toCome;
      link.readSync(region.binding, 0, region.at, new Uint8Array(1), timeoutMs);
      this.#settled(index, toCome);
    }
  }

  /** Unless another epoch has written there meanwhile. */
  #settled(index: number, toCome: ToCome): void {
    if (this.#byIndex.get(index) === toCome) this.#byIndex.delete(index);
  }
}
