import { DidafsError, isDidafsError } from "../std/errors.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import type { EpochLink } from "../transport/epoch-link.ts";
import {
  EPOCH_BYTES_MAX,
  type EpochReadEntry,
  type EpochWriteEntry,
  epochReadBytes,
  epochWriteBytes,
} from "../wire/epoch-message.ts";
import { participantKey } from "../wire/epoch-name.ts";
import type { EpochAccess } from "./api.ts";
import { BufferedAccess } from "./buffered-access.ts";
import { backoffMs } from "./epoch-backoff.ts";
import { EpochBuffer } from "./epoch-buffer.ts";
import { splitClaim } from "./epoch-claims.ts";
import { commitEpoch } from "./epoch-commit.ts";
import type { EpochLocks } from "./epoch-locks.ts";
import { type EpochTerms, isStable } from "./epoch-terms.ts";
import type { EpochRegion, EpochWindow } from "./epoch-window.ts";
import type { OpenEpoch } from "./open-epoch.ts";
import type { Origin } from "./origin.ts";

/** More would be refused by the one that decides, after all had prepared. */
const PARTICIPANTS_MAX = 64;
/** How long the error of a body waits for what it has read to be validated. */
const FAILED_BODY_MS = 2000;

/** One home worker in one session, and what the epoch does there. */
interface Place {
  readonly region: EpochRegion;
  readonly reads: EpochReadEntry[];
  readonly writes: EpochWriteEntry[];
}

/** An epoch whose writes take effect together when it closes. */
export class AtomicEpoch implements OpenEpoch {
  readonly #origin: Origin;
  readonly #terms: EpochTerms;
  readonly #locks: EpochLocks;
  readonly #buffer: EpochBuffer;
  readonly #windows = new Set<EpochWindow>();

  constructor(origin: Origin, terms: EpochTerms, locks: EpochLocks) {
    this.#origin = origin;
    this.#terms = terms;
    this.#locks = locks;
    this.#buffer = new EpochBuffer(origin, this.#serializable);
  }

