import assert from "node:assert/strict";
import { EPOCH_ACTION, EPOCH_ANSWER, type EpochAction } from "../../src/epoch/epoch-actions.ts";
import type { EpochClaim, EpochEntry } from "../../src/epoch/epoch-entry.ts";
import type { EpochTable, EpochTableParts } from "../../src/epoch/epoch-table.ts";
import { LINE_BYTES } from "../../src/wire/epoch-message.ts";
import { type EpochName, nameKey, type Participant } from "../../src/wire/epoch-name.ts";
import { type Content, type Found, type Journal, ListJournal } from "./commit-journals.ts";

/** What one epoch does at the two workers: the lines that it reads, and those that it writes. */
export interface Workload {
  readonly reads: readonly (readonly number[])[];
  readonly writes: readonly (readonly number[])[];
  /** Which of the workers decides. */
  readonly decider: number;
  /** Of each write; default 1. */
  readonly writeBytes?: number;
}

export type Event =
  | { readonly kind: "read" | "prepare" | "crash origin"; readonly epoch: number }
  /** The worker takes the next message of the origin, or the origin the worker's next answer. */
  | {
      readonly kind: "to worker" | "to origin" | "session ends";
      readonly epoch: number;
      readonly worker: number;
    }
  /** All that was appended is durable. */
  | { readonly kind: "sync" | "tick" | "recover" | "flush region"; readonly worker: number }
  /** `kill` keeps what was appended, `cut` only what was synced. */
  | { readonly kind: "kill" | "cut"; readonly worker: number }
  /** What one worker has asked the other, or answered it. */
  | { readonly kind: "relay"; readonly worker: number };

/** Who asked: an origin for its epoch, or the other worker. */
type Asker = { readonly epoch: number; readonly what: string } | { readonly relay: Asked };
type Asked = { readonly ask: "outcome" | "finish"; readonly key: string; readonly name: EpochName };
type Relayed = Asked | { readonly asked: Asked; readonly answer: number };
type Table = EpochTable<Asker, Content>;

interface Worker {
  readonly self: Participant;
  table: Table;
  life: number;
  up: boolean;
  readonly journal: Journal;
  nowMs: number;
  /** From the other worker. */
  inbox: Relayed[];
  /** Epochs whose writes are in place, in that order. */
  applied: number[];
  /** Of one that is down: what its next life begins with. */
  found?: Found;
}

interface Origin {
  up: boolean;
  state: "new" | "read" | "validating" | "preparing" | "deciding" | "finishing" | "over";
  outcome: "committed" | "aborted" | "unknown" | undefined;
  name: EpochName;
  /** What was read: by worker and line the epochs that had written it, in order. */
  seen: string[][];
  versions: number[][];
  prepared: Set<number>;
  /** By worker: the session lives at the origin, and at the worker. */
  session: boolean[];
  served: boolean[];
  toWorker: string[][];
  toOrigin: (readonly [string, number] | "lost")[][];
}

export interface WorldOptions {
  readonly journal?: () => Journal;
  readonly crashesMax?: number;
}

const WORKERS = [0, 1] as const;

/** Two workers, and origins that each commit one epoch at both of them; what happens next is up to whoever applies events. */
export class CommitWorld {
  readonly workers: Worker[];
  readonly origins: Origin[];
  crashesLeft: number;
  readonly #workloads: readonly Workload[];
  readonly #create: (parts: EpochTableParts) => Table;

  constructor(
    workloads: readonly Workload[],
    create: (parts: EpochTableParts) => Table,
    { journal = () => new ListJournal(), crashesMax = 1 }: WorldOptions = {},
  ) {
    this.crashesLeft = crashesMax;
    this.#workloads = workloads;
    this.#create = create;
    this.workers = WORKERS.map((number) => {
      const self = { target: String(number).repeat(32), worker: 0 };
      return {
        self,
        table: this.#table(self, 0),
        life: 0,
        up: true,
        journal: journal(),
        nowMs: 0,
        inbox: [],
        applied: [],
      };
    });
    this.origins = workloads.map(({ decider }, epoch) => ({
      up: true,
      state: "new",
      outcome: undefined,
      name: {
        incarnation: incarnationOf(decider, 0),
        session: epoch + 1,
        secret: secretOf(epoch),
        sequence: 1,
      },
      seen: [[], []],
      versions: [[], []],
      prepared: new Set(),
      session: [true, true],
      served: [true, true],
      toWorker: [[], []],
      toOrigin: [[], []],
    }));
    for (const { table } of this.workers)
      for (const epoch of workloads.keys()) table.sessionOpened(epoch + 1, secretOf(epoch));
  }

