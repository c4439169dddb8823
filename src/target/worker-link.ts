import type { Mailbox } from "../ports/mailbox.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/** What a worker tells without having been asked. */
export interface WorkerEvents {
  sessionViolated(session: number, reason: string): void;
  regionFailed(inode: number, index: number, errno: number): void;
}

/** The control thread's side of one data-plane worker: orders, and promises of what the worker says to them. */
export class WorkerLink {
  readonly #mailbox: Mailbox<ToWorker, FromWorker>;
  readonly #events: WorkerEvents;
  /** What settles an order, by what its answer will say. */
  readonly #pending = new Map<string, (status: number) => void>();

  constructor(mailbox: Mailbox<ToWorker, FromWorker>, events: WorkerEvents) {
    this.#mailbox = mailbox;
    this.#events = events;
  }

  /** Orders that the worker has not answered. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** @returns answers and events taken */
  doWork(): number {
    let work = 0;
    for (let message = this.#mailbox.poll(); message !== undefined; message = this.#mailbox.poll()) {
      this.#take(message);
      work += 1;
    }
    return work;
  }

  openSession(session: number, token: Uint8Array): void {
    this.#mailbox.post({ type: "session-open", session, token });
  }

  async closeSession(session: number): Promise<void> {
    await this.#order({ type: "session-close", session }, `session-closed ${session}`);
  }

  /** @returns 0, or the status that says why the worker could not map the region */
  bind(order: Omit<ToWorker & { type: "bind" }, "type">): Promise<number> {
    return this.#order({ type: "bind", ...order }, `bound ${order.session} ${order.handle}`);
  }

  async unbind(session: number, handle: number, revoked = false): Promise<void> {
    await this.#order({ type: "unbind", session, handle, revoked }, `unbound ${session} ${handle}`);
  }

  /** @returns 0, or the status that says why the worker could not map more of the region */
  resize(order: Omit<ToWorker & { type: "resize" }, "type">): Promise<number> {
    return this.#order({ type: "resize", ...order }, `resized ${order.inode} ${order.index}`);
  }

  fail(inode: number, index: number): void {
    this.#mailbox.post({ type: "fail", inode, index });
  }

  /** Resolves when the worker has no mapping of the region any more. */
  async unmap(inode: number, index: number): Promise<void> {
    await this.#order({ type: "unmap", inode, index }, `unmapped ${inode} ${index}`);
  }

  async stop(): Promise<void> {
    await this.#order({ type: "stop" }, "stopped");
  }

  #order(order: ToWorker, answer: string): Promise<number> {
    return new Promise((resolve) => {
      this.#pending.set(answer, resolve);
      this.#mailbox.post(order);
    });
  }

  #take(message: FromWorker): void {
    if (message.type === "session-violated") {
      this.#events.sessionViolated(message.session, message.reason);
    } else if (message.type === "region-failed") {
      this.#events.regionFailed(message.inode, message.index, message.errno);
    } else {
      const answer = answerKey(message);
      this.#pending.get(answer)?.("status" in message ? message.status : 0);
      this.#pending.delete(answer);
    }
  }
}

type Reply = Exclude<FromWorker, { type: "session-violated" | "region-failed" }>;

function answerKey(reply: Reply): string {
  switch (reply.type) {
    case "session-closed":
      return `session-closed ${reply.session}`;
    case "bound":
    case "unbound":
      return `${reply.type} ${reply.session} ${reply.handle}`;
    case "resized":
    case "unmapped":
      return `${reply.type} ${reply.inode} ${reply.index}`;
    case "stopped":
      return "stopped";
  }
}
