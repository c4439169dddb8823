import { regionKey } from "../epoch/commit-records.ts";
import type { MemoryPort } from "../ports/memory.ts";
import { reach } from "../std/failpoints.ts";
import type { Logger } from "../std/logger.ts";
import { checkHomes, isAtHome, isBound, linesOf } from "./epoch-homes.ts";
import type { EpochLogs, FoundLog } from "./epoch-logs.ts";
import type { RegionGrant } from "./messages.ts";
import type { OpenRegions } from "./open-regions.ts";
import { isUnusable, RegionReplays } from "./region-replay.ts";
import type { RegionStore } from "./region-store.ts";

export interface EpochRecoveryParts {
  readonly logs: EpochLogs;
  readonly store: RegionStore;
  readonly regions: OpenRegions;
  readonly memory: MemoryPort;
  readonly workers: number;
  /** What people call the target. */
  readonly target: string;
  readonly log: Logger;
}

/**
 * What a target does by its workers' logs before it serves: what they say was committed is put into the regions, durably. On a
 * drive of memory there are no regions then, but epochs are to be ended all the same. Done again, from the beginning, after a
 * crash in the middle; the logs stay as they are, because their workers alone write to them.
 */
export class EpochRecovery {
  readonly #parts: EpochRecoveryParts;

  constructor(parts: EpochRecoveryParts) {
    this.#parts = parts;
  }

  /**
   * @param former workers that have had a log
   * @returns regions to hand to each worker with its log: those that its epochs in doubt have lines in
   * @throws ERR_CORRUPT or ERR_VERSION (a log), ERR_INVALID_ARGUMENT (the number of workers), ERR_IO, ERR_TOO_MANY
   */
  async run(former: readonly number[]): Promise<RegionGrant[][]> {
    const { logs, memory, workers, target, log } = this.#parts;
    const found: FoundLog[] = [];
    try {
      for (const worker of former) {
        const one = logs.read(worker);
        if (one !== undefined) found.push(one);
      }
      checkHomes(found, workers, target);
      let written = 0;
      for (const one of found) written += await this.#put(one);
      // All that they say is in place. Left there, it would be put once more over what comes to its region's new home.
      const useless = found.filter((one) => !isBound(one) && !isAtHome(one, workers));
      await logs.drop(useless.map(({ worker }) => worker));
      const sum = (of: (one: FoundLog) => number): number => found.reduce((all, one) => all + of(one), 0);
      log.info("recovered epochs", {
        records: sum(({ count }) => count),
        regions: written,
        inDoubt: sum(({ inDoubt }) => inDoubt.length),
        decisions: sum(({ decisions }) => decisions.length),
      });
      return await this.#regionsInDoubt(found);
    } finally {
      for (const one of found) memory.free(one.memory);
    }
  }

  async #put(found: FoundLog): Promise<number> {
    const { logs, store, memory, log } = this.#parts;
    if (!store.durable || found.regions.length === 0) return 0;
    // First what was read is made durable: else a region could keep what its log loses with the power.
    await logs.sync(found);
    reach("log read");
    return new RegionReplays(store, memory, log).put(found.regions);
  }

  async #regionsInDoubt(found: readonly FoundLog[]): Promise<RegionGrant[][]> {
    const grants: RegionGrant[][] = Array.from({ length: this.#parts.workers }, () => []);
    for (const { worker, inDoubt } of found) {
      const lines = inDoubt.flatMap(linesOf);
      const names = new Map(lines.map((line) => [regionKey(line.inode, line.index), line]));
      for (const { inode, index } of names.values()) {
        const grant = await this.#keep(inode, index);
        if (grant !== undefined) grants[worker]?.push(grant);
      }
    }
    return grants;
  }

  async #keep(inode: number, index: number): Promise<RegionGrant | undefined> {
    const { store, regions, log } = this.#parts;
    try {
      const { object, byteLength } = await regions.keep(inode, index);
      return { inode, index, descriptor: object.descriptor, byteLength, durable: store.durable };
    } catch (error) {
      if (isUnusable(error, log)) return undefined;
      throw error;
    }
  }
}
