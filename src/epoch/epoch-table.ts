import { type EpochName, nameKey, type Participant, participantKey } from "../wire/epoch-name.ts";
import { ASK_AGAIN_MS, Decisions } from "./decisions.ts";
import { EPOCH_ACTION, EPOCH_ANSWER, type EpochAction } from "./epoch-actions.ts";
import { type EpochClaim, type EpochEntry, PHASE } from "./epoch-entry.ts";
import { LineLocks, type LockedLines, linesToLock } from "./line-locks.ts";

/**
 * An origin that has prepared and says nothing for so long is one that has gone. Less than an access may take: who may only read
 * a line can prepare it, and its writers wait for that.
 */
const SILENCE_MS = 5000;
/** Epochs under way at one worker, and decisions that are not over. */
const EPOCHS_MAX = 4096;
/** Epochs of one session under way: it must not keep the others out. */
const SESSION_EPOCHS_MAX = 1024;

export interface EpochTableParts {
  readonly self: Participant;
  /** Of this life of the target. */
  readonly incarnation: string;
  /** How often the line has been written. */
  readonly versionOf: (line: number) => number;
}

interface OpenSession {
  /** What its epochs' names have that are decided here; see EpochSession. */
  readonly secret: string;
  /** No epoch with that number or a lower one is taken any more, since somebody was told that it is aborted. */
  refusedUpTo: number;
}

/**
 * The epochs of one home worker, as participant and as decider: what is locked, what has been promised, what was decided. A
 * pure state machine: its methods are the events, each with the time; what comes of one is in `actions`, which its caller
 * carries out in order and clears. What is appended to the log is said by `logged`, in the order of appending.
 *
 * Presumed abort: what no decision says was not committed. @see docs/design/0007-epochs.md
 */
export class EpochTable<A, P> {
  readonly actions: EpochAction<A, P>[] = [];
  readonly locks: LineLocks = new LineLocks();
  readonly #parts: EpochTableParts;
  readonly #entries = new Map<string, EpochEntry<A, P>>();
  /** Entries of each session. */
  readonly #countBySession = new Map<number, number>();
  readonly decisions: Decisions = new Decisions();
  readonly #sessions = new Map<number, OpenSession>();
  #recovered = 0;

  constructor(parts: EpochTableParts) {
    this.#parts = parts;
  }

  /** Epochs under way here, and decisions that somebody has not finished. */
  get count(): number {
    return this.#entries.size + this.decisions.count;
  }

  entries(): Iterable<EpochEntry<A, P>> {
    return this.#entries.values();
  }

  /** Of that session no epoch with that number or a lower one is taken any more. */
  refusedUpTo(session: number): number | undefined {
    return this.#sessions.get(session)?.refusedUpTo;
  }

