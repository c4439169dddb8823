import { regionKey } from "../epoch/commit-records.ts";
import { EPOCH_ACTION, EPOCH_ANSWER, type EpochAction } from "../epoch/epoch-actions.ts";
import type { EpochClaim, EpochEntry } from "../epoch/epoch-entry.ts";
import { EpochTable } from "../epoch/epoch-table.ts";
import type { Clock } from "../ports/clock.ts";
import { isDidafsError } from "../std/errors.ts";
import { reach } from "../std/failpoints.ts";
import { lineCountsBytes } from "../structs/line-counts.ts";
import { decodeEpochMessage, EPOCH_MESSAGE, type EpochMessage } from "../wire/epoch-message.ts";
import type { EpochName, Participant } from "../wire/epoch-name.ts";
import { ACCUMULATE_PAYLOAD, type Connection, PUT_PAYLOAD } from "./connection.ts";
import { ConnectionMemory } from "./connection-memory.ts";
import { COUNTER, countOne, countPut } from "./counters.ts";
import { EpochAnswers, type EpochAsker } from "./epoch-answers.ts";
import { type ClaimContent, EpochClaims } from "./epoch-claims.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { RegionLines } from "./region-lines.ts";
import { ABORTED, INPUT_OUTPUT, NOT_SUPPORTED, OK, PROTOCOL, TOO_MANY } from "./statuses.ts";
import { type JournalWorker, WorkerJournal } from "./worker-journal.ts";
import { WorkerLines } from "./worker-lines.ts";
import type { WorkerRegion } from "./worker-region.ts";
import type { WorkerSession } from "./worker-session.ts";

/** Who may take part in an epoch besides its decider. */
const OTHERS_MAX = 63;
/** Messages that wait for the log to be opened, in bytes. */
const WAITING_BYTES_MAX = 64 << 20;

/** What WorkerEpochs needs of its worker. */
export interface EpochWorker extends JournalWorker {
  readonly clock: Clock;
  readonly counters: Float64Array;
  post(message: FromWorker): void;
  /** The connection in that slot has an answer to send, or may read again. */
  activate(slot: number): void;
  connections(): Iterable<Connection | undefined>;
  connectionAt(slot: number): Connection | undefined;
}

type Table = EpochTable<EpochAsker, ClaimContent>;
type Action = EpochAction<EpochAsker, ClaimContent>;
type Entry = EpochEntry<EpochAsker, ClaimContent>;

/** A message that was understood, and who waits for its answer. */
interface Request {
  readonly session: WorkerSession;
  readonly asker: EpochAsker;
  readonly message: EpochMessage;
  readonly bytes: number;
}

/** The epochs of the regions that are at home at this worker: commands and orders become events of the epoch table. */
export class WorkerEpochs {
  readonly memory: ConnectionMemory;
  readonly #worker: EpochWorker;
  readonly #answers: EpochAnswers;
  readonly #journal: WorkerJournal;
  readonly #lines: WorkerLines;
  readonly #claims: EpochClaims = new EpochClaims((region) => this.linesOf(region));
  #table: Table | undefined;
  /** When table and journal are to be looked at though nothing happened; they ask all that is in them. */
  #dueMs = Number.POSITIVE_INFINITY;
  /** What waits for the log, in the order in which it came. */
  #waiting: Request[] = [];
  #waitingBytes = 0;
  #isWanted = false;
  /** Slots of connections whose next command is a write to a line that an epoch holds. */
  readonly #blocked = new Set<number>();

