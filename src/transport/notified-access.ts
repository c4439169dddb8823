import type { DidafsError } from "../std/errors.ts";
import { OPCODE } from "../wire/header.ts";
import { encodeQueue, NOTICE_BYTES, NOTICES_MAX, type QueueRequest } from "../wire/notifications.ts";
import type { CallLimits } from "./call-limits.ts";
import type { RemoteLink } from "./remote-link.ts";
import { INLINE_BYTES, RemoteBinding, Transfer } from "./transfer.ts";

/** Nothing else ends a wait for the next notification: whatever comes must not be lost. */
const UNLIMITED: CallLimits = { timeoutMs: Number.POSITIVE_INFINITY, signal: undefined };
const TWO_32 = 2 ** 32;

/** The notification that an access comes with. */
export interface Announcement {
  /** A u32. */
  readonly tag: number;
  /** Bytes of the access that earlier calls have moved. */
  readonly before: number;
  /** Is told when the command is on its way: from then on it takes effect in its order. */
  issued(): void;
}

/** What NotifiedAccess needs of the binding that it belongs to. */
export interface NotifiedBinding {
  readonly link: RemoteLink;
  readonly binding: RemoteBinding;
  /** @throws ERR_CLOSED, ERR_SESSION_LOST */
  checkOpen(): void;
  failureOf(transfer: Transfer): DidafsError | undefined;
}

/**
 * Accesses of one binding that notify, and queues that are opened through it. All of it goes to the region's home, mapped or
 * not. `at` is relative to the binding; callers have checked range and rights.
 */
export class NotifiedAccess {
  readonly #of: NotifiedBinding;
  /** Of what concerns queues: it is no access that is under way. */
  readonly #queues: RemoteBinding;

  constructor(of: NotifiedBinding) {
    this.#of = of;
    this.#queues = new RemoteBinding(of.binding.handle);
  }

  /** @param from MAX_PAYLOAD_BYTES at most */
  put(at: number, from: Uint8Array, announcement: Announcement, limits: CallLimits): Promise<void> {
    return this.#notify(OPCODE.PUT_NOTIFY, at, from, announcement, limits);
  }

  /** @param into NOTIFIED_GET_BYTES_MAX at most */
  get(at: number, into: Uint8Array, announcement: Announcement, limits: CallLimits): Promise<void> {
    return this.#notify(OPCODE.GET_NOTIFY, at, into, announcement, limits);
  }

  /** Where there is room it is on its way at once, so that what is issued behind it stays behind it. */
  async #notify(
    opcode: number,
    at: number,
    bytes: Uint8Array,
    { tag, before, issued }: Announcement,
    limits: CallLimits,
  ): Promise<void> {
    const { link } = this.#of;
    const { notifying, clock } = link;
    let left = limits;
    if (!notifying.tryEnter()) {
      const endMs = clock.nowMs() + limits.timeoutMs;
      await notifying.enter(link, limits);
      left = { ...limits, timeoutMs: Math.max(1, endMs - clock.nowMs()) };
    }
    const transfer = new Transfer().reset(opcode, 0, at, bytes.byteLength).lend(bytes, 0);
    try {
      this.#of.checkOpen();
      if (bytes.byteLength > INLINE_BYTES) transfer.address = link.memory.addressOf(bytes);
      transfer.notification = tag;
      transfer.compareLow = before | 0;
      transfer.compareHigh = (before / TWO_32) | 0;
      const running = this.#run(transfer, this.#of.binding, left);
      issued();
      await running;
    } finally {
      // One that was given up waits still, and needs its place on the connection.
      if (transfer.abandoned && !transfer.settled) transfer.onSettled = () => notifying.leave();
      else notifying.leave();
    }
  }

  /** Opens a queue on a range of the binding. @throws ERR_TOO_MANY */
  async openQueue(request: QueueRequest, limits: CallLimits): Promise<void> {
    this.#of.checkOpen();
    const payload = encodeQueue(request);
    const transfer = new Transfer().reset(OPCODE.QUEUE_OPEN, 0, 0, payload.length).lend(payload, 0);
    transfer.address = this.#of.link.memory.addressOf(payload);
    await this.#run(transfer, this.#queues, limits);
  }

  /** @param number of the queue, as it was opened */
  async closeQueue(number: number, limits: CallLimits): Promise<void> {
    // It ends with the session.
    if (this.#of.link.session.isLost) return;
    const transfer = new Transfer().reset(OPCODE.QUEUE_CLOSE, 0, 0, 0);
    transfer.operandLow = number | 0;
    await this.#run(transfer, this.#queues, limits);
  }

  /**
   * Waits at the home for what comes next, `waitMs` at most.
   * @returns notices (wire/notifications.ts) of a list, and how many there were; of both kinds 0 where nothing came
   */
  async next(
    number: number,
    waitMs: number,
  ): Promise<{ readonly count: number; readonly notices: Uint8Array<ArrayBuffer> }> {
    this.#of.checkOpen();
    const notices = new Uint8Array(NOTICES_MAX * NOTICE_BYTES);
    const transfer = new Transfer().reset(OPCODE.NOTIFY_NEXT, 0, 0, notices.length).lend(notices, 0);
    transfer.address = this.#of.link.memory.addressOf(notices);
    transfer.operandLow = number | 0;
    transfer.compareLow = Math.max(0, Math.min(Math.ceil(waitMs), 2 ** 31));
    await this.#run(transfer, this.#queues, UNLIMITED);
    const count = (transfer.valueLow >>> 0) + (transfer.valueHigh >>> 0) * TWO_32;
    return { count, notices: notices.subarray(0, transfer.answerBytes) };
  }

  #run(transfer: Transfer, binding: RemoteBinding, limits: CallLimits): Promise<void> {
    const { connection, pump } = this.#of.link;
    transfer.binding = binding;
    return pump.run(connection, transfer, limits, (settled) => this.#of.failureOf(settled));
  }
}
