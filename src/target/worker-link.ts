import type { Mailbox } from "../ports/mailbox.ts";
import type { EpochName, Participant } from "../wire/epoch-name.ts";
import type { EpochLogGrant, FromWorker, LockDescription, LongWait, ToWorker } from "./messages.ts";

/** What a worker tells of its epochs without having been asked. */
export interface EpochEvents {
  epochLogWanted(): void;
  epochLogFailed(errno: number): void;
  epochEnquire(key: string, name: EpochName, decider: Participant): void;
  epochAskFinish(name: EpochName, participant: Participant): void;
}

/** What a worker tells without having been asked. */
export interface WorkerEvents extends EpochEvents {
  sessionViolated(session: number, reason: string): void;
  regionFailed(inode: number, index: number, errno: number): void;
  lockSuspected(): void;
  lockDeadlock(session: number, cycle: readonly LockDescription[]): void;
}

/** The control thread's side of one data-plane worker: orders, and promises of what the worker says to them. */
export class WorkerLink {
  readonly #mailbox: Mailbox<ToWorker, FromWorker>;
  readonly #events: WorkerEvents;
  /** What settles an order, by what its answer will say. */
  readonly #pending = new Map<string, (status: number) => void>();

  /** Who has asked for the long waits, in the order of asking. */
  readonly #waits: ((waits: readonly LongWait[]) => void)[] = [];
  /** Tells apart what the worker is asked about epochs. */
  #nextQuestion = 0;

  constructor(mailbox: Mailbox<ToWorker, FromWorker>, events: WorkerEvents) {
    this.#mailbox = mailbox;
    this.#events = events;
  }

  /** Orders that the worker has not answered. */
  get pendingCount(): number {
    return this.#pending.size + this.#waits.length;
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

  openSession(order: Omit<ToWorker & { type: "session-open" }, "type">): void {
    this.#mailbox.post({ type: "session-open", ...order });
  }

  /** @returns how many locks it holds still */
  closeSession(session: number): Promise<number> {
    return this.#order({ type: "session-close", session }, `session-closed ${session}`);
  }

  holdLocks(untilMs: number): void {
    this.#mailbox.post({ type: "locks-hold", untilMs });
  }

  forgetLocks(session: number, kept: readonly string[]): void {
    this.#mailbox.post({ type: "locks-forget", session, kept });
  }

  /** @returns 0, or the status that says why the worker could not map the region */
  bind(order: Omit<ToWorker & { type: "bind" }, "type">): Promise<number> {
    return this.#order({ type: "bind", ...order }, `bound ${order.session} ${order.handle}`);
  }

  /** @param revoked the origin did not ask for it, and what it has locked stays until it knows */
  async unbind(session: number, handle: number, revoked = false): Promise<void> {
    await this.#order({ type: "unbind", session, handle, revoked }, `unbound ${session} ${handle}`);
  }

  /** @returns 0, or the status that says why the worker could not map more of the region */
  resize(order: Omit<ToWorker & { type: "resize" }, "type">): Promise<number> {
    return this.#order({ type: "resize", ...order }, `resized ${order.inode} ${order.index}`);
  }

  /** @returns 0, or the status that says why the worker does not count there */
  shareLines(order: Omit<ToWorker & { type: "lines-share" }, "type">): Promise<number> {
    return this.#order({ type: "lines-share", ...order }, `lines-shared ${order.inode} ${order.index}`);
  }

  /** @returns 0, or the status that says why the worker has no board there */
  shareBoard(order: Omit<ToWorker & { type: "board-share" }, "type">): Promise<number> {
    return this.#order({ type: "board-share", ...order }, `board-shared ${order.inode} ${order.index}`);
  }

  /** One at a time for each region. @returns 0, or the status that says why nobody can have the lane now */
  giveLane(order: Omit<ToWorker & { type: "board-lane" }, "type">): Promise<number> {
    return this.#order({ type: "board-lane", ...order }, `board-lane-given ${order.inode} ${order.index}`);
  }

  leaveLane(order: Omit<ToWorker & { type: "board-left" }, "type">): void {
    this.#mailbox.post({ type: "board-left", ...order });
  }

  fail(inode: number, index: number): void {
    this.#mailbox.post({ type: "fail", inode, index });
  }

  /** Resolves when the worker has no mapping of the region any more. */
  async unmap(inode: number, index: number): Promise<void> {
    await this.#order({ type: "unmap", inode, index }, `unmapped ${inode} ${index}`);
  }

  lockWaits(): Promise<readonly LongWait[]> {
    return new Promise((resolve) => {
      this.#waits.push(resolve);
      this.#mailbox.post({ type: "lock-waits" });
    });
  }

  abortLock(session: number, id: number, cycle: readonly LockDescription[]): void {
    this.#mailbox.post({ type: "lock-abort", session, id, cycle });
  }

  epochSelf(order: Omit<ToWorker & { type: "epoch-self" }, "type">): void {
    this.#mailbox.post({ type: "epoch-self", ...order });
  }

  /** @param status 0, or why there is no log */
  epochLog(log: EpochLogGrant | undefined, status: number): void {
    this.#mailbox.post({ type: "epoch-log", log, status });
  }

  /** @param answer one of EPOCH_ANSWER, of the decider */
  epochOutcome(key: string, answer: number): void {
    this.#mailbox.post({ type: "epoch-outcome", key, answer });
  }

  epochAcknowledged(name: EpochName, participant: Participant): void {
    this.#mailbox.post({ type: "epoch-acknowledged", name, participant });
  }

  /** @returns one of EPOCH_ANSWER, of this worker as the decider */
  enquireEpoch(name: EpochName): Promise<number> {
    const id = this.#newQuestion();
    return this.#order({ type: "epoch-enquiry", id, name }, `epoch-enquired ${id}`);
  }

  /** @returns one of EPOCH_ANSWER: COMMITTED once the epoch is finished here */
  finishEpoch(name: EpochName): Promise<number> {
    const id = this.#newQuestion();
    return this.#order({ type: "epoch-finish", id, name }, `epoch-finished ${id}`);
  }

  #newQuestion(): number {
    const id = this.#nextQuestion;
    this.#nextQuestion = (id + 1) >>> 0;
    return id;
  }

