import { EPOCH_MESSAGE } from "../wire/epoch-message.ts";
import { EPOCH_ANSWER } from "./epoch-actions.ts";

/** One message that the origin is to send; it answers to `answered` or `failed` with its kind. */
export interface CommitStep {
  /** EPOCH_MESSAGE. */
  readonly kind: number;
  /** The place of the participant among those given. */
  readonly to: number;
  /** Of ACKNOWLEDGE: who has finished. */
  readonly finished?: readonly number[];
}

/**
 * `unknown`: the decider was asked for the decision, and its answer is lost. What has become of the epoch is the same
 * everywhere, only nobody here knows it.
 */
export type CommitOutcome = "committed" | "aborted" | "unknown";

/**
 * The origin's part of one commit: prepare everywhere, decide at the decider, finish everywhere; one message where there is
 * but one participant, or where it writes nothing. A pure state machine: its methods are the events, each puts into `steps` what is to be sent, which its
 * caller takes from there. A message counts as sent when it was put there, and messages to one participant arrive in order.
 * @see docs/design/0007-epochs.md
 */
export class CommitCoordinator {
  readonly steps: CommitStep[] = [];
  /** undefined until it is known, or known that it will not be. It never changes. */
  outcome: CommitOutcome | undefined;
  /** What somebody answered that kept it from being committed (EPOCH_ANSWER). */
  refusal: number | undefined;
  /** What failed, where that is why. */
  error: unknown;
  readonly #count: number;
  readonly #decider: number;
  readonly #onlyReads: boolean;
  /** Who has said that it may be committed. */
  readonly #prepared = new Set<number>();
  /** Who certainly holds nothing for it. */
  readonly #free = new Set<number>();
  readonly #finished: number[] = [];
  /** Those that were told to finish and have not answered. */
  #finishing = 0;

  /**
   * @param decider the place of the participant that decides
   * @param onlyReads it writes nothing, anywhere
   */
  constructor(count: number, decider: number, onlyReads = false) {
    this.#count = count;
    this.#decider = decider;
    this.#onlyReads = onlyReads;
  }

  /** It is committed, and nobody is to be waited for any more: what it wrote is in place at all that could say so. */
  get isFinished(): boolean {
    return this.outcome === "committed" && this.#finishing === 0;
  }

  begin(): void {
    if (this.#count === 1 && !this.#onlyReads) this.#send(EPOCH_MESSAGE.COMMIT_ALONE, this.#decider);
    else {
      const kind = this.#onlyReads ? EPOCH_MESSAGE.VALIDATE : EPOCH_MESSAGE.PREPARE;
      for (let to = 0; to < this.#count; to += 1) this.#send(kind, to);
    }
  }

  /** That participant has answered the message of that kind. */
  answered(kind: number, from: number, answer: number): void {
    switch (kind) {
      case EPOCH_MESSAGE.COMMIT_ALONE:
        if (answer === EPOCH_ANSWER.COMMITTED) this.outcome = "committed";
        else this.#abort(answer, undefined);
        break;
      case EPOCH_MESSAGE.VALIDATE:
        this.#validated(from, answer);
        break;
      case EPOCH_MESSAGE.PREPARE:
        this.#prepareAnswered(from, answer);
        break;
      case EPOCH_MESSAGE.DECIDE:
        this.#decided(answer);
        break;
      case EPOCH_MESSAGE.FINISH_COMMITTED:
        if (answer === EPOCH_ANSWER.COMMITTED) this.#finished.push(from);
        this.#oneFinished();
        break;
    }
  }

  /**
   * The message of that kind has no answer, or was refused.
   * @param certain it was certainly not acted upon
   */
  failed(kind: number, from: number, error: unknown, certain: boolean): void {
    switch (kind) {
      case EPOCH_MESSAGE.VALIDATE:
        if (this.outcome === undefined) this.#abort(undefined, error);
        break;
      case EPOCH_MESSAGE.PREPARE:
        if (certain) this.#free.add(from);
        if (this.outcome === undefined) this.#abort(undefined, error);
        break;
      case EPOCH_MESSAGE.COMMIT_ALONE:
      case EPOCH_MESSAGE.DECIDE:
        if (certain) this.#abort(undefined, error);
        else this.#leave(error);
        break;
      case EPOCH_MESSAGE.FINISH_COMMITTED:
        // The decider will ask it.
        this.#oneFinished();
        break;
    }
  }

  #validated(from: number, answer: number): void {
    if (this.outcome !== undefined) return;
    if (answer !== EPOCH_ANSWER.COMMITTED) this.#abort(answer, undefined);
    else if (this.#isLast(from)) this.outcome = "committed";
  }

  #prepareAnswered(from: number, answer: number): void {
    if (answer !== EPOCH_ANSWER.PREPARED) this.#free.add(from);
    // Whoever answers late was told already to give it up.
    if (this.outcome !== undefined) return;
    if (answer !== EPOCH_ANSWER.PREPARED) {
      this.#abort(answer, undefined);
      return;
    }
    if (this.#isLast(from)) this.#send(EPOCH_MESSAGE.DECIDE, this.#decider);
  }

  /** That participant has said yes. @returns whether all have by now */
  #isLast(from: number): boolean {
    this.#prepared.add(from);
    return this.#prepared.size === this.#count;
  }

  #decided(answer: number): void {
    if (answer === EPOCH_ANSWER.COMMITTED) {
      this.outcome = "committed";
      this.#toOthers(EPOCH_MESSAGE.FINISH_COMMITTED);
      this.#finishing = this.#count - 1;
    } else if (answer === EPOCH_ANSWER.ABORTED) {
      this.#free.add(this.#decider);
      this.#abort(answer, undefined);
    } else this.#leave(undefined);
  }

  /** Nothing was decided, and nobody else can ask for it: it is given up wherever it may be held. */
  #abort(refusal: number | undefined, error: unknown): void {
    this.outcome = "aborted";
    this.refusal = refusal;
    this.error = error;
    if (this.#count === 1 || this.#onlyReads) return;
    for (let to = 0; to < this.#count; to += 1) {
      if (!this.#free.has(to)) this.#send(EPOCH_MESSAGE.FINISH_ABORTED, to);
    }
  }

  #leave(error: unknown): void {
    this.outcome = "unknown";
    this.error = error;
    this.#toOthers(EPOCH_MESSAGE.LEAVE);
  }

  #oneFinished(): void {
    this.#finishing -= 1;
    if (this.#finishing > 0 || this.#finished.length === 0) return;
    this.steps.push({ kind: EPOCH_MESSAGE.ACKNOWLEDGE, to: this.#decider, finished: this.#finished });
  }

  #toOthers(kind: number): void {
    for (let to = 0; to < this.#count; to += 1) if (to !== this.#decider) this.#send(kind, to);
  }

  #send(kind: number, to: number): void {
    this.steps.push({ kind, to });
  }
}
