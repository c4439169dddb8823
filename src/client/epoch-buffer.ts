import { DidafsError } from "../std/errors.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import { EPOCH_GET_BYTES_MAX } from "../wire/epoch-message.ts";
import type { EpochRegion, EpochWindow } from "./epoch-window.ts";
import type { Origin } from "./origin.ts";
import { SeenLines } from "./seen-lines.ts";
import { WrittenBytes } from "./written-bytes.ts";

/** The longest wait before a line is read again that an epoch was about to write. */
const READ_BACKOFF_MS_MAX = 16;

/** A mapping is looked at so often before the region's home is asked, which says of each line for itself whether it is held. */
const MAPPED_READS_MAX = 8;

/** What an epoch has done to one region, so far here only. */
export interface RegionPart {
  /** The region through the window that touched it first. */
  readonly region: EpochRegion;
  readonly written: WrittenBytes<EpochRegion>;
  readonly seen: SeenLines<EpochRegion>;
}

/**
 * What an atomic epoch reads and writes until it closes: writes stay here, and lie over what it reads later. Accesses take
 * effect in the order in which they were made, each in one step, though their reads are under way together.
 */
export class EpochBuffer {
  readonly #origin: Origin;
  readonly #serializable: boolean;
  readonly #parts = new Map<string, RegionPart>();
  /** The last access that was made. */
  #last: Promise<unknown> = Promise.resolve();
  #conflict: DidafsError | undefined;

  /** @param serializable reads are validated when it closes */
  constructor(origin: Origin, serializable: boolean) {
    this.#origin = origin;
    this.#serializable = serializable;
  }

  /** What it can only end with: a line changed while it read. */
  get conflict(): DidafsError | undefined {
    return this.#conflict;
  }

  get parts(): Iterable<RegionPart> {
    return this.#parts.values();
  }

  /** Resolves when all accesses that were made have taken effect, or failed. */
  async settled(): Promise<void> {
    for (let last: unknown; last !== this.#last; ) {
      last = this.#last;
      await this.#last;
    }
  }

  /**
   * Reads bytes as the epoch sees them at its turn, and goes on with `then` in the same step.
   * @param into is touched until it settles
   */
  read<T>(
    epochWindow: EpochWindow,
    at: number,
    into: Uint8Array,
    limits: CallLimits,
    then: () => T,
  ): Promise<T> {
    return this.#inTurn(this.#fetch(epochWindow, at, into, limits), () => {
      epochWindow.stripes.forEach(at, into.length, (index, offset, start, end) => {
        const { part, region } = this.#part(epochWindow, index);
        part.written.overlay(region.at + offset, into.subarray(start, end));
      });
      return then();
    });
  }

  /** Writes when it is its turn. @param bytes are kept: nobody changes them from now on */
  put(epochWindow: EpochWindow, at: number, bytes: Uint8Array): Promise<void> {
    return this.#inTurn(undefined, () => this.write(epochWindow, at, bytes));
  }

  /** Writes now, as a part of what a `read` goes on with. */
  write(epochWindow: EpochWindow, at: number, bytes: Uint8Array): void {
    epochWindow.stripes.forEach(at, bytes.length, (index, offset, start, end) => {
      const { part, region } = this.#part(epochWindow, index);
      part.written.write(region.at + offset, bytes.subarray(start, end), region);
    });
  }

  #inTurn<T>(what: Promise<unknown> | undefined, step: () => T): Promise<T> {
    // It may fail before somebody looks at it.
    what?.catch(() => {});
    const done = this.#last.then(() => what).then(step);
    this.#last = done.catch(() => {});
    return done;
  }

  async #fetch(epochWindow: EpochWindow, at: number, into: Uint8Array, limits: CallLimits): Promise<void> {
    const reads: Promise<void>[] = [];
    epochWindow.stripes.forEach(at, into.length, (index, offset, start, end) => {
      for (let from = start; from < end; from += EPOCH_GET_BYTES_MAX) {
        const piece = into.subarray(from, Math.min(from + EPOCH_GET_BYTES_MAX, end));
        reads.push(this.#readPiece(epochWindow, index, offset + from - start, piece, limits));
      }
    });
    // All have to settle, so that nobody touches `into` any more.
    const failed = (await Promise.allSettled(reads)).find(({ status }) => status === "rejected");
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
  }

  async #readPiece(
    epochWindow: EpochWindow,
    index: number,
    offset: number,
    into: Uint8Array,
    limits: CallLimits,
  ): Promise<void> {
    const { part, region } = this.#part(epochWindow, index);
    const { bound, binding } = region;
    const regionAt = region.at + offset;
    const versions = await this.#whenFree(
      async (attempt, left) => {
        epochWindow.checkOpen();
        const reader = attempt < MAPPED_READS_MAX ? this.#origin.versionReader(bound) : undefined;
        if (reader !== undefined) return reader.getWithVersions(regionAt, into);
        const link = await this.#origin.epochLink(bound.session, bound.home.worker);
        epochWindow.checkOpen();
        return link.read(binding, offset, regionAt, into, left);
      },
      epochWindow,
      limits,
    );
    if (!this.#serializable || part.seen.saw(regionAt, versions, region)) return;
    this.#conflict ??= new DidafsError(
      "ERR_EPOCH_CONFLICT",
      `${epochWindow.path}: somebody wrote what the epoch has read, while it read on; run it again`,
      { path: epochWindow.path },
    );
    throw this.#conflict;
  }

  /**
   * Asks until no epoch is about to write there: its writes may be in place at other workers, and whoever has seen one of them
   * there would miss the others here.
   * @throws ERR_TIMEOUT, ERR_ABORTED
   */
  async #whenFree(
    read: (attempt: number, limits: CallLimits) => Promise<number[] | undefined>,
    { path }: EpochWindow,
    { timeoutMs, signal }: CallLimits,
  ): Promise<number[]> {
    const deadlineMs = this.#origin.nowMs() + timeoutMs;
    for (let attempt = 0; ; attempt += 1) {
      const leftMs = deadlineMs - this.#origin.nowMs();
      if (leftMs <= 0) {
        throw new DidafsError(
          "ERR_TIMEOUT",
          `${path}: another epoch has held what this one reads for ${timeoutMs} ms`,
          { path },
        );
      }
      const versions = await read(attempt, { timeoutMs: leftMs, signal });
      if (versions !== undefined) return versions;
      await this.#origin.sleep(Math.min(2 ** attempt / 4, READ_BACKOFF_MS_MAX, leftMs));
    }
  }

  #part({ regions }: EpochWindow, index: number): { part: RegionPart; region: EpochRegion } {
    const region = regions[index] as EpochRegion;
    let part = this.#parts.get(region.key);
    if (part === undefined) {
      part = { region, written: new WrittenBytes(), seen: new SeenLines() };
      this.#parts.set(region.key, part);
    }
    return { part, region };
  }
}