  regionRemoved(inode: number, index: number): void {
    this.#mailbox.post({ type: "region-removed", inode, index });
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
    switch (message.type) {
      case "session-violated":
        this.#events.sessionViolated(message.session, message.reason);
        return;
      case "region-failed":
        this.#events.regionFailed(message.inode, message.index, message.errno);
        return;
      case "lock-suspected":
        this.#events.lockSuspected();
        return;
      case "lock-deadlock":
        this.#events.lockDeadlock(message.session, message.cycle);
        return;
      case "lock-waits":
        this.#waits.shift()?.(message.waits);
        return;
      case "epoch-log-wanted":
        this.#events.epochLogWanted();
        return;
      case "epoch-log-failed":
        this.#events.epochLogFailed(message.errno);
        return;
      case "epoch-enquire":
        this.#events.epochEnquire(message.key, message.name, message.decider);
        return;
      case "epoch-ask-finish":
        this.#events.epochAskFinish(message.name, message.participant);
        return;
      default:
        this.#settle(message);
    }
  }

  #settle(reply: Reply): void {
    const answer = answerKey(reply);
    this.#pending.get(answer)?.(resultOf(reply));
    this.#pending.delete(answer);
  }
}

type Told =
  | "session-violated"
  | "region-failed"
  | "lock-suspected"
  | "lock-deadlock"
  | "lock-waits"
  | "epoch-log-wanted"
  | "epoch-log-failed"
  | "epoch-enquire"
  | "epoch-ask-finish";
type Reply = Exclude<FromWorker, { type: Told }>;

function resultOf(reply: Reply): number {
  if ("status" in reply) return reply.status;
  if ("answer" in reply) return reply.answer;
  return "locks" in reply ? reply.locks : 0;
}

function answerKey(reply: Reply): string {
  switch (reply.type) {
    case "session-closed":
      return `session-closed ${reply.session}`;
    case "bound":
    case "unbound":
      return `${reply.type} ${reply.session} ${reply.handle}`;
    case "resized":
    case "lines-shared":
    case "board-shared":
    case "board-lane-given":
    case "unmapped":
      return `${reply.type} ${reply.inode} ${reply.index}`;
    case "epoch-enquired":
    case "epoch-finished":
      return `${reply.type} ${reply.id}`;
    case "stopped":
      return reply.type;
  }
}
