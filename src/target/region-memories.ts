import type { Drive, DriveObject } from "../ports/drive.ts";
import { codeOf, DidafsError } from "../std/errors.ts";
import type { OpenRegion, OpenRegions } from "./open-regions.ts";

/** Memory of one kind that open regions have: made once a region, when it is first asked for, and mapped by its home worker. */
export class RegionMemories {
  readonly #drive: Drive;
  readonly #regions: OpenRegions;
  readonly #kind: string;
  readonly #making = new Map<OpenRegion, Promise<void>>();
  #nextName = 0;

  /** @param drive of memory */
  constructor(drive: Drive, regions: OpenRegions, kind: string) {
    this.#drive = drive;
    this.#regions = regions;
    this.#kind = kind;
  }

  /** Regions whose memory is being made; while `make` runs also its own. */
  get makingCount(): number {
    return this.#making.size;
  }

  isMaking(region: OpenRegion): boolean {
    return this.#making.has(region);
  }

  /** Makes it by `make`, however many ask; once more without idle regions where that ends in ERR_TOO_MANY. */
  once(region: OpenRegion, make: () => Promise<void>): Promise<void> {
    const known = this.#making.get(region);
    if (known !== undefined) return known;
    // Counted before it begins.
    const making = Promise.resolve()
      .then(() => this.#regions.withRoom(make))
      .finally(() => this.#making.delete(region));
    this.#making.set(region, making);
    return making;
  }

  /**
   * @param share has the worker map the descriptor, and resolves with its status
   * @returns the memory, all zeros, which has no name any more @throws also what the status says
   */
  async create(
    { inode, index }: OpenRegion,
    byteLength: number,
    share: (descriptor: number) => Promise<number>,
  ): Promise<DriveObject> {
    const name = `${this.#kind}-${this.#nextName}`;
    this.#nextName += 1;
    const object = this.#drive.create(name, byteLength);
    // Nobody opens it by its name; it is gone with its descriptors and mappings.
    this.#drive.remove(name);
    const status = await share(object.descriptor);
    if (status === 0) return object;
    object.close();
    throw new DidafsError(
      codeOf(status),
      `the worker does not take memory for the ${this.#kind} of region ${inode}.${index}`,
    );
  }
}
