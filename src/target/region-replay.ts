import type { EpochWrite } from "../epoch/commit-records.ts";
import type { RegionReplay } from "../epoch/replay.ts";
import type { MemoryPort } from "../ports/memory.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import { reach } from "../std/failpoints.ts";
import { errorFields, type Logger } from "../std/logger.ts";
import { REGION_HEADER_BYTES } from "../structs/region-header.ts";
import type { RegionStore, StoredRegion } from "./region-store.ts";

/** Regions that are open for it at a time; their syncs share. */
const BATCH_REGIONS = 64;

/** Puts what a log says into regions that nobody has open, and makes it durable. */
export class RegionReplays {
  readonly #store: RegionStore;
  readonly #memory: MemoryPort;
  readonly #log: Logger;

  constructor(store: RegionStore, memory: MemoryPort, log: Logger) {
    this.#store = store;
    this.#memory = memory;
    this.#log = log;
  }

  /** @returns regions that were written; those that are gone were not @throws ERR_IO, ERR_VERSION, ERR_TOO_MANY */
  async put(replays: readonly RegionReplay[]): Promise<number> {
    let count = 0;
    for (let at = 0; at < replays.length; at += BATCH_REGIONS) {
      const opened: StoredRegion[] = [];
      try {
        for (const replay of replays.slice(at, at + BATCH_REGIONS)) {
          const region = this.#open(replay);
          if (region === undefined) continue;
          opened.push(region);
          this.#write(region, replay.writes);
        }
        reach("redone");
        await this.#sync(opened);
        reach("redone durably");
        count += opened.length;
      } finally {
        for (const { object } of opened) object.close();
      }
    }
    return count;
  }

  #open({ inode, index }: RegionReplay): StoredRegion | undefined {
    try {
      return this.#store.open(inode, index);
    } catch (error) {
      if (isUnusable(error, this.#log)) return undefined;
      throw error;
    }
  }

  /** Returns when none runs any more: until then they need their descriptors. */
  async #sync(regions: readonly StoredRegion[]): Promise<void> {
    const synced = await Promise.allSettled(regions.map((region) => this.#store.sync(region)));
    for (const [at, result] of synced.entries()) {
      if (result.status === "fulfilled") continue;
      const cause = result.reason as Error;
      throw new DidafsError(
        "ERR_IO",
        `What epochs have written to region ${regions[at]?.object.name} could not be made durable (${cause.message}): the target does not serve. Look at the drive, and start it again.`,
        { cause },
      );
    }
  }

  /** What a write has behind the region's end was cut off since. */
  #write({ object, header }: StoredRegion, writes: readonly EpochWrite[]): void {
    const inside = writes.filter(({ at, bytes }) => at < header.byteLength && bytes.length > 0);
    if (inside.length === 0) return;
    const mapped = this.#memory.map(object.descriptor, REGION_HEADER_BYTES, header.byteLength, true);
    try {
      for (const { at, bytes } of inside) mapped.u8.set(bytes.subarray(0, header.byteLength - at), at);
    } finally {
      this.#memory.free(mapped);
    }
  }
}

/**
 * Whether that is why a region alone cannot be used, which its target can do without: its file was removed, for its number is
 * never used again, or it is refused to everybody who wants to open it.
 */
export function isUnusable(error: unknown, log: Logger): boolean {
  if (isDidafsError(error, "ERR_CORRUPT")) {
    log.error("a region with writes of epochs cannot be used", errorFields(error));
    return true;
  }
  return isDidafsError(error, "ERR_DATA_LOST");
}
