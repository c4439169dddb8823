import assert from "node:assert/strict";
import type { CommitCoordinator, CommitStep } from "../../src/epoch/commit-coordinator.ts";
import { EPOCH_ACTION, EPOCH_ANSWER, type EpochAction } from "../../src/epoch/epoch-actions.ts";
import { EpochTable } from "../../src/epoch/epoch-table.ts";
import type { SimRandom } from "../../src/sim/random.ts";
import { EPOCH_MESSAGE } from "../../src/wire/epoch-message.ts";
import type { EpochName, Participant } from "../../src/wire/epoch-name.ts";

const WORKERS = 3;
const EPOCHS = 2;
const LINES = 2;
const INCARNATION = "f".repeat(32);
const SECRET = "5e".repeat(8);
const FINAL_MS = 10_000_000;

type NewCoordinator = new (count: number, decider: number, onlyReads: boolean) => CommitCoordinator;
type Asker = { readonly epoch: number; readonly message: CommitStep } | undefined;
type Table = EpochTable<Asker, number>;

/** One home worker: its table, and what is on its way to its log. */
interface Worker {
  readonly self: Participant;
  readonly table: Table;
  readonly log: string[];
  /** Epochs whose writes are in place. */
  readonly applied: number[];
}

/** One epoch's origin, with a session at each of its workers. */
interface Origin {
  readonly coordinator: CommitCoordinator;
  readonly name: EpochName;
  readonly workers: readonly number[];
  /** Nothing of it is ever put in place. */
  readonly onlyReads: boolean;
  /** Workers that were heard to say that what it has read is there. */
  confirmed: number;
  readonly decider: number;
  readonly writes: ReadonlyMap<number, number[]>;
  readonly reads: ReadonlyMap<number, number[]>;
  readonly session: number;
  /** By place: what is on its way there, what came back, what is not answered; undefined once the session is lost. */
  readonly lanes: (Lane | undefined)[];
  outcome: string | undefined;
}

interface Lane {
  readonly toWorker: CommitStep[];
  readonly toOrigin: { readonly message: CommitStep; readonly answer: number }[];
  readonly open: Set<CommitStep>;
}

/** Workers of the real commit protocol, and origins whose coordinators commit one epoch each; chance says what comes next. */
export class CoordinatorWorld {
  readonly #dice: SimRandom;
  readonly #workers: Worker[];
  readonly #origins: Origin[];
  #nowMs = 0;
  #lossesLeft: number;
  #hadLosses = false;