  /** When `expire` is to be called though nothing happened. */
  dueMs(): number {
    let dueMs = this.decisions.dueMs();
    for (const { enquireMs } of this.#entries.values()) dueMs = Math.min(dueMs, enquireMs);
    return dueMs;
  }

  sessionOpened(session: number, secret: string): void {
    this.#sessions.set(session, { secret, refusedUpTo: 0 });
  }

  /** Commits an epoch that nobody else takes part in. Answered COMMITTED, CONFLICT, REFUSED or FULL. */
  commitAlone(claim: EpochClaim, payload: P, asker: A): void {
    const entry = this.#admit(claim, payload, asker, Number.POSITIVE_INFINITY);
    if (entry === undefined) return;
    entry.phase = PHASE.DECIDING;
    this.#push({ kind: EPOCH_ACTION.LOG_COMMITTED, entry, name: entry.name });
  }

  /** Locks, checks and promises. Answered PREPARED, CONFLICT, ABORTED, REFUSED or FULL. */
  prepare(claim: EpochClaim, payload: P, asker: A, nowMs: number): void {
    const entry = this.#admit(claim, payload, asker, nowMs + SILENCE_MS);
    if (entry !== undefined) this.#push({ kind: EPOCH_ACTION.LOG_PREPARED, entry, name: entry.name });
  }

  /**
   * Whether what was read is still there, and nobody is about to write it. Answered COMMITTED, CONFLICT or REFUSED, and forgotten:
   * an epoch that writes nothing has read all before it asks the first worker, so what none of them denies was there together at
   * that moment. Nobody has to keep it so.
   * @returns whether it is
   */
  validate(claim: EpochClaim, asker: A): boolean {
    const { session, reads } = claim;
    const isOpen = this.#sessions.has(session);
    // Who holds it may be in place elsewhere.
    const isThere = isOpen && !reads.some((line) => this.locks.isExclusive(line)) && !this.#isChanged(claim);
    const denied = isOpen ? EPOCH_ANSWER.CONFLICT : EPOCH_ANSWER.REFUSED;
    this.#answer(asker, isThere ? EPOCH_ANSWER.COMMITTED : denied);
    return isThere;
  }

  #isChanged({ reads, versions }: EpochClaim): boolean {
    return reads.some((line, i) => this.#parts.versionOf(line) !== versions[i]);
  }

  #admit(claim: EpochClaim, payload: P, asker: A, enquireMs: number): EpochEntry<A, P> | undefined {
    const { name, decider, session, reads, writes } = claim;
    const key = `${session} ${nameKey(name)}`;
    const refusal = this.#refusal(claim, key);
    if (refusal !== undefined) {
      this.#answer(asker, refusal);
      return undefined;
    }
    const locked = linesToLock(reads, writes);
    // Locks come first: checked before, two epochs could each miss what the other is about to write.
    if (!this.locks.take(locked)) {
      this.#answer(asker, EPOCH_ANSWER.CONFLICT);
      return undefined;
    }
    if (this.#isChanged(claim)) {
      this.locks.release(locked);
      this.#answer(asker, EPOCH_ANSWER.CONFLICT);
      return undefined;
    }
    const phase = PHASE.PREPARING;
    const entry = { key, name, decider, session, locked, payload, phase, asker, others: [], enquireMs };
    this.#entries.set(key, entry);
    this.#countBySession.set(session, (this.#countBySession.get(session) ?? 0) + 1);
    this.#push({ kind: EPOCH_ACTION.HELD, entry, name });
    return entry;
  }

  #remove({ key, session }: EpochEntry<A, P>): void {
    this.#entries.delete(key);
    if (session === undefined) return;
    const left = (this.#countBySession.get(session) ?? 0) - 1;
    if (left > 0) this.#countBySession.set(session, left);
    else this.#countBySession.delete(session);
  }

