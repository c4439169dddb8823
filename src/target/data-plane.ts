import type { Mailbox } from "../ports/mailbox.ts";
import type { MemoryPort } from "../ports/memory.ts";
import { ENDED, type Listener, type Stream } from "../ports/network.ts";
import { type Poller, READABLE } from "../ports/poller.ts";
import { Connection, HEADER, PUT_PAYLOAD, STAGING_BYTES } from "./connection.ts";
import { COUNTER } from "./counters.ts";
import { MALFORMED } from "./execute.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { finishPayload, payloadCame, processStaged, type ReceiveContext } from "./receive.ts";
import { StableFlushes, type SyncChannel } from "./stable-flushes.ts";
import type { WorkerRegion } from "./worker-region.ts";
import { type ConnectionKeeper, WorkerRegistry } from "./worker-registry.ts";
import type { WorkerSession } from "./worker-session.ts";

/** Connections of one worker; more are closed at once. */
const CONNECTIONS_MAX = 4096;
const ACCEPTS_PER_STEP = 16;
/** Payload that one step of one connection takes straight into a region. */
const DIRECT_BYTES = 256 << 10;
/** Rounds without work after which a connection is left to the poller. */
const IDLE_ROUNDS = 1024;
/** Every so many rounds the poller is asked, so that quiet connections are served while others are busy. */
const POLL_ROUNDS = 16;
/** How long a connection may stay without having proven its session. */
const ADMISSION_MS = 5000;
const SWEEP_MS = 1000;
/** How long commands that were accepted may take to be answered when the worker is to stop. */
const DRAIN_MS = 1500;
const DRAIN_WAIT_MS = 5;

/** Tokens below this belong to listeners; a connection's is its slot + FIRST_SLOT. */
const TCP_LISTENER = 0;
const UNIX_LISTENER = 1;
const FIRST_SLOT = 2;

export interface DataPlaneParts {
  readonly memoryPort: MemoryPort;
  readonly poller: Poller;
  readonly tcp: Listener;
  readonly unix: Listener;
  readonly mailbox: Mailbox<FromWorker, ToWorker>;
  /** See counters.ts. */
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
export class DataPlane implements ConnectionKeeper, ReceiveContext {
  readonly #parts: DataPlaneParts;
  readonly counters: Float64Array;
  readonly flushes: StableFlushes;
  readonly #registry: WorkerRegistry;
  /** By slot. */
  readonly #connections: (Connection | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  /** Connections that are stepped: those with recent work. */
  readonly #active: Connection[] = [];
  #openCount = 0;
  #nowMs = 0;
  #sweptMs = 0;
  #rounds = 0;
  #closed = false;
  /** Set once it was told to stop. */
  #drainUntilMs: number | undefined;

  constructor(parts: DataPlaneParts) {
    this.#parts = parts;
    this.counters = parts.counters;
    this.#registry = new WorkerRegistry(parts.memoryPort, parts.mailbox, this);
    this.flushes = new StableFlushes(parts.sync, parts.counters, {
      activate: (slot) => this.#activate(slot),
      regionFailed: (region, errno) => this.#registry.regionFailed(region, errno),
    });
    parts.poller.watch(parts.tcp, READABLE, TCP_LISTENER);
    parts.poller.watch(parts.unix, READABLE, UNIX_LISTENER);
  }

  /** True once it was told to stop and has closed everything. */
  get stopped(): boolean {
    return this.#closed;
  }

