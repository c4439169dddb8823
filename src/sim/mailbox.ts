import type { Mailbox } from "../ports/mailbox.ts";

class SimMailbox<Out, In> implements Mailbox<Out, In> {
  readonly incoming: In[] = [];
  readonly #other: () => SimMailbox<In, Out>;

  constructor(other: () => SimMailbox<In, Out>) {
    this.#other = other;
  }

  post(message: Out): void {
    // Cloned, as between threads: no party sees another's objects.
    this.#other().incoming.push(structuredClone(message));
  }

  leave(message: Out): void {
    this.post(message);
  }

  poll(): In | undefined {
    return this.incoming.shift();
  }

  close(): void {
    this.incoming.length = 0;
  }
}

/** Both ends of a mailbox inside one thread. */
export function simMailboxPair<A, B>(): [Mailbox<A, B>, Mailbox<B, A>] {
  const left: SimMailbox<A, B> = new SimMailbox<A, B>(() => right);
  const right: SimMailbox<B, A> = new SimMailbox<B, A>(() => left);
  return [left, right];
}
