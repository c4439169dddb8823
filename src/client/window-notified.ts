import { DidafsError, partlyApplied } from "../std/errors.ts";
import type { RegionAccess } from "../transport/access.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import type { Announcement } from "../transport/notified-access.ts";
import { Waiter } from "../transport/waiter.ts";
import { MAX_PAYLOAD_BYTES } from "../wire/header.ts";
import { NOTIFIED_GET_BYTES_MAX } from "../wire/notifications.ts";
import type { NotificationFilter } from "./api.ts";
import { type QueueParts, WindowCounter, WindowQueue } from "./notification-queue.ts";
import type { QueueHome } from "./queue-answers.ts";
import type { Stripes } from "./stripes.ts";

const CAPACITY = 1024;
const CAPACITY_MAX = 16_384;
const TAG_MAX = 2 ** 32 - 1;
const SOURCE = /^[0-9a-f]{64}$/;

export interface WindowNotifiedParts {
  readonly path: string;
  readonly stripes: Stripes;
  /** By the region's place in the layout; undefined where the window has no byte on it. */
  readonly accesses: readonly (RegionAccess | undefined)[];
  /** Of closing queues. */
  readonly timeoutMs: number;
  /** @throws ERR_RANGE, ERR_CLOSED */
  checkRange(at: number, length: number): void;
  /** Before bytes are written. @throws ERR_RIGHTS too */
  willWrite(at: number, length: number): void;
  /** Bytes of that region are changed by what is on its way now. */
  changed(index: number): void;
  get(at: number, into: Uint8Array, limits: CallLimits): Promise<void>;
  put(at: number, from: Uint8Array, limits: CallLimits): Promise<void>;
}

/** Moves one part of an access, and notifies with it. */
type Move = (
  access: RegionAccess,
  offset: number,
  bytes: Uint8Array,
  announcement: Announcement,
  limits: CallLimits,
) => Promise<void>;

/**
 * Accesses that notify, and the queues that were opened through one window. The notification leaves with the last part of the
 * access, once all others are answered.
 */
export class WindowNotified {
  readonly #parts: WindowNotifiedParts;
  readonly #queues = new Set<WindowQueue | WindowCounter>();
  /** Of accesses whose last part is not on its way yet. */
  readonly #unissued = new Set<Promise<void>>();

  constructor(parts: WindowNotifiedParts) {
    this.#parts = parts;
  }

