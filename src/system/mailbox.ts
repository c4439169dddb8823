import { MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { Mailbox } from "../ports/mailbox.ts";
import type { Waker } from "../ports/poller.ts";

/**
 * A mailbox is a MessagePort with a doorbell. Messages travel by the port, which clones them and keeps their order.
 * The doorbell counts them in shared memory, so that looking into an empty mailbox is one load and no call.
 *
 *     doorbells  | i32 messages for side 0 | pad to a cache line | i32 messages for side 1 | pad |
 *
 * A side rings the other's bell after it has posted. So a bell may ring late, which a later poll makes good, and never
 * early, which could leave a message lying.
 */
const LINE_WORDS = 16;

/** One end, before it is opened. Goes to another thread as `postMessage(end, [end.port])` or in `workerData`. */
export interface MailboxEnd {
  readonly port: MessagePort;
  readonly doorbells: SharedArrayBuffer;
  readonly side: 0 | 1;
}

/** Two ends that belong together; each is opened once, on the thread that uses it. */
export function createMailboxPair(): [MailboxEnd, MailboxEnd] {
  const { port1, port2 } = new MessageChannel();
  const doorbells = new SharedArrayBuffer(2 * LINE_WORDS * Int32Array.BYTES_PER_ELEMENT);
  return [
    { port: port1, doorbells, side: 0 },
    { port: port2, doorbells, side: 1 },
  ];
}

/** A mailbox that a thread with an event loop may also listen to; `poll` works beside it. */
export interface SystemMailbox<Out, In> extends Mailbox<Out, In> {
  /** Calls `handler` for each message from the event loop, and keeps the loop alive until `unref` or `close`. */
  listen(handler: (message: In) => void): void;
  ref(): void;
  unref(): void;
}

class PortMailbox<Out, In> implements SystemMailbox<Out, In> {
  readonly #port: MessagePort;
  readonly #doorbells: Int32Array<SharedArrayBuffer>;
  readonly #mine: number;
  readonly #theirs: number;
  readonly #wakeOther: Waker | undefined;
  #taken = 0;

  constructor(end: MailboxEnd, wakeOther: Waker | undefined) {
    this.#port = end.port;
    this.#doorbells = new Int32Array(end.doorbells);
    this.#mine = end.side * LINE_WORDS;
    this.#theirs = (1 - end.side) * LINE_WORDS;
    this.#wakeOther = wakeOther;
  }

  post(message: Out): void {
    this.leave(message);
    this.#wakeOther?.wake();
  }

  leave(message: Out): void {
    this.#port.postMessage(message);
    Atomics.add(this.#doorbells, this.#theirs, 1);
  }

  poll(): In | undefined {
    if (Atomics.load(this.#doorbells, this.#mine) === this.#taken) return undefined;
    const received = receiveMessageOnPort(this.#port) as { message: In } | undefined;
    if (received === undefined) return undefined;
    this.#taken = (this.#taken + 1) | 0;
    return received.message;
  }

  listen(handler: (message: In) => void): void {
    this.#port.on("message", (message: In) => {
      this.#taken = (this.#taken + 1) | 0;
      handler(message);
    });
  }

  ref(): void {
    this.#port.ref();
  }

  unref(): void {
    this.#port.unref();
  }

  close(): void {
    this.#port.close();
  }
}

/**
 * Opens an end on the thread that uses it.
 * @param wakeOther wakes the other side's poller; left out where the other side listens, for the port wakes its loop
 */
export function openMailbox<Out, In>(end: MailboxEnd, wakeOther?: Waker): SystemMailbox<Out, In> {
  return new PortMailbox(end, wakeOther);
}
