import { EPOCH_ANSWER } from "../epoch/epoch-actions.ts";
import type { Clock } from "../ports/clock.ts";
import type { Handlers } from "../rpc/handlers.ts";
import { Deadlines } from "../std/deadlines.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import { errorFields, type Logger } from "../std/logger.ts";
import type { Method, Params, Result } from "../wire/control.ts";
import { type EpochName, nameKey, type Participant, participantKey } from "../wire/epoch-name.ts";
import type { WorkerLink } from "./worker-link.ts";

/** Questions to others under way. A channel takes 64 calls at a time, and heartbeats must not wait behind these. */
const RUNNING_MAX = 32;
/** Questions to others that wait for that. What finds no place is asked again by its worker. */
const WAITING_MAX = 4096;
/** Questions of others that this target's workers have not answered. */
const ASKED_MAX = 256;
/** How long a worker may take to answer. */
const ANSWER_MS = 2000;

type Outcome = Result<"meta.epochOutcome">["outcome"];

export interface EpochEnquiriesParts {
  /** The target's identity. */
  readonly id: string;
  readonly workers: readonly WorkerLink[];
  readonly clock: Clock;
  /** Calls the metadata service. */
  readonly call: <M extends Method>(method: M, params: Params<M>) => Promise<Result<M>>;
  readonly log: Logger;
}

/**
 * What workers and targets ask each other about epochs whose origin has gone: a participant in doubt its decider, and a decider
 * who has not heard of the end its participants. Within the target directly, else over the metadata service, which knows the
 * way. Whoever gets no answer asks again.
 */
export class EpochEnquiries {
  readonly #parts: EpochEnquiriesParts;
  readonly #deadlines = new Deadlines();
  /** By what they ask. */
  readonly #running = new Set<string>();
  readonly #waiting = new Map<string, () => Promise<void>>();
  #askedCount = 0;

  constructor(parts: EpochEnquiriesParts) {
    this.#parts = parts;
  }

  /** @returns waits that ended */
  doWork(nowMs: number): number {
    return this.#deadlines.doWork(nowMs);
  }

  dueMs(): number {
    return this.#deadlines.dueMs();
  }

  /** A worker is in doubt about an epoch that it knows by `key`. */
  enquire(worker: number, key: string, name: EpochName, decider: Participant): void {
    this.#enqueue(`${worker} enquires ${key}`, async () => {
      const { outcome } = this.#isHere(decider)
        ? await this.#outcomeHere({ worker: decider.worker, name })
        : await this.#parts.call("meta.epochOutcome", { decider, name });
      this.#parts.workers[worker]?.epochOutcome(key, answerOf(outcome));
    });
  }

  /** A worker has committed an epoch, and does not know whether the participant has finished it. */
  askFinish(worker: number, name: EpochName, participant: Participant): void {
    this.#enqueue(`${worker} finishes ${nameKey(name)} ${participantKey(participant)}`, async () => {
      const { outcome } = this.#isHere(participant)
        ? await this.#finishHere({ worker: participant.worker, name })
        : await this.#parts.call("meta.epochFinish", { participant, name });
      if (outcome === "committed") this.#parts.workers[worker]?.epochAcknowledged(name, participant);
    });
  }

  /** What the metadata service may ask, for other targets. */
  handlers(): Handlers {
    return {
      "epoch.outcome": (params) => this.#outcomeHere(params),
      "epoch.finish": (params) => this.#finishHere(params),
    };
  }

  #isHere({ target }: Participant): boolean {
    return target === this.#parts.id;
  }

  /** A target with epochs at a worker does not start without it: at one that it does not have nothing was committed. */
  async #outcomeHere({ worker, name }: Params<"epoch.outcome">): Promise<Result<"epoch.outcome">> {
    const link = this.#parts.workers[worker];
    return { outcome: link === undefined ? "aborted" : await this.#ask(() => link.enquireEpoch(name)) };
  }

  /** For the same reason nothing is left to be finished there. */
  async #finishHere({ worker, name }: Params<"epoch.finish">): Promise<Result<"epoch.finish">> {
    const link = this.#parts.workers[worker];
    return { outcome: link === undefined ? "committed" : await this.#ask(() => link.finishEpoch(name)) };
  }

  /** @throws ERR_TIMEOUT, ERR_TOO_MANY */
  async #ask(question: () => Promise<number>): Promise<Outcome> {
    if (this.#askedCount >= ASKED_MAX) {
      throw new DidafsError(
        "ERR_TOO_MANY",
        `${ASKED_MAX} questions about epochs wait for this target's workers`,
      );
    }
    this.#askedCount += 1;
    let answer: number | undefined;
    const heard = question().then((given) => {
      answer = given;
      this.#askedCount -= 1;
    });
    await this.#deadlines.until(heard, this.#parts.clock.nowMs() + ANSWER_MS);
    if (answer === undefined) {
      throw new DidafsError("ERR_TIMEOUT", `the worker has not answered within ${ANSWER_MS} ms`);
    }
    return outcomeOf(answer);
  }

  /** One that is asked already is not asked twice. */
  #enqueue(what: string, question: () => Promise<void>): void {
    if (this.#running.has(what) || this.#waiting.has(what) || this.#waiting.size >= WAITING_MAX) return;
    this.#waiting.set(what, question);
    this.#startWaiting();
  }

  #startWaiting(): void {
    for (const [what, question] of this.#waiting) {
      if (this.#running.size >= RUNNING_MAX) return;
      this.#waiting.delete(what);
      this.#running.add(what);
      void this.#run(what, question);
    }
  }

  async #run(what: string, question: () => Promise<void>): Promise<void> {
    try {
      await question();
    } catch (error) {
      // Whoever cannot be reached now is asked again.
      if (!isDidafsError(error)) {
        this.#parts.log.error("a question about an epoch failed by a fault", errorFields(error));
      }
    }
    this.#running.delete(what);
    this.#startWaiting();
  }
}

function answerOf(outcome: Outcome): number {
  if (outcome === "committed") return EPOCH_ANSWER.COMMITTED;
  return outcome === "aborted" ? EPOCH_ANSWER.ABORTED : EPOCH_ANSWER.UNDECIDED;
}

/** What else there is answers no question of others. */
function outcomeOf(answer: number): Outcome {
  switch (answer) {
    case EPOCH_ANSWER.COMMITTED:
      return "committed";
    case EPOCH_ANSWER.ABORTED:
      return "aborted";
    case EPOCH_ANSWER.UNDECIDED:
      return "undecided";
    default:
      throw new Error(`a worker has answered ${answer} to a question about an epoch`);
  }
}