  get #serializable(): boolean {
    return this.#terms.asked.isolation === "serializable";
  }

  get #waitsForAll(): boolean {
    return this.#terms.asked.consistency !== "relaxed";
  }

  access(window: EpochWindow, checkRunning: () => void): EpochAccess {
    this.#windows.add(window);
    return new BufferedAccess(this.#buffer, window, this.#terms, checkRunning);
  }

  async commit(): Promise<void> {
    try {
      await this.#buffer.settled();
      const closing = this.#close();
      for (const window of this.#windows) window.holdOpen(closing);
      await closing;
    } finally {
      await this.#locks.release();
    }
  }

  async abort(): Promise<void> {
    // Nothing of it has left this process but reads.
    await this.#buffer.settled();
    await this.#locks.release();
  }

  async findConflict(): Promise<DidafsError | undefined> {
    await this.#buffer.settled();
    if (this.#buffer.conflict !== undefined || !this.#serializable) return this.#buffer.conflict;
    try {
      const read = this.#places().filter(({ reads }) => reads.length > 0);
      const timeoutMs = Math.min(this.#terms.timeoutMs, FAILED_BODY_MS);
      await this.#commit(
        read.map((place) => ({ ...place, writes: [] })),
        timeoutMs,
      );
      return undefined;
    } catch (error) {
      // Otherwise nobody knows, and the body's own error says more.
      return isDidafsError(error, "ERR_EPOCH_CONFLICT") ? error : undefined;
    }
  }

  async #close(): Promise<void> {
    if (this.#buffer.conflict !== undefined) throw this.#buffer.conflict;
    for (const window of this.#windows) window.checkOpen();
    this.#locks.checkHeld();
    await this.#commit(this.#places(), this.#terms.timeoutMs);
  }

  async #commit(places: readonly Place[], timeoutMs: number): Promise<void> {
    if (places.length === 0) return;
    if (places.length > PARTICIPANTS_MAX) {
      throw new DidafsError(
        "ERR_TOO_MANY",
        `the epoch is on regions of ${places.length} workers of targets, and ${PARTICIPANTS_MAX} may take part`,
      );
    }
    const { signal } = this.#terms;
    const deadlineMs = this.#origin.nowMs() + timeoutMs;
    const session = places[0]?.region.bound.epochs.session ?? 0;
    const links = await Promise.all(
      places.map(({ region: { bound } }) => this.#origin.epochLink(bound.session, bound.home.worker)),
    );
    const writes = places.some((place) => place.writes.length > 0);
    if (writes) this.#willChange();
    for (let attempt = 0; ; attempt += 1) {
      const leftMs = Math.max(deadlineMs - this.#origin.nowMs(), 1);
      try {
        await this.#attempt(places, links, { timeoutMs: leftMs, signal });
        if (writes && places.length > 1 && !this.#waitsForAll) this.#willCome(places, links);
        return;
      } catch (error) {
        // Somebody holds a line, for a moment. What was read is validated only where that makes it serializable.
        const waitMs = backoffMs(attempt, session);
        const mayTryAgain = !this.#serializable && isDidafsError(error, "ERR_EPOCH_CONFLICT");
        if (!mayTryAgain || this.#origin.nowMs() + waitMs >= deadlineMs) throw error;
        await this.#origin.sleep(waitMs);
      }
    }
  }

  async #attempt(places: readonly Place[], links: readonly EpochLink[], limits: CallLimits): Promise<void> {
    // A memory drive's target may be the one whose decision is lost with its machine.
    const onFile = places.findIndex(({ region }) => region.drive !== "memory");
    const decider = Math.max(onFile, 0);
    const { bound } = (places[decider] as Place).region;
    const sequence = this.#origin.nextEpoch(bound.session);
    await commitEpoch(
      {
        name: { ...bound.epochs, sequence },
        stable: isStable(this.#terms, this.#windows),
        participants: places.map(({ region, reads, writes }, place) => ({
          self: region.bound.home,
          claim: splitClaim(reads, writes),
          tell: (payload, toTell) => (links[place] as EpochLink).tell(payload, toTell),
        })),
        decider,
        waitsForAll: this.#waitsForAll,
        nowMs: () => this.#origin.nowMs(),
      },
      limits,
    );
  }

  /** Flushes of the windows have to reach what it writes. */
  #willChange(): void {
    this.#forWritten((window, index) => window.changed(index));
  }

  /** Only who decided has certainly put it in place. */
  #willCome(places: readonly Place[], links: readonly EpochLink[]): void {
    this.#forWritten((window, index, { bound }) => {
      const place = places.findIndex(
        ({ region }) =>
          region.bound.session === bound.session && region.bound.home.worker === bound.home.worker,
      );
      window.comes(index, links[place] as EpochLink);
    });
  }

  #forWritten(each: (window: EpochWindow, index: number, region: EpochRegion) => void): void {
    for (const { region, written } of this.#buffer.parts) {
      if (written.pieces.length === 0) continue;
      for (const window of this.#windows) {
        window.regions.forEach((known, index) => {
          if (known?.key === region.key) each(window, index, region);
        });
      }
    }
  }

  /** Who takes part: where it wrote, and where it has read what is to be validated. */
  #places(): Place[] {
    const places = new Map<string, Place>();
    for (const { region, written, seen } of this.#buffer.parts) {
      const { session, home } = region.bound;
      const key = `${session}.${home.worker}`;
      const place = places.get(key) ?? { region, reads: [], writes: [] };
      for (const { at, version, through } of seen.lines) {
        place.reads.push({ handle: through.bound.handle, at: at - through.at, version });
      }
      for (const { at, bytes, through } of written.pieces) {
        place.writes.push({ handle: through.bound.handle, at: at - through.at, bytes });
      }
      if (place.reads.length + place.writes.length > 0) places.set(key, place);
    }
    for (const place of places.values()) checkSize(place);
    const homes = new Set([...places.values()].map(({ region }) => participantKey(region.bound.home)));
    if (homes.size === places.size) return [...places.values()];
    throw new DidafsError(
      "ERR_NOT_SUPPORTED",
      "windows of the epoch reach one target in two sessions, over a unix socket and over TCP; open them again",
    );
  }
}

/** @throws ERR_TOO_MANY for what its home would refuse, after all of it was sent */
function checkSize({ region, reads, writes }: Place): void {
  const written = writes.reduce((sum, { bytes }) => sum + epochWriteBytes(bytes.length), 0);
  const byteLength = written + reads.length * epochReadBytes();
  if (byteLength <= EPOCH_BYTES_MAX) return;
  const { target } = region.bound.home;
  throw new DidafsError(
    "ERR_TOO_MANY",
    `the epoch has ${byteLength} bytes for one worker of target ${target}, and ${EPOCH_BYTES_MAX} are possible; write less at a time`,
    { target },
  );
}
