import type { Clock } from "../ports/clock.ts";
import type { Mailbox } from "../ports/mailbox.ts";
import type { MemoryPort } from "../ports/memory.ts";
import { ENDED, type Listener, type Stream } from "../ports/network.ts";
import { type Poller, READABLE } from "../ports/poller.ts";
import { countLatency } from "../structs/latency.ts";
import { COMMAND_LATENCY, workerAlive } from "../structs/worker-counters.ts";
import { HEADER_BYTES, MAX_PAYLOAD_BYTES } from "../wire/header.ts";
import { MALFORMED } from "./commands.ts";
import { Connection, HEADER, PUT_PAYLOAD } from "./connection.ts";
import { copyAnswersOut } from "./copied-answers.ts";
import { COUNTER } from "./counters.ts";
import { type Entered, Entrance, LISTENERS } from "./entrance.ts";
import { HeatTable } from "./heat-table.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { finishPayload, payloadCame, processStaged, type ReceiveContext } from "./receive.ts";
import { StableFlushes } from "./stable-flushes.ts";
import { WaitingCommands } from "./waiting-commands.ts";
import { WorkerEpochs } from "./worker-epochs.ts";
import { WorkerGroups } from "./worker-groups.ts";
import { WorkerLocks } from "./worker-locks.ts";
import { STAGING_BYTES, WorkerMemory } from "./worker-memory.ts";
import { WorkerNotifications } from "./worker-notifications.ts";
import type { WorkerRegion } from "./worker-region.ts";
import { type ConnectionKeeper, WorkerRegistry } from "./worker-registry.ts";
import type { WorkerSession } from "./worker-session.ts";
import { type SyncChannel, WorkerSyncs } from "./worker-syncs.ts";
import { WorkerWords } from "./worker-words.ts";

/** A step of a connection receives until it has so much, or has taken all there was: its answers then leave together. */
const RECEIVE_BYTES = 256 << 10;
/**
 * What a step of a connection sends. The largest answer leaves in two calls, without a rest behind them; in one it would keep
 * others waiting for twice as long.
 */
const SEND_BYTES = HEADER_BYTES + MAX_PAYLOAD_BYTES / 2;
/** Connections that are asked in each round whether something came; where more are at work, only the poller is asked. */
const POLLED_MAX = 4;
/** Rounds without a command after which one of them is left to the poller, too. */
const IDLE_ROUNDS = 1024;
/**
 * The poller is asked in each round while it has news, less often when it has none, but after so many rounds, or so much
 * work, in any case: so quiet connections are served while others are busy.
 */
const LOOK_ROUNDS = 16;
const LOOK_WORK = 16 << 10;
/** How long commands that were accepted may take to be answered when the worker is to stop. */
const DRAIN_MS = 1500;
const DRAIN_WAIT_MS = 5;

export interface DataPlaneParts {
  readonly memoryPort: MemoryPort;
  /** That of `doWork`; read to measure what answers took. */
  readonly clock: Clock;
  readonly poller: Poller;
  readonly tcp: Listener;
  readonly unix: Listener;
  readonly mailbox: Mailbox<FromWorker, ToWorker>;
  /** A block of structs/worker-counters.ts. */
  readonly counters: Float64Array;
  /** Until when the target may serve (service-lease.ts), on the clock of `doWork`. */
  readonly leaseEnd: Float64Array;
  /** To the drive's sync thread; never used where no region is durable. */
  readonly sync: SyncChannel;
}

/**
 * One data-plane worker: takes commands from its connections, translates and checks each, moves the bytes, answers.
 * Stepped; a step does a bounded amount of work for each connection. The loop around it decides how to wait.
 */
export class DataPlane implements ConnectionKeeper, ReceiveContext, Entered {
  readonly #parts: DataPlaneParts;
  readonly #entrance: Entrance;
  readonly memory: WorkerMemory;
  readonly counters: Float64Array;
  readonly heat: HeatTable;
  readonly flushes: StableFlushes;
  readonly #waiting: WaitingCommands;
  readonly locks: WorkerLocks;
  readonly words: WorkerWords;
  readonly groups: WorkerGroups;
  readonly epochs: WorkerEpochs;
  readonly notifications: WorkerNotifications;
  readonly #syncs: WorkerSyncs;
  readonly #registry: WorkerRegistry;
  /** By slot. */
  readonly #connections: (Connection | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  /** Connections that are stepped in each round: those with recent work. */
  readonly #active: Connection[] = [];
  /** Those with more to move than a turn moves: one of them has its turn in a round, so a short command waits for no more. */
  readonly #backlog: Connection[] = [];
  #backlogAt = 0;
  #nowMs = 0;
  /** The last reading of the clock: no connection has been stepped with work since. */
  #stepMs = 0;
  /** Rounds until the poller is asked again. */
  #lookAfter = 1;
  /** Since the poller was asked last. */
  #rounds = 0;
  #work = 0;
  #closed = false;
  /** Set once it was told to stop. */
  #drainUntilMs: number | undefined;