  constructor(worker: EpochWorker) {
    this.#worker = worker;
    this.memory = new ConnectionMemory(worker.memoryPort);
    this.#answers = new EpochAnswers(worker);
    this.#lines = new WorkerLines();
    this.#journal = new WorkerJournal(worker, {
      progressed: () => this.#progressed(),
      failed: (errno) => this.#fail(errno),
    });
  }

  /** What a life before has left in the log is not settled: nothing may be served. */
  get recovering(): boolean {
    return this.#journal.recovering;
  }

  /** Epochs can be served at all. */
  get hasBegun(): boolean {
    return this.#table !== undefined;
  }

  /** Comes once, before any session. @throws ERR_CORRUPT, ERR_VERSION, ERR_IO */
  begin({ self, incarnation, log }: ToWorker & { type: "epoch-self" }): void {
    const versionOf = (line: number): number => this.#lines.versionOf(line);
    const table: Table = new EpochTable({ self, incarnation, versionOf });
    this.#table = table;
    if (log === undefined) return;
    const { decisions, inDoubt } = this.#journal.open(log, true);
    for (const { epoch, others } of decisions) table.recoverDecision(epoch, others);
    for (const doubt of inDoubt) {
      const { epoch, decider, shared, exclusive, writes } = doubt;
      const numbers = (lines: typeof shared): number[] =>
        lines.map(({ inode, index, line }) => this.#linesNamed(regionKey(inode, index)).numberOf(line));
      const locked = { shared: numbers(shared), exclusive: numbers(exclusive) };
      this.#journal.recovered(
        table.recoverPrepared(epoch, decider, locked, { shared, writes, stable: true }),
        doubt,
      );
    }
  }

  /** Answers epoch-log-wanted. */
  logGranted({ log, status }: ToWorker & { type: "epoch-log" }): void {
    if (log !== undefined) this.#journal.open(log, false);
    else {
      this.#isWanted = false;
      this.#answerWaiting(status);
    }
  }

  /** The lines of a region that an epoch reads or writes. */
  linesOf(region: WorkerRegion): RegionLines {
    const { locks } = this.#table as Table;
    region.lines ??= this.#lines.of(region.key, region.byteLength, locks);
    return region.lines;
  }

  /**
   * From now on the region's lines are counted in that memory, which is all zeros and others may map.
   * @returns 0, or the status that says why they are not
   */
  shareLines(region: WorkerRegion, { descriptor, entries }: ToWorker & { type: "lines-share" }): number {
    if (this.#table === undefined) return NOT_SUPPORTED;
    const lines = this.linesOf(region);
    // It has been cut since; versions that were told could not go on.
    if (entries < lines.entries) return NOT_SUPPORTED;
    const { memoryPort } = this.#worker;
    const former = lines.countIn(memoryPort.map(descriptor, 0, lineCountsBytes(entries), true), entries);
    if (former !== undefined) memoryPort.free(former);
    return OK;
  }

  /** Of a region that may be gone. */
  #linesNamed(key: string): RegionLines {
    const region = this.#worker.region(key);
    return region === undefined ? this.#lines.of(key, 0, (this.#table as Table).locks) : this.linesOf(region);
  }

  /** The connection's next command waits until lines are free. */
  block({ slot }: Connection): void {
    this.#blocked.add(slot);
  }

  sessionOpened({ session, epochSecret }: ToWorker & { type: "session-open" }): void {
    this.#table?.sessionOpened(session, epochSecret);
  }

  sessionEnded(session: number): void {
    this.#claims.sessionEnded(session);
    this.#table?.sessionEnded(session, this.#worker.clock.nowMs());
    this.#carryOut();
  }

  /** Carries out an EPOCH whose payload has come, on a connection that has room for the answer. */
  take(connection: Connection, session: WorkerSession, tag: number, payload: Uint8Array): void {
    const asker = this.#answers.expect(connection, tag);
    const status = this.#request(session, asker, payload);
    if (status !== undefined) this.#answers.settle(asker, status, 0);
    this.#carryOut();
  }

  /** @returns the answer's status, or undefined where it comes later */
  #request(session: WorkerSession, asker: EpochAsker, payload: Uint8Array): number | undefined {
    if (this.#table === undefined) return NOT_SUPPORTED;
    if (this.#journal.hasFailed) return INPUT_OUTPUT;
    let message: EpochMessage;
    try {
      message = decodeEpochMessage(payload);
    } catch (error) {
      if (isDidafsError(error)) return PROTOCOL;
      throw error;
    }
    const request = { session, asker, message, bytes: payload.length };
    const { kind } = message;
    const needsLog = kind === EPOCH_MESSAGE.PREPARE || kind === EPOCH_MESSAGE.COMMIT_ALONE;
    // What comes behind something that waits must not overtake it.
    if (this.#journal.isOpen || (!needsLog && this.#waiting.length === 0)) return this.#perform(request);
    if (this.#waitingBytes + request.bytes > WAITING_BYTES_MAX) return TOO_MANY;
    this.#waiting.push(request);
    this.#waitingBytes += request.bytes;
    if (this.#isWanted) return undefined;
    this.#isWanted = true;
    this.#worker.post({ type: "epoch-log-wanted" });
    return undefined;
  }

  /** The log is open, or `status` says what there is instead of it. */
  #answerWaiting(status: number): void {
    this.#waitingBytes = 0;
    for (const request of this.#waiting.splice(0)) {
      const answer = status === OK ? this.#perform(request) : status;
      if (answer !== undefined) this.#answers.settle(request.asker, answer, 0);
    }
  }

  /** @returns the answer's status, or undefined where the table answers */
  #perform({ session, asker, message, bytes }: Request): number | undefined {
    const table = this.#table as Table;
    // Its answer would reach nobody.
    if (table.refusedUpTo(session.number) === undefined) return ABORTED;
    const { kind, name, others } = message;
    const nowMs = this.#worker.clock.nowMs();
    switch (kind) {
      case EPOCH_MESSAGE.MORE:
        return this.#claims.add(session.number, message, bytes);
      case EPOCH_MESSAGE.PREPARE:
      case EPOCH_MESSAGE.COMMIT_ALONE:
      case EPOCH_MESSAGE.VALIDATE:
        return this.#claim(table, session, asker, message);
      case EPOCH_MESSAGE.DECIDE:
        if (others.length > OTHERS_MAX) return TOO_MANY;
        table.decide(name, session.number, others, asker);
        return undefined;
      case EPOCH_MESSAGE.FINISH_COMMITTED:
      case EPOCH_MESSAGE.FINISH_ABORTED:
        this.#claims.drop(session.number, name);
        table.finish(name, session.number, kind === EPOCH_MESSAGE.FINISH_COMMITTED, asker);
        return undefined;
      case EPOCH_MESSAGE.LEAVE:
        this.#claims.drop(session.number, name);
        table.leave(name, session.number, nowMs);
        return OK;
      default:
        // Of its own epochs only: a decision that is forgotten too early is theirs.
        if (name.session !== session.number) return PROTOCOL;
        for (const other of others) table.acknowledged(name, other);
        return OK;
    }
  }

  #claim(table: Table, session: WorkerSession, asker: EpochAsker, message: EpochMessage): number | undefined {
    const claimed = this.#claims.take(session, message);
    if (claimed.claim === undefined) return claimed.status;
    const { claim, content } = claimed;
    const onlyValidates = message.kind === EPOCH_MESSAGE.VALIDATE;
    if (onlyValidates && claim.writes.length > 0) return PROTOCOL;
    if (!onlyValidates && !this.#journal.hasRoomFor(content)) {
      this.#journal.reclaim();
      this.#answers.settle(asker, OK, EPOCH_ANSWER.FULL);
    } else if (this.#isWritten(claim)) {
      this.#answers.settle(asker, OK, EPOCH_ANSWER.CONFLICT);
    } else if (onlyValidates) {
      if (table.validate(claim, asker)) countOne(this.#worker.counters, COUNTER.epochsCommitted);
    } else if (message.kind === EPOCH_MESSAGE.PREPARE) {
      table.prepare(claim, content, asker, this.#worker.clock.nowMs());
    } else table.commitAlone(claim, content, asker);
    return undefined;
  }

  /**
   * A plain write to one of its lines has begun, and the rest of its payload is still on its way; or it waits for an epoch that
   * holds the line: were another one let in before it, epochs without end could make it wait for ever.
   */
  #isWritten({ reads, writes }: EpochClaim): boolean {
    let claimed: Set<number> | undefined;
    for (const connection of this.#worker.connections()) {
      const writing = connection === undefined ? undefined : writingOf(connection);
      if (writing?.region.lines === undefined) continue;
      claimed ??= new Set([...reads, ...writes]);
      if (writing.region.lines.includesAny(claimed, writing.at, writing.length)) return true;
    }
    return false;
  }

  /** Somebody in doubt asks this worker, who decides. */
  enquired({ id, name }: ToWorker & { type: "epoch-enquiry" }): void {
    this.#order({ reply: "epoch-enquired", id }, (table, asker) => table.enquired(name, asker));
  }

  /** The decider asks this worker to finish what it has committed. */
  askedToFinish({ id, name }: ToWorker & { type: "epoch-finish" }): void {
    this.#order({ reply: "epoch-finished", id }, (table, asker) => table.askedToFinish(name, asker));
  }

  /** While an old log is not open yet the control thread asks in vain, and again later. */
  #order(asker: EpochAsker, perform: (table: Table, asker: EpochAsker) => void): void {
    if (this.#table === undefined || this.#journal.recovering || this.#journal.hasFailed) return;
    perform(this.#table, asker);
    this.#carryOut();
  }

  outcome({ key, answer }: ToWorker & { type: "epoch-outcome" }): void {
    this.#table?.outcome(key, answer);
    this.#carryOut();
  }

  acknowledged({ name, participant }: ToWorker & { type: "epoch-acknowledged" }): void {
    this.#table?.acknowledged(name, participant);
    this.#carryOut();
  }

  /** See WorkerJournal. */
  syncBegins(): number {
    return this.#journal.syncBegins();
  }

  synced(region: WorkerRegion, covers: number, settled: (errno: number) => void): void {
    this.#journal.synced(region, covers, settled);
  }

  /**
   * Nothing of what epochs have written to the region so far will be put there again.
   * @param done is called with 0, or the errno of what failed
   */
  settle(region: WorkerRegion, done: (errno: number) => void): void {
    if (this.#journal.needs(region)) this.#worker.syncRegion(region, done);
    else done(0);
  }

  /** The region must stay mapped: an epoch holds lines of it, or the log is not done with it. */
  keeps(region: WorkerRegion): boolean {
    if (region.failed || region.lines === undefined || this.#journal.hasFailed) return false;
    if (this.#journal.needs(region)) {
      if (!region.syncing) this.#worker.syncRegion(region, () => {});
      return true;
    }
    return this.#isHeld(region.lines);
  }

  #isHeld(lines: RegionLines): boolean {
    for (const { locked } of this.#table?.entries() ?? []) {
      if ([...locked.shared, ...locked.exclusive].some((line) => lines.has(line))) return true;
    }
    return false;
  }

  /** The region is not mapped any more. */
  unmapped(region: WorkerRegion): void {
    if (region.lines === undefined || this.#isHeld(region.lines)) return;
    const shared = this.#lines.drop(region.key);
    if (shared !== undefined) this.#worker.memoryPort.free(shared);
  }

  removed(inode: number, index: number): void {
    this.#journal.forget(inode, index);
  }

  /** @returns work done */
  doWork(nowMs: number): number {
    let work = this.#answers.doWork();
    if (this.#table !== undefined && nowMs >= this.#dueMs) {
      this.#table.expire(nowMs);
      work += this.#table.actions.length;
      this.#carryOut();
    }
    return work;
  }

  /** @returns how long the worker may sleep of `timeoutMs` */
  waitMs(timeoutMs: number): number {
    if (this.#dueMs === Number.POSITIVE_INFINITY) return timeoutMs;
    return Math.min(timeoutMs, Math.max(0, Math.ceil(this.#dueMs - this.#worker.clock.nowMs())));
  }

  close(): void {
    this.#journal.close();
    for (const { shared } of this.#lines.all())
      if (shared !== undefined) this.#worker.memoryPort.free(shared);
  }

  #progressed(): void {
    if (this.#journal.isOpen) this.#answerWaiting(OK);
    this.#carryOut();
  }

  /** What was promised stays held until the target starts again, and recovers. */
  #fail(errno: number): void {
    this.#worker.post({ type: "epoch-log-failed", errno });
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#answerWaiting(INPUT_OUTPUT);
    this.#answers.failAll(INPUT_OUTPUT);
  }

  #carryOut(): void {
    const table = this.#table;
    if (table === undefined || this.#journal.recovering || this.#journal.hasFailed) return;
    const nowMs = this.#worker.clock.nowMs();
    let isFree = false;
    for (;;) {
      for (const action of table.actions.splice(0)) {
        this.#journal.carryOut(action);
        this.#act(action);
        isFree ||= action.kind === EPOCH_ACTION.FREED;
      }
      for (const key of this.#journal.logged(nowMs)) table.logged(key, nowMs);
      if (table.actions.length === 0) break;
    }
    if (isFree) this.#unblock();
    this.#journal.reclaim();
    this.#dueMs = Math.min(table.dueMs(), this.#journal.dueMs);
    const { counters } = this.#worker;
    counters[COUNTER.epochsUnderWay] = table.count;
    counters[COUNTER.epochLogBytes] = this.#journal.logBytes;
  }

  #act({ kind, asker, answer, entry, name, participant }: Action): void {
    const { counters } = this.#worker;
    switch (kind) {
      case EPOCH_ACTION.HELD:
        for (const line of (entry as Entry).locked.exclusive) this.#lines.with(line).take(line);
        return;
      case EPOCH_ACTION.APPLY:
        countOne(counters, COUNTER.epochsCommitted);
        this.#apply((entry as Entry).payload);
        return;
      case EPOCH_ACTION.LOG_OVER:
        // Without an entry it is a decision that all have finished.
        if (entry !== undefined) countOne(counters, COUNTER.epochsAborted);
        return;
      case EPOCH_ACTION.FREED:
        for (const line of (entry as Entry).locked.exclusive) this.#lines.with(line).free(line);
        return;
      case EPOCH_ACTION.ANSWER:
        if (answer === EPOCH_ANSWER.PREPARED) reach("promised");
        else if (answer === EPOCH_ANSWER.COMMITTED) reach("committed");
        this.#answers.settle(asker as EpochAsker, OK, answer as number);
        return;
      case EPOCH_ACTION.ENQUIRE: {
        const { key, decider } = entry as Entry;
        this.#worker.post({ type: "epoch-enquire", key, name: name as EpochName, decider });
        return;
      }
      case EPOCH_ACTION.ASK_FINISH:
        this.#worker.post({
          type: "epoch-ask-finish",
          name: name as EpochName,
          participant: participant as Participant,
        });
    }
  }

  /** What lies behind the region's end by now, or in one that is gone, is gone with it. */
  #apply({ writes }: ClaimContent): void {
    reach("applied");
    for (const { inode, index, at, bytes } of writes) {
      const region = this.#worker.region(regionKey(inode, index));
      if (region === undefined) continue;
      const length = Math.max(0, Math.min(bytes.length, region.byteLength - at));
      region.memory.u8.set(length < bytes.length ? bytes.subarray(0, length) : bytes, at);
      region.written(at, length);
      countPut(this.#worker.counters, region.heat, length);
      if (!region.durable) this.#journal.forget(inode, index);
    }
  }

  #unblock(): void {
    for (const slot of this.#blocked) {
      const connection = this.#worker.connectionAt(slot);
      if (connection === undefined) continue;
      connection.awaitsLine = false;
      this.#worker.activate(slot);
    }
    this.#blocked.clear();
  }
}

/** What a connection writes or waits to write, if anything. */
function writingOf({ phase, region, from, at, left, awaited }: Connection): Connection["awaited"] {
  if ((phase !== PUT_PAYLOAD && phase !== ACCUMULATE_PAYLOAD) || region === undefined) return awaited;
  return { region, at: from, length: at - from + left };
}
