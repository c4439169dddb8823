import type { Mailbox } from "../ports/mailbox.ts";
import type { Waker } from "../ports/poller.ts";

/** One end of a mailbox inside one thread. */
export class SimMailbox<Out, In> implements Mailbox<Out, In> {
  readonly #incoming: In[] = [];
  readonly #other: () => SimMailbox<In, Out>;
  readonly #wakeOther: Waker | undefined;

  constructor(other: () => SimMailbox<In, Out>, wakeOther?: Waker) {
    this.#other = other;
    this.#wakeOther = wakeOther;
  }

  /** Messages that wait here. */
  get waitingCount(): number {
    return this.#incoming.length;
  }

  post(message: Out): void {
    this.leave(message);
    this.#wakeOther?.wake();
  }

  leave(message: Out): void {
    // Cloned, as between threads: no party sees another's objects.
    this.#other().#incoming.push(structuredClone(message));
  }

  poll(): In | undefined {
    return this.#incoming.shift();
  }

  close(): void {
    this.#incoming.length = 0;
  }
}

/**
 * Both ends of a mailbox inside one thread.
 * @param wakeFirst wakes the first one's owner, and so on
 */
export function simMailboxPair<A, B>(
  wakeFirst?: Waker,
  wakeSecond?: Waker,
): [SimMailbox<A, B>, SimMailbox<B, A>] {
  const left: SimMailbox<A, B> = new SimMailbox<A, B>(() => right, wakeSecond);
  const right: SimMailbox<B, A> = new SimMailbox<B, A>(() => left, wakeFirst);
  return [left, right];
}
