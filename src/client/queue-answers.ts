import { DidafsError } from "../std/errors.ts";
import type { RegionAccess } from "../transport/access.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import type { NoticeReader } from "../transport/notice-reader.ts";
import type { RemoteLink } from "../transport/remote-link.ts";
import { Waiter } from "../transport/waiter.ts";

/** A home is asked anew after so long: until then it may answer though nobody waits here any more. */
const ASK_MS = 60_000;

/** A queue at one of the window's homes. */
export interface QueueHome {
  /** The region's place in the layout. */
  readonly index: number;
  readonly access: RegionAccess;
  /** The queue's, on the connection to that home. */
  readonly number: number;
  /** Where it is on the region's board: then the home is asked for what it has told itself, or to wait. */
  readonly reader: NoticeReader | undefined;
}

/** What a home has told. */
export interface QueueAnswer {
  readonly count: number;
  readonly notices: Uint8Array<ArrayBuffer>;
}

/**
 * Asks the homes of one queue for what comes, when somebody wants to know, and takes every answer, whoever has given up waiting
 * meanwhile: what a home has told it tells nobody again.
 */
export class QueueAnswers {
  readonly #homes: readonly QueueHome[];
  readonly #take: (home: QueueHome, answer: QueueAnswer) => void;
  readonly #links: readonly RemoteLink[];
  readonly #asked = new Set<QueueHome>();
  readonly #waiters = new Set<Waiter>();
  readonly #ended: () => void;
  #failure: DidafsError | undefined;
  /** What kept a home from letting somebody wait, for now. */
  #refusal: DidafsError | undefined;

  /** @param take throws what is wrong with an answer @param ended is called once, when nothing comes any more */
  constructor(
    homes: readonly QueueHome[],
    take: (home: QueueHome, answer: QueueAnswer) => void,
    ended: () => void,
  ) {
    this.#homes = homes;
    this.#take = take;
    this.#ended = ended;
    this.#links = [...new Set(homes.map(({ access }) => access.link))];
  }

  /** Resolves once a home has answered, maybe with nothing. @throws what ended the queue; ERR_TIMEOUT, ERR_ABORTED, ERR_TOO_MANY */
  async come(limits: CallLimits): Promise<void> {
    this.#refusal = undefined;
    this.ask(limits.timeoutMs);
    const waiter = new Waiter(this.#links);
    this.#waiters.add(waiter);
    try {
      await this.#homes[0]?.access.link.pump.land(waiter, limits);
    } finally {
      this.#waiters.delete(waiter);
    }
    const refusal = this.#failure ?? this.#refusal;
    if (refusal !== undefined) throw refusal;
  }

  /** Asks those that are not asked already. @throws what ended the queue */
  ask(waitMs: number): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const home of this.#homes) if (!this.#asked.has(home)) void this.#askOne(home, waitMs);
  }

  /** The same for who does not wait: a home where he reads himself is asked only for what it has told. */
  askForTold(): void {
    for (const home of this.#homes) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#asked.has(home)) continue;
      if (home.reader === undefined || home.reader.awaitsWorker) void this.#askOne(home, ASK_MS);
      else this.#checkOpen(home);
    }
  }

  /** @throws what ended the queue */
  #checkOpen({ access }: QueueHome): void {
    try {
      access.notified.checkOpen();
    } catch (error) {
      if (error instanceof DidafsError) this.#fail(error);
      throw error;
    }
  }

  async #askOne(home: QueueHome, waitMs: number): Promise<void> {
    this.#asked.add(home);
    const told = home.reader?.toldCount ?? 0;
    try {
      const answer = await home.access.notified.next(home.number, Math.min(waitMs, ASK_MS));
      if (answer.count === 0) home.reader?.hasBrought(told);
      if (this.#failure === undefined) this.#take(home, answer);
    } catch (error) {
      if (!(error instanceof DidafsError)) throw error;
      // The queue is there still, and those who come may be let in.
      if (error.code === "ERR_TOO_MANY") this.#refusal = error;
      else this.#fail(error);
    } finally {
      this.#asked.delete(home);
      this.#wakeAll();
    }
  }

  /** Whoever waits is told so, and whoever comes. */
  end(failure: DidafsError): void {
    this.#fail(failure);
    this.#wakeAll();
  }

  #fail(failure: DidafsError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#ended();
  }

  #wakeAll(): void {
    for (const waiter of this.#waiters) waiter.settle();
  }
}
