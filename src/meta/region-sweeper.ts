import type { KvReader } from "../ports/kv.ts";
import type { Channel } from "../rpc/handlers.ts";
import { errorFields, type Logger } from "../std/logger.ts";
import type { Params } from "../wire/control.ts";
import { inodeKey, removalKey } from "./keys.ts";
import type { OpenFiles } from "./open-files.ts";
import { type MetaStore, nextInodeOf } from "./store.ts";

const PAGE_REGIONS = 256;
const CALL_TIMEOUT_MS = 10_000;

type Region = Params<"region.sweep">;

/**
 * Has targets sweep regions that no metadata know: what a crash between making regions and committing their file has
 * left. Only of numbers that these metadata gave out; whether it may hold anybody's bytes the target decides.
 */
export class RegionSweeper {
  readonly #store: MetaStore;
  readonly #openFiles: OpenFiles;
  readonly #log: Logger;

  constructor(store: MetaStore, openFiles: OpenFiles, log: Logger) {
    this.#store = store;
    this.#openFiles = openFiles;
    this.#log = log;
  }

  /** Goes once over all regions of a target, page by page. What fails is left to its next registration; never rejects. */
  async sweep(target: string, channel: Channel): Promise<void> {
    const options = { timeoutMs: CALL_TIMEOUT_MS };
    let foreign = 0;
    let swept = 0;
    try {
      for (let after: Region | undefined; ; ) {
        const { regions, more } = await channel.call("region.list", { after, limit: PAGE_REGIONS }, options);
        const unknown = this.#store.read((reader) => this.#unknown(reader, target, regions));
        foreign += unknown.foreign;
        const calls = unknown.ours.map((region) => channel.call("region.sweep", region, options));
        for (const { removed } of await Promise.all(calls)) if (removed) swept += 1;
        const last = regions.at(-1);
        // A target whose pages do not go on would be asked for ever.
        if (!more || last === undefined || !isBehind(last, after)) break;
        after = last;
      }
    } catch (error) {
      this.#log.warn("sweeping regions failed; it is done when the target registers again", {
        target,
        ...errorFields(error),
      });
    }
    if (swept > 0) this.#log.info("swept regions that no file has", { target, regions: swept });
    if (foreign > 0) {
      this.#log.warn("regions of numbers that these metadata never gave out stay", {
        target,
        regions: foreign,
      });
    }
  }

  #unknown(
    reader: KvReader,
    target: string,
    regions: readonly Region[],
  ): { ours: Region[]; foreign: number } {
    const unknown = regions.filter(
      ({ inode, index }) =>
        reader.get(inodeKey(inode)) === undefined &&
        !this.#openFiles.isOpen(inode) &&
        reader.get(removalKey(target, inode, index)) === undefined,
    );
    const next = nextInodeOf(reader);
    const ours = unknown.filter(({ inode }) => inode < next);
    return { ours, foreign: unknown.length - ours.length };
  }
}

function isBehind(region: Region, after: Region | undefined): boolean {
  if (after === undefined) return true;
  return region.inode === after.inode ? region.index > after.index : region.inode > after.inode;
}