  #refusal({ name, decider, session }: EpochClaim, key: string): number | undefined {
    const open = this.#sessions.get(session);
    if (open === undefined || this.#entries.has(key)) return EPOCH_ANSWER.REFUSED;
    if (this.#isSelf(decider)) {
      if (name.session !== session || this.#named(name) === undefined) return EPOCH_ANSWER.REFUSED;
      if (this.decisions.has(name)) return EPOCH_ANSWER.REFUSED;
      if (name.sequence <= open.refusedUpTo) return EPOCH_ANSWER.ABORTED;
    }
    const isFull = this.count >= EPOCHS_MAX || (this.#countBySession.get(session) ?? 0) >= SESSION_EPOCHS_MAX;
    return isFull ? EPOCH_ANSWER.FULL : undefined;
  }

  /**
   * The origin has heard from all that they have prepared. Answered COMMITTED, which is final, or ABORTED.
   * @param others who take part besides this worker
   */
  decide(name: EpochName, session: number, others: readonly Participant[], asker: A): void {
    const entry = this.#entries.get(`${session} ${nameKey(name)}`);
    if (entry?.phase !== PHASE.PREPARED || !this.#isSelf(entry.decider)) {
      this.#answer(asker, EPOCH_ANSWER.ABORTED);
      return;
    }
    entry.phase = PHASE.DECIDING;
    entry.others = others;
    entry.asker = asker;
    entry.enquireMs = Number.POSITIVE_INFINITY;
    this.#push({ kind: EPOCH_ACTION.LOG_COMMITTED, entry, name: entry.name });
  }

  /** The origin says what was decided. Answered COMMITTED when that is in the log, ABORTED, or REFUSED where it cannot be so. */
  finish(name: EpochName, session: number, committed: boolean, asker: A): void {
    const entry = this.#entries.get(`${session} ${nameKey(name)}`);
    if (entry !== undefined && committed && this.#isPromised(entry)) {
      entry.asker = asker;
      this.#commit(entry);
    } else if (entry !== undefined && !committed && entry.phase <= PHASE.PREPARED) {
      this.#drop(entry);
      this.#answer(asker, EPOCH_ANSWER.ABORTED);
    } else this.#answer(asker, EPOCH_ANSWER.REFUSED);
  }

  /** The origin does not know what was decided, and does nothing more for it. */
  leave(name: EpochName, session: number, nowMs: number): void {
    const entry = this.#entries.get(`${session} ${nameKey(name)}`);
    if (entry !== undefined) this.#orphan(entry, nowMs);
  }

  sessionEnded(session: number, nowMs: number): void {
    this.#sessions.delete(session);
    for (const entry of [...this.#entries.values()])
      if (entry.session === session) this.#orphan(entry, nowMs);
  }

  /** Nobody here tells us any more what becomes of it. What was not promised is dropped. */
  #orphan(entry: EpochEntry<A, P>, nowMs: number): void {
    if (this.#isPromised(entry)) entry.enquireMs = nowMs;
    else if (entry.phase <= PHASE.PREPARED) this.#abort(entry);
  }

  /** All that was appended for that entry is as durable as was asked. */
  logged(key: string, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    if (entry.phase === PHASE.PREPARING) {
      entry.phase = PHASE.PREPARED;
      this.#tell(entry, EPOCH_ANSWER.PREPARED);
    } else if (entry.phase === PHASE.DECIDING) {
      this.#apply(entry);
      this.decisions.add(entry.name, entry.others, nowMs + ASK_AGAIN_MS);
      this.#remove(entry);
      this.#tell(entry, EPOCH_ANSWER.COMMITTED);
    } else if (entry.phase === PHASE.FINISHING) {
      this.#remove(entry);
      this.#tell(entry, EPOCH_ANSWER.COMMITTED);
    }
  }

  /** Somebody who has promised wants to know. Answered COMMITTED, ABORTED or UNDECIDED. What is not decided is aborted by it. */
  enquired(name: EpochName, asker: A): void {
    const entry = this.#entries.get(`${name.session} ${nameKey(name)}`);
    const isDeciding = entry?.phase === PHASE.DECIDING;
    if (isDeciding) this.#answer(asker, EPOCH_ANSWER.UNDECIDED);
    else if (this.decisions.has(name)) this.#answer(asker, EPOCH_ANSWER.COMMITTED);
    else {
      // It may not have come yet.
      this.#refuse(name);
      if (entry !== undefined && this.#isSelf(entry.decider)) this.#drop(entry);
      this.#answer(asker, EPOCH_ANSWER.ABORTED);
    }
  }

  /** What the decider says to an enquiry about that entry. */
  outcome(key: string, answer: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || !this.#isPromised(entry)) return;
    if (answer === EPOCH_ANSWER.COMMITTED) this.#commit(entry);
    else if (answer === EPOCH_ANSWER.ABORTED) this.#drop(entry);
  }

  /** The decider asks to finish what it has committed. Answered COMMITTED once that is in the log, or UNDECIDED. */
  askedToFinish(name: EpochName, asker: A): void {
    const same = [...this.#entries.values()].filter((entry) => nameKey(entry.name) === nameKey(name));
    for (const entry of same) if (this.#isPromised(entry)) this.#commit(entry);
    this.#answer(asker, same.length > 0 ? EPOCH_ANSWER.UNDECIDED : EPOCH_ANSWER.COMMITTED);
  }

  /** That participant has finished it. */
  acknowledged(name: EpochName, participant: Participant): void {
    if (this.decisions.acknowledged(name, participant)) {
      this.#push({ kind: EPOCH_ACTION.LOG_OVER, name });
    }
  }

  /** Goes on with what nobody has come back to. */
  expire(nowMs: number): void {
    for (const entry of [...this.#entries.values()]) {
      if (nowMs < entry.enquireMs) continue;
      if (this.#isPromised(entry)) {
        entry.enquireMs = nowMs + ASK_AGAIN_MS;
        this.#push({ kind: EPOCH_ACTION.ENQUIRE, entry, name: entry.name });
      } else this.#abort(entry);
    }
    this.decisions.forDue(nowMs, (name, participant) => {
      this.#push({ kind: EPOCH_ACTION.ASK_FINISH, name, participant });
    });
  }

  /**
   * What an earlier life had prepared, and nothing in its log says what became of it. Comes before all other events.
   * @returns the key of its entry
   */
  recoverPrepared(name: EpochName, decider: Participant, locked: LockedLines, payload: P): string {
    this.#recovered += 1;
    const key = `recovered ${this.#recovered}`;
    const phase = PHASE.PREPARED;
    const common = { session: undefined, asker: undefined, others: [], enquireMs: 0 };
    const entry: EpochEntry<A, P> = { key, name, decider, locked, payload, phase, ...common };
    this.locks.take(locked);
    this.#entries.set(key, entry);
    this.#push({ kind: EPOCH_ACTION.HELD, entry, name });
    // What we had decided would be in the log, and who could still ask for it has gone with that life.
    if (this.#isSelf(decider)) this.#drop(entry);
    return key;
  }

  /** What an earlier life has committed, and somebody may not have finished. */
  recoverDecision(name: EpochName, others: readonly Participant[]): void {
    this.decisions.add(name, others, 0);
  }

  /** Of one that takes part and does not decide. */
  #isPromised(entry: EpochEntry<A, P>): boolean {
    return entry.phase === PHASE.PREPARED && !this.#isSelf(entry.decider);
  }

  #isSelf(participant: Participant): boolean {
    return participantKey(participant) === participantKey(this.#parts.self);
  }

  /** It is applied at once: its decision is durable at the decider, who remembers it until we have finished. */
  #commit(entry: EpochEntry<A, P>): void {
    entry.phase = PHASE.FINISHING;
    entry.enquireMs = Number.POSITIVE_INFINITY;
    this.#push({ kind: EPOCH_ACTION.LOG_FINISHED, entry, name: entry.name });
    this.#apply(entry);
  }

  #apply(entry: EpochEntry<A, P>): void {
    this.#push({ kind: EPOCH_ACTION.APPLY, entry, name: entry.name });
    this.#release(entry);
  }

  #release(entry: EpochEntry<A, P>): void {
    this.locks.release(entry.locked);
    this.#push({ kind: EPOCH_ACTION.FREED, entry, name: entry.name });
  }

  /** As its decider, or before anything was promised. */
  #abort(entry: EpochEntry<A, P>): void {
    if (this.#isSelf(entry.decider)) this.#refuse(entry.name);
    this.#drop(entry);
  }

  #drop(entry: EpochEntry<A, P>): void {
    this.#remove(entry);
    this.#release(entry);
    this.#push({ kind: EPOCH_ACTION.LOG_OVER, entry, name: entry.name });
    this.#tell(entry, EPOCH_ANSWER.ABORTED);
  }

  /** It is not taken any more. A name that is none of ours cannot come from the one who could ask for its commit. */
  #refuse(name: EpochName): void {
    const open = this.#named(name);
    if (open !== undefined && open.refusedUpTo < name.sequence) open.refusedUpTo = name.sequence;
  }

  /** The session that an epoch is named after, where this worker can decide it. */
  #named({ incarnation, session, secret }: EpochName): OpenSession | undefined {
    if (incarnation !== this.#parts.incarnation) return undefined;
    const open = this.#sessions.get(session);
    return open?.secret === secret ? open : undefined;
  }

  #tell(entry: EpochEntry<A, P>, answer: number): void {
    const { asker } = entry;
    entry.asker = undefined;
    if (asker !== undefined) this.#answer(asker, answer);
  }

  #answer(asker: A, answer: number): void {
    this.actions.push({ kind: EPOCH_ACTION.ANSWER, asker, answer });
  }

  #push(action: EpochAction<A, P>): void {
    this.actions.push(action);
  }
}