  /** @returns work done; 0 when there was nothing to do */
  doWork(nowMs: number): number {
    if (this.#closed) return 0;
    this.#nowMs = nowMs;
    this.#rounds += 1;
    // Before the mailbox and the sync queue: a look takes in the wake of whoever fills them, so they are read after it.
    if (this.#rounds % POLL_ROUNDS === 0 || this.#active.length === 0) this.#look(0);
    let work = this.#registry.doWork();
    if (this.#registry.stopping && this.#drained()) {
      this.close();
      return 1;
    }
    work += this.flushes.doWork();
    work += nowMs < (this.#parts.leaseEnd[0] as number) ? this.#stepActive() : this.#fence();
    if (nowMs - this.#sweptMs >= SWEEP_MS) this.#sweep();
    return work;
  }

  /** Without a lease nothing is answered any more, whatever has come in time. @returns connections closed */
  #fence(): number {
    const closed = this.#openCount;
    for (const connection of this.#connections) {
      if (connection !== undefined) this.closeConnection(connection);
    }
    this.#active.length = 0;
    return closed;
  }

  /** Blocks until there may be work, at most `timeoutMs`. */
  wait(timeoutMs: number): void {
    if (!this.#closed) this.#look(this.#drainUntilMs === undefined ? timeoutMs : DRAIN_WAIT_MS);
  }

  /** Told to stop, it takes nothing new and answers what it has accepted. @returns whether that is done, or takes too long */
  #drained(): boolean {
    if (this.#drainUntilMs === undefined) {
      this.#drainUntilMs = this.#nowMs + DRAIN_MS;
      this.#stopListening();
    }
    if (this.#nowMs >= this.#drainUntilMs) return true;
    return this.#connections.every((connection) => connection === undefined || connection.settled());
  }

  #stopListening(): void {
    const { poller, tcp, unix } = this.#parts;
    for (const listener of [tcp, unix]) {
      poller.unwatch(listener);
      listener.close();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#drainUntilMs === undefined) this.#stopListening();
    for (const connection of this.#connections) {
      if (connection !== undefined) this.closeConnection(connection);
    }
    this.#registry.close();
  }

  session(number: number): WorkerSession | undefined {
    return this.#registry.session(number);
  }

  copyOut(region: WorkerRegion): void {
    for (const connection of this.#connections) connection?.copyOut(region);
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
    connection.close();
    this.#connections[connection.slot] = undefined;
    this.#freeSlots.push(connection.slot);
    this.#openCount -= 1;
    this.counters[COUNTER.connections] = this.#openCount;
  }

  #look(timeoutMs: number): void {
    const { poller, tcp, unix } = this.#parts;
    const count = poller.wait(timeoutMs);
    for (let i = 0; i < count; i += 1) {
      const token = poller.ready[i] as number;
      if (token === TCP_LISTENER) this.#accept(tcp, false);
      else if (token === UNIX_LISTENER) this.#accept(unix, true);
      else {
        this.#activate(token - FIRST_SLOT);
      }
    }
  }

  #accept(listener: Listener, isUnix: boolean): void {
    for (let i = 0; i < ACCEPTS_PER_STEP; i += 1) {
      const stream = listener.accept();
      if (stream === undefined) return;
      if (this.#openCount >= CONNECTIONS_MAX) stream.close();
      else this.#open(stream, isUnix);
    }
  }

  #open(stream: Stream, isUnix: boolean): void {
    const slot = this.#freeSlots.pop() ?? this.#connections.length;
    const connection = new Connection(stream, isUnix, slot, this.#nowMs, this.#parts.memoryPort);
    this.#connections[slot] = connection;
    this.#openCount += 1;
    this.counters[COUNTER.connections] = this.#openCount;
    connection.interest = READABLE;
    this.#parts.poller.watch(stream, READABLE, slot + FIRST_SLOT);
    this.#activate(slot);
  }

  #activate(slot: number): void {
    const connection = this.#connections[slot];
    if (connection === undefined) return;
    connection.idleRounds = 0;
    if (connection.active) return;
    connection.active = true;
    this.#active.push(connection);
  }

  #stepActive(): number {
    const active = this.#active;
    let work = 0;
    let kept = 0;
    // Connections that become active meanwhile are behind the end of this round.
    const count = active.length;
    for (let i = 0; i < count; i += 1) {
      const connection = active[i] as Connection;
      const done = connection.closed ? 0 : this.#step(connection);
      work += done;
      connection.idleRounds = done > 0 ? 0 : connection.idleRounds + 1;
      if (connection.closed || connection.idleRounds > IDLE_ROUNDS) {
        connection.active = false;
      } else {
        active[kept] = connection;
        kept += 1;
      }
    }
    if (kept < count) active.splice(kept, count - kept);
    return work;
  }

  /** @returns bytes moved and commands executed, together */
  #step(connection: Connection): number {
    let work = this.#send(connection);
    if (!connection.closed && connection.stalled) work += this.#process(connection);
    if (!connection.closed && this.#mayReceive(connection)) work += this.#receive(connection);
    if (connection.closed) return work;
    work += this.#send(connection);
    if (connection.closed) return work;
    const interest = connection.wantedInterest();
    if (interest !== connection.interest) {
      connection.interest = interest;
      this.#parts.poller.watch(connection.stream, interest, connection.slot + FIRST_SLOT);
    }
    return work;
  }

  /** When the worker is to stop, only the payload of a command that it has accepted. */
  #mayReceive({ stalled, ending, phase }: Connection): boolean {
    return !stalled && !ending && (this.#drainUntilMs === undefined || phase !== HEADER);
  }

  #send(connection: Connection): number {
    const { queue } = connection;
    if (queue.count === 0) return 0;
    const sent = queue.flush(connection.stream);
    if (queue.count === 0) connection.payloadQueued = false;
    if (sent === ENDED || (connection.ending && queue.count === 0)) {
      this.closeConnection(connection);
      return 1;
    }
    if (sent <= 0) return 0;
    const counter = connection.isUnix ? COUNTER.unixBytesOut : COUNTER.tcpBytesOut;
    this.counters[counter] = (this.counters[counter] as number) + sent;
    return sent;
  }

  #receive(connection: Connection): number {
    let received = 0;
    if (connection.phase === PUT_PAYLOAD) {
      received = this.#receiveIntoRegion(connection);
      // The payload is still under way: nothing else can be behind it.
      if (connection.closed || connection.phase === PUT_PAYLOAD) return received;
    }
    const { staging, end } = connection;
    const count = connection.stream.recv(staging, end, STAGING_BYTES - end);
    if (count === ENDED) {
      this.closeConnection(connection);
      return received + 1;
    }
    if (count <= 0) return received;
    connection.end += count;
    this.#countIn(connection, count);
    received += count + this.#process(connection);
    if (!connection.closed && connection.phase === PUT_PAYLOAD)
      received += this.#receiveIntoRegion(connection);
    return received;
  }

  /** Takes payload behind what was staged straight into the region. @returns bytes received */
  #receiveIntoRegion(connection: Connection): number {
    if (connection.left > 0) {
      const { memory } = connection.region as WorkerRegion;
      const count = connection.stream.recv(memory, connection.at, Math.min(connection.left, DIRECT_BYTES));
      if (count === ENDED) {
        this.closeConnection(connection);
        return 1;
      }
      if (count <= 0) return 0;
      this.#countIn(connection, count);
      payloadCame(connection, count);
      finishPayload(connection);
      return count;
    }
    finishPayload(connection);
    return 0;
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
    const counter = connection.isUnix ? COUNTER.unixBytesIn : COUNTER.tcpBytesIn;
    this.counters[counter] = (this.counters[counter] as number) + count;
  }

  /** Closes connections that never proved their session. */
  #sweep(): void {
    this.#sweptMs = this.#nowMs;
    for (const connection of this.#connections) {
      if (connection !== undefined && connection.session === undefined) {
        if (this.#nowMs - connection.openedMs > ADMISSION_MS) this.closeConnection(connection);
      }
    }
  }
}