  #table(self: Participant, life: number): Table {
    const number = Number(self.target.at(-1));
    return this.#create({
      self,
      incarnation: incarnationOf(number, life),
      versionOf: (line) => this.#writersOf(number, line).length,
    });
  }

  /** The epochs that have written the line, in that order. */
  #writersOf(number: number, line: number): number[] {
    return this.#worker(number).applied.filter((epoch) =>
      this.#workloads[epoch]?.writes[number]?.includes(line),
    );
  }

  /** All that can happen now. */
  events(crashes: boolean, ticks: boolean): Event[] {
    const events: Event[] = [];
    for (const [epoch, origin] of this.origins.entries()) {
      if (origin.up && origin.state === "new") events.push({ kind: "read", epoch });
      if (origin.up && origin.state === "read") events.push({ kind: "prepare", epoch });
      if (origin.up && crashes && this.crashesLeft > 0) events.push({ kind: "crash origin", epoch });
      for (const worker of WORKERS) {
        const isServed = this.#worker(worker).up && origin.served[worker] === true;
        if (origin.toWorker[worker]?.length && isServed) events.push({ kind: "to worker", epoch, worker });
        if (origin.toOrigin[worker]?.length && origin.up) events.push({ kind: "to origin", epoch, worker });
        if (!origin.up && isServed) events.push({ kind: "session ends", epoch, worker });
      }
    }
    for (const worker of WORKERS) {
      const { up, inbox, journal, table } = this.#worker(worker);
      if (up && journal.awaitsSync) events.push({ kind: "sync", worker });
      if (up && inbox.length > 0) events.push({ kind: "relay", worker });
      if (up && ticks && Number.isFinite(table.dueMs())) events.push({ kind: "tick", worker });
      if (up && crashes && this.crashesLeft > 0)
        events.push({ kind: "kill", worker }, { kind: "cut", worker });
      if (!up) events.push({ kind: "recover", worker });
    }
    return events;
  }

  apply(event: Event): void {
    switch (event.kind) {
      case "read":
        this.#read(event.epoch);
        break;
      case "prepare":
        this.#prepare(event.epoch);
        break;
      case "crash origin":
        this.crashesLeft -= 1;
        this.#origin(event.epoch).up = false;
        break;
      case "session ends":
        this.#endSession(event.epoch, event.worker);
        break;
      case "to worker":
        this.#serve(event.epoch, event.worker);
        break;
      case "to origin":
        this.#hear(event.epoch, event.worker);
        break;
      case "sync":
        this.#sync(event.worker);
        break;
      case "tick": {
        const worker = this.#worker(event.worker);
        worker.nowMs = Math.max(worker.nowMs, worker.table.dueMs());
        worker.table.expire(worker.nowMs);
        this.#carryOut(event.worker);
        break;
      }
      case "kill":
      case "cut":
        this.#crash(event.worker, event.kind === "cut");
        break;
      case "recover":
        this.#recover(event.worker);
        break;
      case "flush region":
        this.#worker(event.worker).journal.flushRegion(this.#worker(event.worker).applied);
        break;
      case "relay":
        this.#relay(event.worker);
        break;
    }
    this.#check();
  }

  #worker(number: number): Worker {
    return this.workers[number] as Worker;
  }

  #origin(number: number): Origin {
    return this.origins[number] as Origin;
  }

  #read(epoch: number): void {
    const origin = this.#origin(epoch);
    origin.state = "read";
    for (const worker of WORKERS) {
      const reads = this.#workloads[epoch]?.reads[worker] ?? [];
      origin.seen[worker] = reads.map((line) => this.#writersOf(worker, line).join());
      origin.versions[worker] = reads.map((line) => this.#writersOf(worker, line).length);
    }
  }

  /** Asks for the commit at once where nobody else takes part. */
  #prepare(epoch: number): void {
    const origin = this.#origin(epoch);
    const { reads, writes, decider } = this.#workloads[epoch] as Workload;
    const other = 1 - decider;
    const isAlone = reads[other]?.length === 0 && writes[other]?.length === 0;
    const onlyReads = this.#writers(epoch).length === 0;
    origin.state = onlyReads ? "validating" : isAlone ? "deciding" : "preparing";
    if (onlyReads) for (const worker of WORKERS) origin.toWorker[worker]?.push("validate");
    else if (isAlone) origin.toWorker[decider]?.push("alone");
    else for (const worker of WORKERS) origin.toWorker[worker]?.push("prepare");
  }

  /** The worker takes the origin's next message. */
  #serve(epoch: number, number: number): void {
    const origin = this.#origin(epoch);
    const { table, nowMs } = this.#worker(number);
    const { reads, writes, decider, writeBytes = 1 } = this.#workloads[epoch] as Workload;
    const what = origin.toWorker[number]?.shift() as string;
    const asker = { epoch, what };
    const { name } = origin;
    const session = epoch + 1;
    if (what === "prepare" || what === "alone" || what === "validate") {
      const claim = {
        name,
        decider: this.#worker(decider).self,
        session,
        reads: reads[number] ?? [],
        versions: origin.versions[number] ?? [],
        writes: writes[number] ?? [],
      };
      const content = contentOf(epoch, claim, writeBytes);
      if (what === "validate") table.validate(claim, asker);
      else if (what === "prepare") table.prepare(claim, content, asker, nowMs);
      else table.commitAlone(claim, content, asker);
    } else if (what === "decide") table.decide(name, session, [this.#worker(1 - number).self], asker);
    else if (what === "commit" || what === "abort") table.finish(name, session, what === "commit", asker);
    else if (what === "leave") table.leave(name, session, nowMs);
    else table.acknowledged(name, this.#worker(1 - number).self);
    this.#carryOut(number);
  }

  /** The origin takes the worker's next answer. */
  #hear(epoch: number, number: number): void {
    const origin = this.#origin(epoch);
    const { decider } = this.#workloads[epoch] as Workload;
    const other = 1 - decider;
    const next = origin.toOrigin[number]?.shift();
    if (next === "lost") {
      origin.session[number] = false;
      origin.toWorker[number] = [];
      if (origin.state === "validating") this.#judge(epoch, "aborted");
      else if (origin.state === "preparing" || origin.state === "read") this.#giveUp(epoch);
      else if (origin.state === "deciding" && number === decider) {
        origin.state = "over";
        origin.outcome = "unknown";
        this.#send(epoch, other, "leave");
      } else if (origin.state === "finishing") origin.state = "over";
      return;
    }
    const [what, answer] = next as readonly [string, number];
    if (what === "validate" && origin.state === "validating") {
      if (answer === EPOCH_ANSWER.COMMITTED) origin.prepared.add(number);
      else this.#judge(epoch, "aborted");
      if (origin.prepared.size === WORKERS.length) this.#judge(epoch, "committed");
    } else if (what === "prepare" && origin.state === "preparing") {
      if (answer === EPOCH_ANSWER.PREPARED) origin.prepared.add(number);
      else this.#giveUp(epoch);
      if (origin.prepared.size === WORKERS.length) {
        origin.state = "deciding";
        this.#send(epoch, decider, "decide");
      }
    } else if (what === "decide" && origin.state === "deciding") {
      const committed = answer === EPOCH_ANSWER.COMMITTED;
      origin.outcome = committed ? "committed" : "aborted";
      origin.state = committed ? "finishing" : "over";
      this.#send(epoch, other, committed ? "commit" : "abort");
    } else if (what === "alone") {
      origin.outcome = answer === EPOCH_ANSWER.COMMITTED ? "committed" : "aborted";
      origin.state = "over";
    } else if (what === "commit" && answer === EPOCH_ANSWER.COMMITTED) {
      origin.state = "over";
      this.#send(epoch, decider, "acknowledge");
    }
  }

  /** Nobody holds anything for it. */
  #judge(epoch: number, outcome: "committed" | "aborted"): void {
    const origin = this.#origin(epoch);
    origin.state = "over";
    origin.outcome = outcome;
  }

  #giveUp(epoch: number): void {
    const origin = this.#origin(epoch);
    origin.state = "over";
    origin.outcome = "aborted";
    for (const worker of WORKERS) this.#send(epoch, worker, "abort");
  }

  #send(epoch: number, worker: number, what: string): void {
    const origin = this.#origin(epoch);
    if (origin.session[worker] === true) origin.toWorker[worker]?.push(what);
  }

  #endSession(epoch: number, number: number): void {
    const { table, nowMs } = this.#worker(number);
    this.#origin(epoch).served[number] = false;
    table.sessionEnded(epoch + 1, nowMs);
    this.#carryOut(number);
  }

  #sync(number: number): void {
    const worker = this.#worker(number);
    for (const key of worker.journal.sync()) {
      worker.table.logged(key, worker.nowMs);
      this.#carryOut(number);
    }
  }

  #carryOut(number: number): void {
    const { table, journal, nowMs } = this.#worker(number);
    for (const action of table.actions.splice(0)) this.#do(number, action);
    for (const key of journal.ready()) {
      table.logged(key, nowMs);
      this.#carryOut(number);
    }
  }

  #do(number: number, action: EpochAction<Asker, Content>): void {
    const worker = this.#worker(number);
    const { kind, entry, asker, name } = action;
    const other = this.#worker(1 - number);
    if (worker.journal.carryOut(action)) return;
    if (kind === EPOCH_ACTION.APPLY) {
      worker.applied.push((entry as EpochEntry<Asker, Content>).payload.epoch);
    } else if (kind === EPOCH_ACTION.ENQUIRE || kind === EPOCH_ACTION.ASK_FINISH) {
      const ask = kind === EPOCH_ACTION.ENQUIRE ? "outcome" : "finish";
      const asked: Asked = { ask, key: entry?.key ?? "", name: name as EpochName };
      const isUnderWay = [...other.inbox, ...worker.inbox].some(
        (one) => JSON.stringify("asked" in one ? one.asked : one) === JSON.stringify(asked),
      );
      if (other.up && !isUnderWay) other.inbox.push(asked);
    } else if (kind === EPOCH_ACTION.ANSWER && asker !== undefined) {
      const answer = action.answer as number;
      if ("relay" in asker) {
        if (other.up) other.inbox.push({ asked: asker.relay, answer });
      } else if (this.#origin(asker.epoch).served[number] === true) {
        this.#origin(asker.epoch).toOrigin[number]?.push([asker.what, answer]);
      }
    }
  }

  #relay(number: number): void {
    const worker = this.#worker(number);
    const next = worker.inbox.shift() as Relayed;
    const other = this.#worker(1 - number);
    if ("asked" in next) {
      if (next.asked.ask === "outcome") worker.table.outcome(next.asked.key, next.answer);
      else if (next.answer === EPOCH_ANSWER.COMMITTED) worker.table.acknowledged(next.asked.name, other.self);
    } else if (next.ask === "outcome") worker.table.enquired(next.name, { relay: next });
    else worker.table.askedToFinish(next.name, { relay: next });
    this.#carryOut(number);
  }

  #crash(number: number, isCut: boolean): void {
    const worker = this.#worker(number);
    this.crashesLeft -= 1;
    worker.up = false;
    worker.journal.crash(isCut);
    worker.found = worker.journal.recover();
    worker.applied = worker.found.applied;
    worker.inbox = [];
    for (const origin of this.origins) {
      if (origin.served[number] !== true) continue;
      origin.served[number] = false;
      origin.toWorker[number] = [];
      origin.toOrigin[number]?.push("lost");
    }
  }

  /** A new life, with what the log says of the last one. */
  #recover(number: number): void {
    const worker = this.#worker(number);
    worker.up = true;
    worker.life += 1;
    worker.table = this.#table(worker.self, worker.life);
    for (const [epoch, origin] of this.origins.entries()) {
      // Who has not begun begins with sessions that live.
      if (!origin.up || origin.state !== "new") continue;
      origin.session[number] = true;
      origin.served[number] = true;
      origin.toOrigin[number] = [];
      worker.table.sessionOpened(epoch + 1, secretOf(epoch));
      const { decider } = this.#workloads[epoch] as Workload;
      if (decider === number)
        origin.name = { ...origin.name, incarnation: incarnationOf(number, worker.life) };
    }
    const { decisions, inDoubt, called } = worker.found as Found;
    for (const { name, others } of decisions) worker.table.recoverDecision(name, others);
    for (const doubt of inDoubt) {
      const { name, decider, locked, content } = doubt;
      called(doubt, worker.table.recoverPrepared(name, decider, locked, content));
    }
    this.#carryOut(number);
  }

  /** Everything goes on without faults until nothing is left to do. */
  settle(): void {
    for (let steps = 0; ; steps += 1) {
      assert.ok(steps < 1000, "it comes to an end");
      const [next] = this.events(false, false);
      const [due] = this.events(false, true).filter(({ kind }) => kind === "tick");
      if (next === undefined && due === undefined) break;
      this.apply((next ?? due) as Event);
    }
    for (const { table } of this.workers) {
      assert.equal(table.count, 0, "an epoch is left behind");
      assert.equal(table.locks.count, 0, "a lock is left behind");
    }
    for (const [epoch, { outcome, up, session }] of this.origins.entries()) {
      const writers = this.#writers(epoch);
      const applied = writers.filter((worker) => this.#worker(worker).applied.includes(epoch));
      const isWhole = applied.length === 0 || applied.length === writers.length;
      assert.ok(isWhole, `epoch ${epoch} is applied at one worker only`);
      if (outcome === "committed")
        assert.equal(applied.length, writers.length, `epoch ${epoch} was acknowledged and is lost`);
      if (outcome === "aborted")
        assert.equal(applied.length, 0, `epoch ${epoch} was said to be aborted, and is applied`);
      if (up && session.every((lives) => lives)) assert.notEqual(outcome, undefined, `epoch ${epoch} hangs`);
    }
    this.#checkOrder();
  }

  /** The workers that the epoch writes at. */
  #writers(epoch: number): number[] {
    return WORKERS.filter((worker) => (this.#workloads[epoch]?.writes[worker] ?? []).length > 0);
  }

  /** What was acknowledged is never taken back. */
  #check(): void {
    for (const [epoch, { outcome }] of this.origins.entries()) {
      const { decider } = this.#workloads[epoch] as Workload;
      if (outcome === "committed" && this.#writers(epoch).includes(decider))
        assert.ok(this.#worker(decider).applied.includes(epoch), `epoch ${epoch} was taken back`);
    }
  }

  /** Those that have taken effect are as if one had come after the other. */
  #checkOrder(): void {
    const left = new Set(
      [...this.origins.entries()]
        .filter(([epoch, { outcome }]) => outcome === "committed" || this.#hasEffect(epoch))
        .map(([epoch]) => epoch),
    );
    while (left.size > 0) {
      const first = [...left].find((one) =>
        [...left].every((other) => other === one || this.#mayCome(one, other)),
      );
      assert.ok(first !== undefined, "they are in no order");
      left.delete(first);
    }
  }

  #hasEffect(epoch: number): boolean {
    return this.#writers(epoch).some((worker) => this.#worker(worker).applied.includes(epoch));
  }

  /** The first has seen nothing of the second, and the second all of the first; they wrote in that order. */
  #mayCome(first: number, second: number): boolean {
    return WORKERS.every((worker) => {
      const seen = (epoch: number, line: number): string[] => {
        const at = this.#workloads[epoch]?.reads[worker]?.indexOf(line) ?? -1;
        return (this.#origin(epoch).seen[worker]?.[at] ?? "").split(",");
      };
      const writes = (epoch: number): readonly number[] => this.#workloads[epoch]?.writes[worker] ?? [];
      const reads = (epoch: number): readonly number[] => this.#workloads[epoch]?.reads[worker] ?? [];
      return (
        reads(first).every(
          (line) => !writes(second).includes(line) || !seen(first, line).includes(`${second}`),
        ) &&
        reads(second).every(
          (line) => !writes(first).includes(line) || seen(second, line).includes(`${first}`),
        ) &&
        writes(first).every((line) => {
          const order = this.#writersOf(worker, line);
          return !writes(second).includes(line) || order.indexOf(first) < order.indexOf(second);
        })
      );
    });
  }

  /** Worlds with the same description go on alike. */
  describe(): string {
    const workers = this.workers.map(({ table, life, up, journal, inbox, nowMs, applied }) => [
      life,
      up,
      applied,
      journal.describe(),
      inbox,
      [...table.entries()].map(({ key, phase, asker, enquireMs }) => [
        key,
        phase,
        asker !== undefined,
        `${enquireMs - nowMs}`,
      ]),
      [...table.decisions.open()].map(({ name, askMs }) => [nameKey(name), `${askMs - nowMs}`]),
      [...this.origins.keys()].map((epoch) => table.refusedUpTo(epoch + 1)),
    ]);
    return JSON.stringify([
      workers,
      this.origins,
      this.origins.map(({ prepared }) => [...prepared]),
      this.crashesLeft,
    ]);
  }
}

function incarnationOf(number: number, life: number): string {
  return `${number}${String(life).padStart(31, "0")}`;
}

/** Of the epoch's session, at both workers. */
function secretOf(epoch: number): string {
  return `${epoch}`.padStart(16, "0");
}

/** Each epoch writes its own number, in every byte. */
function contentOf(epoch: number, { reads, writes }: EpochClaim, writeBytes: number): Content {
  const lineOf = (line: number) => ({ inode: 1, index: 0, line });
  return {
    epoch,
    shared: reads.filter((line) => !writes.includes(line)).map(lineOf),
    writes: writes.map((line) => ({
      inode: 1,
      index: 0,
      at: line * LINE_BYTES,
      bytes: new Uint8Array(writeBytes).fill(epoch + 1),
    })),
    stable: true,
  };
}
