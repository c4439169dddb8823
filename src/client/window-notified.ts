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

const PUT: Move = (access, offset, bytes, announcement, limits) =>
  access.notified.put(offset, bytes, announcement, limits);
const GET: Move = (access, offset, bytes, announcement, limits) =>
  access.notified.get(offset, bytes, announcement, limits);

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

  /** Without a wait where nothing is in front: it takes effect in the order of the calls then. */
  put(at: number, bytes: Uint8Array, tag: number, limits: CallLimits): Promise<void> {
    checkTag(tag);
    this.#parts.willWrite(at, bytes.byteLength);
    const before = this.#before(at, bytes.byteLength, MAX_PAYLOAD_BYTES);
    return this.#tracked((issued) => {
      const told = (index: number): void => {
        // What was flushed since it was called has not covered it.
        this.#parts.changed(index);
        issued();
      };
      if (before === 0) return this.#last(at, bytes, { tag, before }, PUT, told, limits);
      return this.#putInParts(at, bytes, { tag, before }, told, limits);
    });
  }

  async #putInParts(
    at: number,
    bytes: Uint8Array,
    notice: { readonly tag: number; readonly before: number },
    told: (index: number) => void,
    limits: CallLimits,
  ): Promise<void> {
    const front = bytes.subarray(0, notice.before);
    const left = await this.#within(limits, (call) => this.#parts.put(at, front, call));
    try {
      await this.#last(at, bytes, notice, PUT, told, left);
    } catch (error) {
      throw partlyApplied(error);
    }
  }

  get(at: number, bytes: Uint8Array, tag: number, limits: CallLimits): Promise<void> {
    checkTag(tag);
    this.#parts.checkRange(at, bytes.byteLength);
    const before = this.#before(at, bytes.byteLength, NOTIFIED_GET_BYTES_MAX);
    return this.#tracked(async (issued) => {
      const left =
        before === 0
          ? limits
          : await this.#within(limits, (call) => this.#parts.get(at, bytes.subarray(0, before), call));
      await this.#last(at, bytes, { tag, before }, GET, issued, left);
    });
  }

  /** Those that are not on their way at once are known until they are, or have failed. */
  #tracked(run: (issued: () => void) => Promise<void>): Promise<void> {
    let isIssued = false;
    let onIssued: (() => void) | undefined;
    const issued = (): void => {
      isIssued = true;
      onIssued?.();
    };
    const running = run(issued);
    if (isIssued) return running;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#unissued.add(promise);
    onIssued = () => {
      this.#unissued.delete(promise);
      resolve();
    };
    return running.finally(issued);
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

  #last(
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
    return move(access, offset, before === 0 ? bytes : bytes.subarray(before), announcement, limits);
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
    const asked = stripes.bindings.map(({ index, byteLength }) => {
      const access = accesses[index] as RegionAccess;
      const { connection } = access.link;
      connection.queueCount += 1;
      const request = { at: 0, length: byteLength, number: connection.queueCount, capacity, tag, source };
      return { index, access, request };
    });
    if (asked.length === 0) throw this.#noHome();
    const closeAll = async (): Promise<void> => {
      const quiet: CallLimits = { timeoutMs, signal: undefined };
      await Promise.allSettled(
        asked.map(({ access, request }) => access.notified.closeQueue(request.number, quiet)),
      );
    };
    const opened = await Promise.allSettled(
      asked.map(async ({ index, access, request }): Promise<QueueHome> => {
        const reader = await access.notified.openQueue(request, limits);
        return { index, access, number: request.number, reader };
      }),
    );
    const failed = opened.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) {
      await closeAll();
      throw failed.reason;
    }
    const homes = opened.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
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
