import { CommitCoordinator, type CommitOutcome, type CommitStep } from "../epoch/commit-coordinator.ts";
import { EPOCH_ANSWER } from "../epoch/epoch-actions.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import { type Failpoint, reach } from "../std/failpoints.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import { EPOCH_MESSAGE, encodeEpochMessage } from "../wire/epoch-message.ts";
import type { EpochName, Participant } from "../wire/epoch-name.ts";
import type { ClaimPart } from "./epoch-claims.ts";

/** Where the origin may end once it has sent that. */
const SENT: Readonly<Record<number, Failpoint>> = {
  [EPOCH_MESSAGE.PREPARE]: "asked to prepare",
  [EPOCH_MESSAGE.COMMIT_ALONE]: "asked to prepare",
  [EPOCH_MESSAGE.DECIDE]: "asked to decide",
  [EPOCH_MESSAGE.FINISH_COMMITTED]: "asked to finish",
  [EPOCH_MESSAGE.ACKNOWLEDGE]: "acknowledged",
};

/** What says all that the epoch does there. */
const CLAIMING: readonly number[] = [
  EPOCH_MESSAGE.PREPARE,
  EPOCH_MESSAGE.COMMIT_ALONE,
  EPOCH_MESSAGE.VALIDATE,
];

/** Of what nobody waits for. */
const PATIENCE_MS = 10_000;

const NOTHING: ClaimPart = { reads: [], writes: [] };

/** One home worker, and what the epoch has read and writes there. */
export interface CommitParticipant {
  readonly self: Participant;
  /** In as many messages as it takes, at least one. */
  readonly claim: readonly ClaimPart[];
  /** Says one message there; see EpochLink. */
  tell(payload: Uint8Array, limits: CallLimits): Promise<number>;
}

export interface CommitParts {
  readonly name: EpochName;
  readonly stable: boolean;
  /** At least one. */
  readonly participants: readonly CommitParticipant[];
  /** The place of the one that decides. */
  readonly decider: number;
  /** Waits until what it wrote is in place everywhere. */
  readonly waitsForAll: boolean;
  nowMs(): number;
}

/**
 * Commits one epoch: sends what the coordinator says, and tells it what came back. Resolves once it is committed, and in
 * place at all participants that answer in time where that was asked for.
 * @throws ERR_EPOCH_CONFLICT and what targets refuse: it has no effect; with `applied` "unknown": nobody here knows
 */
export async function commitEpoch(parts: CommitParts, limits: CallLimits): Promise<void> {
  const commit = new EpochCommit(parts, limits);
  commit.begin();
  const outcome = await commit.outcome;
  if (outcome !== "committed") throw commit.failure(outcome);
}

class EpochCommit {
  readonly #parts: CommitParts;
  readonly #signal: AbortSignal | undefined;
  readonly #deadlineMs: number;
  readonly #coordinator: CommitCoordinator;
  readonly #outcome = Promise.withResolvers<CommitOutcome>();

  constructor(parts: CommitParts, limits: CallLimits) {
    this.#parts = parts;
    this.#signal = limits.signal;
    this.#deadlineMs = parts.nowMs() + limits.timeoutMs;
    const onlyReads = parts.participants.every(({ claim }) =>
      claim.every(({ writes }) => writes.length === 0),
    );
    this.#coordinator = new CommitCoordinator(parts.participants.length, parts.decider, onlyReads);
  }

  get outcome(): Promise<CommitOutcome> {
    return this.#outcome.promise;
  }

  begin(): void {
    this.#coordinator.begin();
    this.#carryOut();
  }

  #carryOut(): void {
    for (const step of this.#coordinator.steps.splice(0)) void this.#do(step);
    const { outcome, isFinished } = this.#coordinator;
    if (outcome === undefined) return;
    if (outcome !== "committed" || isFinished || !this.#parts.waitsForAll) this.#outcome.resolve(outcome);
  }

  async #do(step: CommitStep): Promise<void> {
    const { kind, to } = step;
    try {
      const answer = CLAIMING.includes(kind) ? await this.#claim(kind, to) : await this.#tell(step, NOTHING);
      this.#coordinator.answered(kind, to, answer);
    } catch (error) {
      this.#coordinator.failed(kind, to, error, isCertain(kind, error));
    }
    this.#carryOut();
  }

