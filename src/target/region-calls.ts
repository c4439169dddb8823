import type { Handlers } from "../rpc/handlers.ts";
import { isDidafsError } from "../std/errors.ts";
import type { Params, Result } from "../wire/control.ts";
import type { OpenRegions } from "./open-regions.ts";
import { compareNames, type RegionName, type RegionStore } from "./region-store.ts";
import type { RoomLog } from "./room-log.ts";

/** Regions of one page; a name takes at most 52 bytes of an answer. */
const LIST_MAX = 4096;
/** Each has its header read, which may wait for the drive. */
const AUDIT_MAX = 64;
const FAULT_CHARS_MAX = 1000;

type ListParams = Params<"region.list">;
type Audited = Result<"region.audit">["regions"][number];

/** What the metadata service may call on a target. */
export class RegionCalls {
  readonly #store: RegionStore;
  readonly #regions: OpenRegions;
  readonly #room: RoomLog;
  /** What the first page was taken from, until the last one was: listing a drive takes as long as it has regions. */
  #listing: RegionName[] | undefined;

  constructor(store: RegionStore, regions: OpenRegions, room: RoomLog) {
    this.#store = store;
    this.#regions = regions;
    this.#room = room;
  }

  handlers(): Handlers {
    const store = this.#store;
    const regions = this.#regions;
    const room = this.#room;
    return {
      "region.create": async ({ inode, index, byteLength }) => {
        const made = regions.withRoom(() => store.create(inode, index, byteLength));
        await room.noting(made, { inode, index, byteLength });
        return {};
      },
      "region.remove": async ({ inode, index }) => {
        await regions.remove(inode, index);
        return {};
      },
      "region.resize": async ({ inode, index, byteLength }) => {
        await room.noting(regions.resize(inode, index, byteLength), { inode, index, byteLength });
        return {};
      },
      "region.sweep": async ({ inode, index }) => ({ removed: await regions.sweep(inode, index) }),
      "region.list": (params) => this.#page(params, LIST_MAX),
      "region.audit": ({ only, ...params }) => {
        if (only !== undefined) {
          return { regions: store.has(only.inode, only.index) ? [this.#audit(only)] : [], more: false };
        }
        const { regions: names, more } = this.#page(params, AUDIT_MAX);
        return { regions: names.map((name) => this.#audit(name)), more };
      },
    };
  }

  /** A page has at least one region where there is one, so that whoever lists comes to an end. */
  #page({ after, limit }: ListParams, limitMax: number): { regions: RegionName[]; more: boolean } {
    if (after === undefined || this.#listing === undefined) this.#listing = this.#store.names();
    const listing = this.#listing;
    const begin = after === undefined ? 0 : firstBehind(listing, after);
    const end = begin + Math.max(1, Math.min(limit, limitMax));
    const more = end < listing.length;
    if (!more) this.#listing = undefined;
    return { regions: listing.slice(begin, end), more };
  }

  #audit({ inode, index }: RegionName): Audited {
    try {
      const { byteLength, written } = this.#store.inspect(inode, index);
      return { inode, index, byteLength, written };
    } catch (error) {
      if (!isDidafsError(error)) throw error;
      return { inode, index, fault: error.message.slice(0, FAULT_CHARS_MAX) };
    }
  }
}

/** Position of the first name behind `after`. */
function firstBehind(listing: readonly RegionName[], after: RegionName): number {
  let low = 0;
  let high = listing.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareNames(listing[middle] as RegionName, after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