  constructor(Coordinator: NewCoordinator, dice: SimRandom, lossesMax: number) {
    this.#dice = dice;
    this.#lossesLeft = lossesMax;
    this.#workers = Array.from({ length: WORKERS }, (_, number) => {
      const self = { target: String(number).repeat(32), worker: 0 };
      const applied: number[] = [];
      const versionOf = (line: number): number => this.#writersOf(applied, number, line);
      const table: Table = new EpochTable({ self, incarnation: INCARNATION, versionOf });
      return { self, table, log: [], applied };
    });
    this.#origins = Array.from({ length: EPOCHS }, (_, epoch) => this.#origin(Coordinator, epoch));
  }

  #origin(Coordinator: NewCoordinator, epoch: number): Origin {
    const dice = this.#dice;
    const workers = this.#workers.map((_, number) => number).filter(() => dice.chance(0.7));
    if (workers.length === 0) workers.push(0);
    const lines = (): number[] =>
      Array.from({ length: LINES }, (_, line) => line).filter(() => dice.chance(0.5));
    const decider = dice.between(0, workers.length - 1);
    const session = epoch + 1;
    for (const { table } of this.#workers) table.sessionOpened(session, SECRET);
    const onlyReads = dice.chance(0.2);
    return {
      coordinator: new Coordinator(workers.length, decider, onlyReads),
      name: { incarnation: INCARNATION, session, secret: SECRET, sequence: 1 },
      workers,
      onlyReads,
      confirmed: 0,
      decider,
      reads: new Map(workers.map((number) => [number, lines()])),
      writes: new Map(workers.map((number) => [number, onlyReads ? [] : lines()])),
      session,
      lanes: workers.map(() => ({ toWorker: [], toOrigin: [], open: new Set() })),
      outcome: undefined,
    };
  }

  #writersOf(applied: readonly number[], number: number, line: number): number {
    return applied.filter((epoch) => this.#origins[epoch]?.writes.get(number)?.includes(line)).length;
  }

  /** Runs until nothing is left to do, then judges. @returns the outcomes */
  run(): string[] {
    const begun = this.#origins.map(({ coordinator }, epoch) => () => {
      coordinator.begin();
      this.#send(epoch);
    });
    for (let steps = 0; ; steps += 1) {
      assert.ok(steps < 2000, "it comes to an end");
      const events = [
        ...this.#events(),
        ...begun.map((begin) => () => begun.splice(begun.indexOf(begin), 1)[0]?.()),
      ];
      if (events.length === 0) break;
      this.#dice.pick(events)();
      this.#check();
    }
    // Where nothing is lost nobody has to ask.
    if (!this.#hadLosses) this.#checkOver();
    this.#settle();
    return this.#origins.map(({ outcome }) => outcome as string);
  }

  #events(): (() => void)[] {
    const events: (() => void)[] = [];
    this.#workers.forEach(({ log }, number) => {
      if (log.length > 0) events.push(() => this.#logged(number));
    });
    this.#origins.forEach(({ lanes }, epoch) => {
      lanes.forEach((lane, place) => {
        if (lane === undefined) return;
        if (lane.toWorker.length > 0) events.push(() => this.#serve(epoch, place, lane));
        if (lane.toOrigin.length > 0) events.push(() => this.#hear(epoch, place, lane));
        if (this.#lossesLeft === 0 || lane.open.size === 0) return;
        events.push(() => this.#lose(epoch, place, lane));
        events.push(() => this.#timeOut(epoch, place, lane));
      });
    });
    return events;
  }

  #send(epoch: number): void {
    const { coordinator, lanes } = this.#origins[epoch] as Origin;
    for (const step of coordinator.steps.splice(0)) {
      const lane = lanes[step.to];
      if (lane === undefined) {
        coordinator.failed(step.kind, step.to, new Error("the session is lost"), true);
        this.#send(epoch);
      } else {
        lane.open.add(step);
        lane.toWorker.push(step);
      }
    }
  }

  #serve(epoch: number, place: number, { toWorker }: Lane): void {
    const origin = this.#origins[epoch] as Origin;
    const message = toWorker.shift() as CommitStep;
    const number = origin.workers[place] as number;
    const { table, applied } = this.#workers[number] as Worker;
    const { name, session } = origin;
    const decider = this.#participant(epoch, origin.decider);
    const asker = { epoch, message };
    const reads = origin.reads.get(number) ?? [];
    const claim = {
      name,
      decider,
      session,
      reads,
      // As they were before anybody wrote.
      versions: reads.map(() => 0),
      writes: origin.writes.get(number) ?? [],
    };
    switch (message.kind) {
      case EPOCH_MESSAGE.COMMIT_ALONE:
        table.commitAlone(claim, epoch, asker);
        break;
      case EPOCH_MESSAGE.VALIDATE:
        table.validate(claim, asker);
        break;
      case EPOCH_MESSAGE.PREPARE:
        table.prepare(claim, epoch, asker, this.#nowMs);
        break;
      case EPOCH_MESSAGE.DECIDE: {
        const others = origin.workers.map((_, other) => other).filter((other) => other !== origin.decider);
        table.decide(
          name,
          session,
          others.map((other) => this.#participant(epoch, other)),
          asker,
        );
        break;
      }
      case EPOCH_MESSAGE.FINISH_COMMITTED:
        table.finish(name, session, true, asker);
        break;
      case EPOCH_MESSAGE.FINISH_ABORTED:
        table.finish(name, session, false, asker);
        break;
      case EPOCH_MESSAGE.LEAVE:
        table.leave(name, session, this.#nowMs);
        break;
      case EPOCH_MESSAGE.ACKNOWLEDGE:
        for (const done of message.finished ?? []) {
          const worker = this.#workers[origin.workers[done] as number] as Worker;
          assert.ok(worker.applied.includes(epoch), "who has not finished is acknowledged");
          table.acknowledged(name, worker.self);
        }
        break;
    }
    assert.ok(applied.length <= EPOCHS);
    this.#carryOut(number);
  }

  #participant(epoch: number, place: number): Participant {
    const { workers } = this.#origins[epoch] as Origin;
    return (this.#workers[workers[place] as number] as Worker).self;
  }

  #hear(epoch: number, place: number, { toOrigin, open }: Lane): void {
    const { message, answer } = toOrigin.shift() as Lane["toOrigin"][number];
    // Who gave up hears it no more.
    if (!open.delete(message)) return;
    const origin = this.#origins[epoch] as Origin;
    if (message.kind === EPOCH_MESSAGE.VALIDATE && answer === EPOCH_ANSWER.COMMITTED) origin.confirmed += 1;
    origin.coordinator.answered(message.kind, place, answer);
    this.#send(epoch);
  }

  /** The origin waits no longer for one answer; its message may be on its way still. */
  #timeOut(epoch: number, place: number, { open }: Lane): void {
    this.#loseOne();
    const message = this.#dice.pick([...open]);
    open.delete(message);
    (this.#origins[epoch] as Origin).coordinator.failed(message.kind, place, new Error("timeout"), false);
    this.#send(epoch);
  }

  /** The session ends, at both ends: what is on its way is lost. */
  #lose(epoch: number, place: number, lane: Lane): void {
    this.#loseOne();
    const { coordinator, lanes, workers, session } = this.#origins[epoch] as Origin;
    lanes[place] = undefined;
    const number = workers[place] as number;
    (this.#workers[number] as Worker).table.sessionEnded(session, this.#nowMs);
    this.#carryOut(number);
    for (const message of lane.open) coordinator.failed(message.kind, place, new Error("lost"), false);
    this.#send(epoch);
  }

  #loseOne(): void {
    this.#lossesLeft -= 1;
    this.#hadLosses = true;
  }

  #logged(number: number): void {
    const { log, table } = this.#workers[number] as Worker;
    table.logged(log.shift() as string, this.#nowMs);
    this.#carryOut(number);
  }

  #carryOut(number: number): void {
    const { table } = this.#workers[number] as Worker;
    for (const action of table.actions.splice(0)) this.#do(number, action);
  }

  #do(number: number, { kind, asker, answer, entry, name, participant }: EpochAction<Asker, number>): void {
    const { log, applied, self } = this.#workers[number] as Worker;
    switch (kind) {
      case EPOCH_ACTION.LOG_PREPARED:
      case EPOCH_ACTION.LOG_COMMITTED:
      case EPOCH_ACTION.LOG_FINISHED:
        log.push(entry?.key as string);
        break;
      case EPOCH_ACTION.APPLY:
        applied.push(entry?.payload as number);
        break;
      case EPOCH_ACTION.ANSWER: {
        if (asker === undefined) break;
        const { lanes } = this.#origins[asker.epoch] as Origin;
        lanes[asker.message.to]?.toOrigin.push({ message: asker.message, answer: answer as number });
        break;
      }
      case EPOCH_ACTION.ENQUIRE:
        this.#enquire(number, entry?.key as string, name as EpochName, entry?.decider as Participant);
        break;
      case EPOCH_ACTION.ASK_FINISH: {
        const asked = this.#workerOf(participant as Participant);
        asked.table.askedToFinish(name as EpochName, undefined);
        this.#carryOut(this.#workers.indexOf(asked));
        if (asked.table.count === 0) this.#workerOf(self).table.acknowledged(name as EpochName, asked.self);
        break;
      }
    }
  }

  /** At once: what comes between is what commit.test.ts visits. */
  #enquire(number: number, key: string, name: EpochName, decider: Participant): void {
    const asked = this.#workerOf(decider);
    asked.table.enquired(name, undefined);
    const said = asked.table.actions.findLast(
      ({ kind, asker }) => kind === EPOCH_ACTION.ANSWER && asker === undefined,
    );
    this.#carryOut(this.#workers.indexOf(asked));
    (this.#workers[number] as Worker).table.outcome(key, said?.answer as number);
    this.#carryOut(number);
  }

  #workerOf({ target }: Participant): Worker {
    return this.#workers[Number(target[0])] as Worker;
  }

  #check(): void {
    this.#origins.forEach((origin, epoch) => {
      const { coordinator } = origin;
      assert.ok(
        origin.outcome === undefined || origin.outcome === coordinator.outcome,
        "it changed its mind",
      );
      origin.outcome = coordinator.outcome;
      if (!coordinator.isFinished || this.#hadLosses || origin.onlyReads) return;
      for (const number of origin.workers) {
        const isApplied = this.#workers[number]?.applied.includes(epoch);
        assert.ok(isApplied, "it is said to be in place everywhere, and is not");
      }
    });
  }

  /** Whoever is in doubt asks, until nobody is. */
  #settle(): void {
    for (let round = 0; round < 10; round += 1) {
      this.#nowMs += FINAL_MS;
      this.#workers.forEach(({ table, log }, number) => {
        table.expire(this.#nowMs);
        this.#carryOut(number);
        while (log.length > 0) this.#logged(number);
      });
    }
    this.#checkOver();
    this.#origins.forEach(({ outcome, workers, onlyReads, confirmed }, epoch) => {
      const applied = workers.filter((number) => this.#workers[number]?.applied.includes(epoch));
      assert.notEqual(outcome, undefined, "it hangs");
      if (onlyReads) {
        const expected = confirmed === workers.length ? "committed" : "aborted";
        assert.equal(
          outcome,
          expected,
          `${confirmed} of ${workers.length} have said that it may be committed`,
        );
        assert.equal(applied.length, 0);
        return;
      }
      assert.ok(applied.length === 0 || applied.length === workers.length, "it took effect in part");
      if (outcome === "committed") assert.equal(applied.length, workers.length, "what was committed is lost");
      if (outcome === "aborted") assert.equal(applied.length, 0, "what was aborted took effect");
    });
  }

  #checkOver(): void {
    for (const { table } of this.#workers) {
      assert.equal(table.count, 0, "an epoch is left behind");
      assert.equal(table.locks.count, 0, "a lock is left behind");
    }
  }
}
