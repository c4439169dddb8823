import type { Drive } from "../ports/drive.ts";
import type { CallContext } from "../rpc/handlers.ts";
import { codeOf, DidafsError } from "../std/errors.ts";
import { lineCountsBytes, lineEntries } from "../structs/line-counts.ts";
import { LINE_BYTES } from "../wire/epoch-message.ts";
import type { OpenRegion, OpenRegions } from "./open-regions.ts";
import type { WorkerLink } from "./worker-link.ts";

/** Regions at a time whose lines are counted where others see it: a mapping and a descriptor each, of few (OPEN_MAX). */
const SHARED_MAX = 4096;

/**
 * Lets direct origins read the versions of a region's lines (structs/line-counts.ts): the memory is made when the first one asks,
 * its home worker goes on counting there, and it is closed with the region. What is passed can only be read.
 */
export class LineGrants {
  readonly #drive: Drive;
  readonly #regions: OpenRegions;
  readonly #workers: readonly WorkerLink[];
  readonly #closeDescriptor: (descriptor: number) => void;
  readonly #sharing = new Map<OpenRegion, Promise<void>>();
  #nextName = 0;

  /** @param drive of memory */
  constructor(
    drive: Drive,
    regions: OpenRegions,
    workers: readonly WorkerLink[],
    closeDescriptor: (descriptor: number) => void,
  ) {
    this.#drive = drive;
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

  /** Once a region, however many ask. */
  #share(region: OpenRegion): Promise<void> | undefined {
    if (region.lines !== undefined) return undefined;
    const known = this.#sharing.get(region);
    if (known !== undefined) return known;
    if (this.#regions.sharedLines + this.#sharing.size >= SHARED_MAX) {
      throw new DidafsError(
        "ERR_TOO_MANY",
        `this target tells the versions of ${SHARED_MAX} regions already`,
      );
    }
    const sharing = this.#regions
      .withRoom(() => this.#make(region))
      .finally(() => this.#sharing.delete(region));
    this.#sharing.set(region, sharing);
    return sharing;
  }

  async #make(region: OpenRegion): Promise<void> {
    const { inode, index, byteLength, worker } = region;
    const entries = lineEntries(Math.ceil(byteLength / LINE_BYTES));
    const name = `lines-${this.#nextName}`;
    this.#nextName += 1;
    const object = this.#drive.create(name, lineCountsBytes(entries));
    // Nobody opens it by its name; it is gone with its descriptors and mappings.
    this.#drive.remove(name);
    const { descriptor } = object;
    const link = this.#workers[worker] as WorkerLink;
    const status = await link.shareLines({ inode, index, descriptor, entries });
    if (status === 0) {
      region.lines = { object, entries };
      return;
    }
    object.close();
    throw new DidafsError(
      codeOf(status),
      `the worker does not count the lines of region ${inode}.${index} there`,
    );
  }
}
