import type { Drive } from "../ports/drive.ts";
import type { CallContext } from "../rpc/handlers.ts";
import { DidafsError } from "../std/errors.ts";
import { lineCountsBytes, lineEntries } from "../structs/line-counts.ts";
import { LINE_BYTES } from "../wire/epoch-message.ts";
import type { OpenRegion, OpenRegions } from "./open-regions.ts";
import { RegionMemories } from "./region-memories.ts";
import type { WorkerLink } from "./worker-link.ts";

/** Regions at a time whose lines are counted where others see it: a mapping and a descriptor each, of few (OPEN_MAX). */
const SHARED_MAX = 4096;

/**
 * Lets direct origins read the versions of a region's lines (structs/line-counts.ts): the memory is made when the first one asks,
 * its home worker goes on counting there, and it is closed with the region. What is passed can only be read.
 */
export class LineGrants {
  readonly #regions: OpenRegions;
  readonly #workers: readonly WorkerLink[];
  readonly #closeDescriptor: (descriptor: number) => void;
  readonly #memories: RegionMemories;

  /** @param drive of memory */
  constructor(
    drive: Drive,
    regions: OpenRegions,
    workers: readonly WorkerLink[],
    closeDescriptor: (descriptor: number) => void,
  ) {
    this.#memories = new RegionMemories(drive, regions, "lines");
    this.#regions = regions;
    this.#workers = workers;
    this.#closeDescriptor = closeDescriptor;
  }

  /**
   * @param region stays open until this settles
   * @param checkWanted throws where the descriptor must not be passed any more when the worker counts there
   * @returns how many entries the memory has whose descriptor goes with the answer
   * @throws ERR_TOO_MANY, ERR_NO_SPACE, ERR_IO, ERR_NOT_SUPPORTED; the worker can be asked still
   */
  async grant(region: OpenRegion, context: CallContext, checkWanted: () => void): Promise<number> {
    this.#regions.pin(region);
    try {
      await this.#share(region);
      checkWanted();
      const { entries, object } = region.lines as NonNullable<OpenRegion["lines"]>;
      const descriptor = object.readOnlyDescriptor();
      context.passDescriptor(descriptor, () => this.#closeDescriptor(descriptor));
      return entries;
    } finally {
      this.#regions.unpin(region);
    }
  }

  #share(region: OpenRegion): Promise<void> | undefined {
    if (region.lines !== undefined) return undefined;
    return this.#memories.once(region, () => this.#make(region));
  }

  async #make(region: OpenRegion): Promise<void> {
    if (this.#regions.sharedLines + this.#memories.makingCount > SHARED_MAX) {
      throw new DidafsError(
        "ERR_TOO_MANY",
        `this target tells the versions of ${SHARED_MAX} regions already`,
      );
    }
    const { inode, index, byteLength, worker } = region;
    const entries = lineEntries(Math.ceil(byteLength / LINE_BYTES));
    const link = this.#workers[worker] as WorkerLink;
    const object = await this.#memories.create(region, lineCountsBytes(entries), (descriptor) =>
      link.shareLines({ inode, index, descriptor, entries }),
    );
    region.lines = { object, entries };
  }
}