  async put(at: number, bytes: Uint8Array, tag: number, limits: CallLimits): Promise<void> {
    checkTag(tag);
    this.#parts.willWrite(at, bytes.byteLength);
    const before = this.#before(at, bytes.byteLength, MAX_PAYLOAD_BYTES);
    await this.#tracked(async (issued) => {
      // Without a wait where nothing is in front: it takes effect in the order of the calls then.
      const left =
        before === 0
          ? limits
          : await this.#within(limits, (call) => this.#parts.put(at, bytes.subarray(0, before), call));
      const told = (index: number): void => {
        // What was flushed since it was called has not covered it.
        this.#parts.changed(index);
        issued();
      };
      const move: Move = (access, ...rest) => access.notified.put(...rest);
      try {
        await this.#last(at, bytes, { tag, before }, move, told, left);
      } catch (error) {
        throw before > 0 ? partlyApplied(error) : error;
      }
    });
  }

  async get(at: number, bytes: Uint8Array, tag: number, limits: CallLimits): Promise<void> {
    checkTag(tag);
    this.#parts.checkRange(at, bytes.byteLength);
    const before = this.#before(at, bytes.byteLength, NOTIFIED_GET_BYTES_MAX);
    await this.#tracked(async (issued) => {
      const left =
        before === 0
          ? limits
          : await this.#within(limits, (call) => this.#parts.get(at, bytes.subarray(0, before), call));
      const move: Move = (access, ...rest) => access.notified.get(...rest);
      await this.#last(at, bytes, { tag, before }, move, issued, left);
    });
  }

  /** Those that are not on their way at once are known until they are, or have failed. */
  async #tracked(run: (issued: () => void) => Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let isIssued = false;
    const issued = (): void => {
      isIssued = true;
      this.#unissued.delete(promise);
      resolve();
    };
    const running = run(issued);
    if (!isIssued) this.#unissued.add(promise);
    try {
      await running;
    } finally {
      issued();
    }
  }

  /** True while an access that was called is not on its way. */
  get hasUnissued(): boolean {
    return this.#unissued.size > 0;
  }

  /**
   * Resolves when all that were called before are on their way, or have failed.
   * @returns what is left of the call's time @throws ERR_TIMEOUT, ERR_ABORTED
   */
  async allIssued(limits: CallLimits): Promise<CallLimits> {
    const links = this.#parts.accesses.flatMap((access) => (access === undefined ? [] : [access.link]));
    const waiter = new Waiter(links);
    void Promise.all(this.#unissued).then(() => waiter.settle());
    return this.#within(limits, async (call) => links[0]?.pump.land(waiter, call));
  }

  /** Bytes of an access in front of its last part, which is of `partMax` bytes at most and lies on one region in one run. */
  #before(at: number, length: number, partMax: number): number {
    const { stripes } = this.#parts;
    let before = 0;
    while (before < length) {
      const run = Math.min(stripes.runLength(at + before, length - before), partMax);
      if (before + run === length) break;
      before += run;
    }
    return before;
  }

  /** Does a part of a call. @returns what is left of its time */
  async #within(limits: CallLimits, body: (limits: CallLimits) => Promise<void>): Promise<CallLimits> {
    const endMs = this.#nowMs() + limits.timeoutMs;
    await body(limits);
    return { ...limits, timeoutMs: Math.max(1, endMs - this.#nowMs()) };
  }

  #nowMs(): number {
    const access = this.#parts.accesses.find((known) => known !== undefined) as RegionAccess;
    return access.link.clock.nowMs();
  }

  async #last(
    at: number,
    bytes: Uint8Array,
    { tag, before }: { readonly tag: number; readonly before: number },
    move: Move,
    issued: (index: number) => void,
    limits: CallLimits,
  ): Promise<void> {
    const { stripes, accesses } = this.#parts;
    const place = at + before;
    // A sign at the window's end is given where its last byte is.
    const byte = Math.min(place, Math.max(stripes.length - 1, 0));
    const index = stripes.indexOf(byte);
    const access = accesses[index];
    if (access === undefined) throw this.#noHome();
    const offset = stripes.offsetOf(byte) + (place - byte);
    const announcement = { tag, before, issued: () => issued(index) };
    await move(access, offset, bytes.subarray(before), announcement, limits);
  }

  async openQueue(options: NotificationFilter & { capacity?: number | undefined }, limits: CallLimits) {
    const { capacity = CAPACITY } = options;
    if (!(Number.isInteger(capacity) && capacity >= 1 && capacity <= CAPACITY_MAX)) {
      throw invalid(`capacity is a number of notifications from 1 to ${CAPACITY_MAX}, not ${capacity}`);
    }
    return this.#keep((parts) => new WindowQueue(parts), await this.#open(options, capacity, limits));
  }

  async openCounter(options: NotificationFilter, limits: CallLimits) {
    return this.#keep((parts) => new WindowCounter(parts), await this.#open(options, undefined, limits));
  }

  #keep<Q extends WindowQueue | WindowCounter>(make: (parts: QueueParts) => Q, parts: QueueParts): Q {
    const release = async (): Promise<void> => {
      this.#queues.delete(queue);
      await parts.release();
    };
    const queue = make({ ...parts, release });
    this.#queues.add(queue);
    return queue;
  }

  /** At all homes, or at none. */
  async #open(
    { tag, source }: NotificationFilter,
    capacity: number | undefined,
    limits: CallLimits,
  ): Promise<QueueParts> {
    if (tag !== undefined) checkTag(tag);
    if (source !== undefined && !SOURCE.test(source))
      throw invalid(`source is the \`origin\` of a Cluster, 64 hexadecimal digits, not ${source}`);
    const { path, stripes, accesses, timeoutMs } = this.#parts;
    this.#parts.checkRange(0, 0);
    const homes: QueueHome[] = stripes.bindings.map(({ index }) => {
      const access = accesses[index] as RegionAccess;
      const { connection } = access.link;
      connection.queueCount += 1;
      return { index, access, number: connection.queueCount };
    });
    if (homes.length === 0) throw this.#noHome();
    const closeAll = async (): Promise<void> => {
      const quiet: CallLimits = { timeoutMs, signal: undefined };
      await Promise.allSettled(homes.map(({ access, number }) => access.notified.closeQueue(number, quiet)));
    };
    const opened = await Promise.allSettled(
      homes.map(({ index, access, number }) => {
        const { byteLength } = stripes.bindings.find((known) => known.index === index) as {
          byteLength: number;
        };
        return access.notified.openQueue(
          { at: 0, length: byteLength, number, capacity, tag, source },
          limits,
        );
      }),
    );
    const failed = opened.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) {
      await closeAll();
      throw failed.reason;
    }
    return { path, homes, stripes, timeoutMs, release: closeAll };
  }

  #noHome(): DidafsError {
    const message = "a window without a byte has no home, so nobody can be notified there";
    return new DidafsError("ERR_RANGE", message, { path: this.#parts.path });
  }

  /** Closes all queues; whoever waits for one is told so. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#queues].map((queue) => queue.close()));
  }
}

function checkTag(tag: number): void {
  if (Number.isInteger(tag) && tag >= 0 && tag <= TAG_MAX) return;
  throw invalid(`tag is a whole number from 0 to ${TAG_MAX}, not ${tag}`);
}

function invalid(message: string): DidafsError {
  return new DidafsError("ERR_INVALID_ARGUMENT", message);
}