  constructor(parts: DataPlaneParts) {
    this.#parts = parts;
    this.counters = parts.counters;
    this.heat = new HeatTable(parts.counters);
    this.memory = new WorkerMemory(parts.memoryPort);
    this.#registry = new WorkerRegistry(parts.memoryPort, parts.mailbox, this);
    this.#syncs = new WorkerSyncs(parts.sync, parts.counters);
    this.flushes = new StableFlushes(this.#syncs, parts.counters, parts.clock, {
      activate: (slot) => void this.#activate(slot),
      regionFailed: (region, errno) => this.#registry.regionFailed(region, errno),
      syncBegins: () => this.epochs.syncBegins(),
      synced: (region, covers, settled) => this.epochs.synced(region, covers, settled),
    });
    this.epochs = new WorkerEpochs({
      memoryPort: parts.memoryPort,
      clock: parts.clock,
      counters: parts.counters,
      syncs: this.#syncs,
      post: (message) => this.#registry.post(message),
      activate: (slot) => void this.#activate(slot),
      connections: () => this.#connections,
      connectionAt: (slot) => this.#connections[slot],
      region: (key) => this.#registry.region(key),
      syncRegion: (region, done) => this.flushes.sync(region, done),
    });
    this.#waiting = new WaitingCommands((slot) => void this.#activate(slot), this.epochs.memory);
    this.notifications = new WorkerNotifications(
      parts.counters,
      parts.clock,
      this.#waiting,
      parts.memoryPort,
    );
    this.locks = new WorkerLocks(parts.counters, parts.clock, this.#waiting, {
      suspected: () => this.#registry.lockSuspected(),
      deadlock: (session, cycle) => this.#registry.lockDeadlock(session, cycle),
    });
    this.words = new WorkerWords(parts.clock, this.#waiting);
    this.groups = new WorkerGroups(parts.counters, parts.clock, this.#waiting);
    this.#entrance = new Entrance(parts.poller, parts.tcp, parts.unix, this);
  }

  /** True once it was told to stop and has closed everything. */
  get stopped(): boolean {
    return this.#closed;
  }

  /** @returns work done; 0 when there was nothing to do */
  doWork(nowMs: number): number {
    if (this.#closed) return 0;
    this.#nowMs = nowMs;
    this.#stepMs = nowMs;
    workerAlive(this.counters, nowMs);
    this.#rounds += 1;
    this.#entrance.doWork(nowMs);
    // Before the mailbox and the sync queue: a look takes in the wake of whoever fills them, so they are read after it.
    if (this.#rounds >= this.#lookAfter || this.#work >= LOOK_WORK || this.#active.length === 0)
      this.#look(0);
    let work = this.#registry.doWork();
    if (this.#registry.stopping && this.#drained()) {
      this.close();
      return 1;
    }
    work += this.#syncs.doWork();
    work += this.flushes.doWork();
    work += this.#waiting.doWork();
    work += this.locks.doWork(nowMs);
    work += this.notifications.doWork(nowMs);
    work += this.words.doWork(nowMs);
    work += this.groups.doWork(nowMs);
    work += this.epochs.doWork(nowMs);
    if (this.epochs.recovering) return work;
    if (nowMs < (this.#parts.leaseEnd[0] as number)) work += this.#stepBacklog() + this.#stepActive();
    else work += this.#fence();
    this.#work += work;
    return work;
  }

  /** Without a lease nothing is answered any more, whatever has come in time. @returns connections closed */
  #fence(): number {
    const closed = this.#entrance.connectionCount;
    for (const connection of this.#connections) {
      if (connection !== undefined) this.closeConnection(connection);
    }
    this.#active.length = 0;
    this.#backlog.length = 0;
    return closed;
  }

  /** Blocks until there may be work, at most `timeoutMs`. */
  wait(timeoutMs: number): void {
    if (this.#closed) return;
    const heldMs = this.groups.waitMs(this.locks.waitMs(timeoutMs));
    const ownMs = this.words.waitMs(this.notifications.waitMs(heldMs));
    const waitMs = this.#entrance.waitMs(this.epochs.waitMs(ownMs));
    this.#look(this.#drainUntilMs === undefined ? waitMs : DRAIN_WAIT_MS);
  }

  /** Told to stop, it takes nothing new and answers what it has accepted. @returns whether that is done, or takes too long */
  #drained(): boolean {
    if (this.#drainUntilMs === undefined) {
      this.#drainUntilMs = this.#nowMs + DRAIN_MS;
      this.#entrance.close();
    }
    if (this.#nowMs >= this.#drainUntilMs) return true;
    return this.#connections.every((connection) => connection === undefined || connection.settled());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#entrance.close();
    for (const connection of this.#connections) {
      if (connection !== undefined) this.closeConnection(connection);
    }
    this.#registry.close();
    this.epochs.close();
    this.memory.close();
  }

  session(number: number): WorkerSession | undefined {
    return this.#registry.session(number);
  }

  copyOut(region: WorkerRegion, of: Iterable<Connection | undefined> = this.#connections): void {
    copyAnswersOut(region, of, this.#connections, (connection) => this.closeConnection(connection));
  }

  cutPayloads(region: WorkerRegion, byteLength: number): void {
    for (const connection of this.#connections) connection?.cutPayload(region, byteLength);
  }

  connectionAt(slot: number): Connection | undefined {
    return this.#connections[slot];
  }

  closeConnection(connection: Connection): void {
    if (connection.closed) return;
    this.#parts.poller.unwatch(connection.stream);
    connection.session?.slots.delete(connection.slot);
    this.epochs.memory.closeMessage(connection);
    connection.close();
    // Nobody would hear of them, and what nobody knows that he holds he does not release.
    if (connection.pendingWaits > 0) this.#endWaits((connection.session as WorkerSession).number);
    this.#connections[connection.slot] = undefined;
    this.#freeSlots.push(connection.slot);
    this.#entrance.left(connection);
    this.counters[COUNTER.connections] = this.#entrance.connectionCount;
  }

  #endWaits(session: number): void {
    this.locks.endWaits(session);
    this.groups.endWaits(session);
    this.notifications.endWaits(session);
    this.words.endWaits(session);
  }

  #look(timeoutMs: number): void {
    this.#rounds = 0;
    this.#work = 0;
    const { poller } = this.#parts;
    const count = poller.wait(timeoutMs);
    let news = false;
    for (let i = 0; i < count; i += 1) {
      const token = poller.ready[i] as number;
      if (token >= LISTENERS) news = this.#activate(token - LISTENERS) || news;
      else this.#entrance.accept(token, this.#nowMs);
    }
    this.counters[COUNTER.connections] = this.#entrance.connectionCount;
    this.#lookAfter = news ? 1 : Math.min(this.#lookAfter * 2, LOOK_ROUNDS);
  }

  openConnection(stream: Stream, isUnix: boolean): Connection {
    const slot = this.#freeSlots.pop() ?? this.#connections.length;
    const connection = new Connection(stream, isUnix, slot, this.memory);
    this.#connections[slot] = connection;
    connection.interest = READABLE;
    // Not active: many who come have nothing to say, and the poller tells who has.
    this.#parts.poller.watch(stream, READABLE, slot + LISTENERS);
    return connection;
  }

  admit(connection: Connection): boolean {
    return this.#entrance.admit(connection);
  }

  /** @returns whether it was not active before */
  #activate(slot: number): boolean {
    const connection = this.#connections[slot];
    if (connection === undefined || connection.active) return false;
    // One turn, unless there is a command for it.
    connection.idleRounds = IDLE_ROUNDS;
    connection.active = true;
    this.#active.push(connection);
    return true;
  }

  #stepActive(): number {
    const active = this.#active;
    let work = 0;
    let kept = 0;
    // Connections that become active meanwhile are behind the end of this round.
    const count = active.length;
    const crowded = count > POLLED_MAX;
    for (let i = 0; i < count; i += 1) {
      const connection = active[i] as Connection;
      const done = connection.closed ? 0 : this.#measure(connection);
      work += done;
      // Who sends byte by byte is not worth being asked in each round.
      connection.idleRounds = done >= HEADER_BYTES ? 0 : connection.idleRounds + 1;
      // What of a stalled one is still to be done the poller does not know.
      const left = crowded ? !connection.stalled : connection.idleRounds > IDLE_ROUNDS;
      if (connection.backlogged && !connection.closed) {
        this.#backlog.push(connection);
      } else if (connection.closed || left || (done === 0 && connection.halted)) {
        connection.active = false;
      } else {
        active[kept] = connection;
        kept += 1;
      }
    }
    if (kept < count) {
      for (let i = count; i < active.length; i += 1, kept += 1) active[kept] = active[i] as Connection;
      active.length = kept;
    }
    return work;
  }

  /** @returns work done */
  #stepBacklog(): number {
    const backlog = this.#backlog;
    if (backlog.length === 0) return 0;
    if (this.#backlogAt >= backlog.length) this.#backlogAt = 0;
    const connection = backlog[this.#backlogAt] as Connection;
    const work = connection.closed ? 0 : this.#measure(connection);
    if (connection.backlogged && !connection.closed) {
      this.#backlogAt += 1;
      return work;
    }
    const last = backlog.pop() as Connection;
    if (last !== connection) backlog[this.#backlogAt] = last;
    if (connection.closed) connection.active = false;
    else this.#active.push(connection);
    return work;
  }

  /** Steps a connection, and counts how long what it answered took: one reading of the clock for all of it. */
  #measure(connection: Connection): number {
    const { counters } = this;
    const before = (counters[COUNTER.operations] as number) - connection.unanswered;
    const work = this.#step(connection);
    const answered = (counters[COUNTER.operations] as number) - connection.unanswered - before;
    if (answered > 0) {
      this.#stepMs = this.#parts.clock.nowMs();
      countLatency(counters, COMMAND_LATENCY, this.#stepMs - connection.receivedMs, answered);
    }
    return work;
  }

  /**
   * One turn of a connection: bounded by what it sends, what it receives and how many answers find room.
   * @returns bytes moved and commands executed, together
   */
  #step(connection: Connection): number {
    let sent = this.#send(connection, SEND_BYTES);
    let received = 0;
    if (!connection.closed && connection.stalled) received += this.#process(connection);
    if (!connection.closed && this.#mayReceive(connection)) received += this.#receive(connection);
    if (!connection.closed && sent < SEND_BYTES) sent += this.#send(connection, SEND_BYTES - sent);
    const work = sent + received;
    if (connection.closed) return work;
    connection.backlogged = sent >= SEND_BYTES || received >= RECEIVE_BYTES;
    const interest = connection.wantedInterest();
    if (interest !== connection.interest) {
      connection.interest = interest;
      this.#parts.poller.watch(connection.stream, interest, connection.slot + LISTENERS);
    }
    return work;
  }

  /** When the worker is to stop, only the payload of a command that it has accepted. */
  #mayReceive({ stalled, ending, phase }: Connection): boolean {
    return !stalled && !ending && (this.#drainUntilMs === undefined || phase !== HEADER);
  }

  #send(connection: Connection, byteMax: number): number {
    const { queue } = connection;
    if (queue.count === 0) return 0;
    const sent = queue.flush(connection.stream, byteMax);
    if (queue.count === 0) connection.payloadQueued = false;
    if (sent === ENDED) {
      this.closeConnection(connection);
      return 1;
    }
    if (connection.ending && queue.count === 0) connection.stream.endSending();
    if (sent <= 0) return 0;
    const counter = connection.isUnix ? COUNTER.unixBytesOut : COUNTER.tcpBytesOut;
    this.counters[counter] = (this.counters[counter] as number) + sent;
    return sent;
  }

  #receive(connection: Connection): number {
    let received = 0;
    for (;;) {
      if (connection.phase === PUT_PAYLOAD) {
        received += this.#receiveIntoRegion(connection, RECEIVE_BYTES - received);
        // The payload is still under way: nothing else can be behind it.
        if (connection.closed || connection.phase === PUT_PAYLOAD) return received;
      }
      const staging = connection.openStaging();
      const { end } = connection;
      const room = STAGING_BYTES - end;
      const count = connection.stream.recv(staging, end, room);
      if (count <= 0) {
        connection.closeStaging();
        if (count !== ENDED) return received;
        this.closeConnection(connection);
        return received + 1;
      }
      connection.end += count;
      this.#countIn(connection, count);
      received += count + this.#process(connection);
      if (count < room || received >= RECEIVE_BYTES) return received;
      if (connection.closed || !this.#mayReceive(connection)) return received;
    }
  }

  /** Takes payload behind what was staged straight into the region. @returns bytes received */
  #receiveIntoRegion(connection: Connection, byteMax: number): number {
    if (connection.left === 0) {
      finishPayload(connection, this.notifications);
      return 0;
    }
    const { memory } = connection.region as WorkerRegion;
    const count = connection.stream.recv(memory, connection.at, Math.min(connection.left, byteMax));
    if (count === ENDED) {
      this.closeConnection(connection);
      return 1;
    }
    if (count <= 0) return 0;
    this.#countIn(connection, count);
    payloadCame(connection, count);
    finishPayload(connection, this.notifications);
    return count;
  }

  #process(connection: Connection): number {
    const commands = processStaged(connection, this);
    if (commands !== MALFORMED) return commands;
    this.counters[COUNTER.protocolErrors] = (this.counters[COUNTER.protocolErrors] as number) + 1;
    const { session } = connection;
    if (session === undefined) this.closeConnection(connection);
    else this.#registry.violated(session, "a data connection sent a command that no client of ours sends");
    return 1;
  }

  #countIn(connection: Connection, count: number): void {
    connection.receivedMs = this.#stepMs;
    const counter = connection.isUnix ? COUNTER.unixBytesIn : COUNTER.tcpBytesIn;
    this.counters[counter] = (this.counters[counter] as number) + count;
  }
}