  /**
   * What does not fit the last message comes before it, and has to be there: a part alone must not be prepared.
   * @returns the answer to the last one
   */
  async #claim(kind: number, to: number): Promise<number> {
    const { claim } = this.#participant(to);
    const last = claim.at(-1) as ClaimPart;
    if (claim.length === 1) return this.#tell({ kind, to }, last);
    const more = claim.slice(0, -1).map((part) => this.#tell({ kind: EPOCH_MESSAGE.MORE, to }, part));
    const outcomes = await Promise.allSettled(more);
    const failed = outcomes.find((one) => one.status === "rejected" || one.value !== EPOCH_ANSWER.PREPARED);
    if (failed === undefined && this.#coordinator.outcome === undefined)
      return this.#tell({ kind, to }, last);
    // What came is of no use.
    void this.#tell({ kind: EPOCH_MESSAGE.FINISH_ABORTED, to }, NOTHING).catch(() => {});
    if (failed?.status === "rejected") throw withApplied(failed.reason, "no", "");
    return failed?.value ?? EPOCH_ANSWER.ABORTED;
  }

  #tell({ kind, to, finished }: CommitStep, { reads, writes }: ClaimPart): Promise<number> {
    const { name, stable, decider, participants } = this.#parts;
    const others = kind === EPOCH_MESSAGE.DECIDE ? this.#others() : (finished ?? []);
    const message = {
      kind,
      stable,
      name,
      decider: this.#participant(decider).self,
      reads,
      writes,
      others: others.map((place) => (participants[place] as CommitParticipant).self),
    };
    const answer = this.#participant(to).tell(encodeEpochMessage(message), this.#limits(kind));
    const sent = SENT[kind];
    if (sent !== undefined) reach(sent);
    return answer;
  }

  #others(): number[] {
    return [...this.#parts.participants.keys()].filter((place) => place !== this.#parts.decider);
  }

  #limits(kind: number): CallLimits {
    const leftMs = Math.max(this.#deadlineMs - this.#parts.nowMs(), 1);
    switch (kind) {
      case EPOCH_MESSAGE.FINISH_ABORTED:
      case EPOCH_MESSAGE.LEAVE:
      case EPOCH_MESSAGE.ACKNOWLEDGE:
        return { timeoutMs: PATIENCE_MS, signal: undefined };
      case EPOCH_MESSAGE.FINISH_COMMITTED:
        return { timeoutMs: this.#parts.waitsForAll ? leftMs : PATIENCE_MS, signal: undefined };
      default:
        return { timeoutMs: leftMs, signal: this.#signal };
    }
  }

  #participant(place: number): CommitParticipant {
    return this.#parts.participants[place] as CommitParticipant;
  }

  /** What the caller is told. */
  failure(outcome: CommitOutcome): unknown {
    const { refusal, error } = this.#coordinator;
    if (outcome === "unknown") {
      const cause =
        error ??
        new DidafsError("ERR_PROTOCOL", "the target that decides gave an answer that makes no sense");
      return withApplied(cause, "unknown", "whether the epoch took effect is not known here");
    }
    if (error !== undefined) return withApplied(error, "no", "the epoch has no effect");
    if (refusal === EPOCH_ANSWER.FULL) {
      return new DidafsError(
        "ERR_TOO_MANY",
        "a target has too many epochs under way, or no room in its log for what this one writes; try again later, or write less at a time",
      );
    }
    if (refusal === EPOCH_ANSWER.REFUSED) {
      return new DidafsError(
        "ERR_SESSION_LOST",
        "a target takes no epochs in this session any more; open a new window to go on",
      );
    }
    return new DidafsError(
      "ERR_EPOCH_CONFLICT",
      "somebody else's epoch holds, or has written, what this one read or writes; nothing of it took effect, run it again",
    );
  }
}

/**
 * Whether the message was certainly not acted upon. What refuses a decision may have recorded it before: only what never
 * left is certain there.
 */
function isCertain(kind: number, error: unknown): boolean {
  if (!isDidafsError(error) || error.applied !== "no") return false;
  if (kind !== EPOCH_MESSAGE.DECIDE) return true;
  return isDidafsError(error, "ERR_SESSION_LOST", "ERR_TIMEOUT", "ERR_ABORTED");
}

function withApplied(error: unknown, applied: "no" | "unknown", what: string): unknown {
  if (!isDidafsError(error)) return error;
  const { code, message, path, target } = error;
  const text = what === "" ? message : `${message} (${what})`;
  return new DidafsError(code, text, { applied, path, target, cause: error });
}
