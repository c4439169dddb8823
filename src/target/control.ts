import type { Clock } from "../ports/clock.ts";
import type { Drive } from "../ports/drive.ts";
import type { Mailbox } from "../ports/mailbox.ts";
import type { MemoryPort } from "../ports/memory.ts";
import type { Address, Network } from "../ports/network.ts";
import type { Poller } from "../ports/poller.ts";
import type { Processes } from "../ports/process.ts";
import type { Random } from "../ports/random.ts";
import { RpcServer } from "../rpc/server.ts";
import type { DidafsError } from "../std/errors.ts";
import { errorFields, type Logger } from "../std/logger.ts";
import { type ControlCounts, controlAlive, writeControlCounts } from "../structs/control-counters.ts";
import { type Latency, latencySum, readLatency } from "../structs/latency.ts";
import { COMMAND_LATENCY, FLUSH_LATENCY } from "../structs/worker-counters.ts";
import type { Endpoint, Params, Result } from "../wire/control.ts";
import { LEASE_GRACE } from "../wire/leases.ts";
import { BoardGrants } from "./board-grants.ts";
import { CapabilityChecks } from "./capability-checks.ts";
import { COUNTER, sumCounters } from "./counters.ts";
import { DirectGrants } from "./direct-grants.ts";
import { EpochControl } from "./epoch-control.ts";
import type { LeaseRecord } from "./lease-record.ts";
import { LineGrants } from "./line-grants.ts";
import { LockOrphans } from "./lock-orphans.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { OpenRegions } from "./open-regions.ts";
import { RegionCalls } from "./region-calls.ts";
import { RegionStore } from "./region-store.ts";
import { Registration } from "./registration.ts";
import { RoomLog } from "./room-log.ts";
import { ServiceLease } from "./service-lease.ts";
import { Sessions } from "./sessions.ts";
import { SyncClient } from "./sync-client.ts";
import { type WorkerEvents, WorkerLink } from "./worker-link.ts";
import type { SyncChannel } from "./worker-syncs.ts";

/** Control channels, which is to say sessions, at a time. */
const CHANNELS_MAX = 4096;
/** How long the last calls may take to be answered when the target stops. */
const LEAVE_MS = 1000;
/** Between two times that the control thread writes down its counts. */
const PUBLISH_MS = 100;
/** Between two times that the metadata service is told of waits that last. */
const SUSPECT_MS = 100;
/** Waits that are told at a time: 900 bytes each at most, so that they fit a message. */
const WAITS_MAX = 700;
/** All channels are stepped every time, so what the poller reports for them says nothing. */
const POLL_TOKEN = 0;
const INCARNATION_BYTES = 16;

type TcpAddress = Endpoint["tcp"]["control"];
type UnixAddress = Endpoint["unix"]["control"];

/** One data-plane worker, as the control thread reaches it. */
export interface WorkerParts {
  readonly mailbox: Mailbox<ToWorker, FromWorker>;
  readonly counters: Float64Array;
  readonly tcp: TcpAddress;
  readonly unix: UnixAddress;
}

export interface TargetControlParts {
  readonly network: Network;
  readonly memory: MemoryPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly poller: Poller;
  readonly drive: Drive;
  /** Where the logs of epochs lie: `drive`, or one of files where that is memory. It is synced where `drive` is durable. */
  readonly logs: Drive;
  /** Memory of this process, for the versions of lines (line-grants.ts) and notice boards (board-grants.ts). */
  readonly lines: Drive;
  /** How long a new one is where there is room for it; default 64 MiB. */
  readonly logBytes?: number | undefined;
  /** To the drive's sync thread; never used where the drive is not durable. */
  readonly sync: SyncChannel;
  readonly workers: readonly WorkerParts[];
  /** A block of structs/control-counters.ts. */
  readonly counters: Float64Array;
  /** The target's identity, 32 hex digits. */
  readonly id: string;
  /** What people call it. */
  readonly name: string;
  readonly pid: number;
  /** The user that the target runs as. */
  readonly uid: number;
  /** Of the cluster: what origins prove. */
  readonly key: Uint8Array;
  /** Of its services. */
  readonly serviceKey: Uint8Array;
  /** Shared with the workers (service-lease.ts). */
  readonly leaseEnd: Float64Array;
  /** The incarnation before this process, which has ended for sure. */
  readonly former?: string | undefined;
  readonly meta: Address;
  /** Where origins' control channels come in; port 0 lets the kernel choose. */
  readonly tcp: TcpAddress;
  readonly unix: UnixAddress;
  /** Without it nobody is known to have ended before his lease. */
  readonly processes?: Processes | undefined;
  /** Without it no earlier life has granted a lease. */
  readonly leases: LeaseRecord;
  /** See Registration. */
  readonly admitCluster: (id: string) => void;
  readonly closeDescriptor: (descriptor: number) => void;
  readonly log: Logger;
}

/** The control thread of a target: sessions, bindings, regions, and its registration. Stepped. */
export class TargetControl {
  readonly #parts: TargetControlParts;
  readonly #workers: readonly WorkerLink[];
  readonly #sync: SyncClient;
  readonly #store: RegionStore;
  readonly #regions: OpenRegions;
  readonly #grants: DirectGrants;
  /** Of this process: sessions are numbered in it, and leases may come and go. */
  readonly #life: string;
  readonly #lease: ServiceLease;
  readonly #checks: CapabilityChecks;
  readonly #orphans: LockOrphans;
  readonly #sessions: Sessions;
  readonly #epochs: EpochControl;
  readonly #server: RpcServer;
  readonly #registration: Registration;
  readonly #room: RoomLog;
  readonly #endpoint: Endpoint;

  constructor(parts: TargetControlParts) {
    this.#parts = parts;
    const { memory, random, clock, drive, uid } = parts;
    this.#life = Buffer.from(random.bytes(INCARNATION_BYTES)).toString("hex");
    this.#workers = parts.workers.map(
      ({ mailbox }, worker) => new WorkerLink(mailbox, this.#workerEvents(worker)),
    );
    this.#orphans = new LockOrphans(this.#workers, parts.processes, parts.log);
    this.#holdLocks();
    this.#sync = new SyncClient(parts.sync);
    this.#store = new RegionStore(drive, memory, this.#sync);
    this.#regions = new OpenRegions(this.#store, this.#workers);
    this.#grants = new DirectGrants(this.#regions, uid, parts.closeDescriptor);
    this.#lease = new ServiceLease({ ...parts, target: parts.id });
    this.#checks = new CapabilityChecks(this.#lease, clock);
    this.#sessions = new Sessions({
      clock,
      lease: this.#lease,
      checks: this.#checks,
      regions: this.#regions,
      workers: this.#workers,
      random,
      grants: this.#grants,
      lines: new LineGrants(parts.lines, this.#regions, this.#workers, parts.closeDescriptor),
      boards: new BoardGrants({
        drive: parts.lines,
        regions: this.#regions,
        workers: this.#workers,
        processes: parts.processes,
        random,
      }),
      processes: parts.processes,
      orphans: this.#orphans,
      leases: parts.leases,
      announce: () => this.#registration.call("meta.heartbeat", this.report()),
      durable: drive.durable,
      incarnation: this.#life,
      log: parts.log,
    });
    this.#room = new RoomLog(parts.log);
    this.#epochs = new EpochControl({
      ...parts,
      logBytes: parts.logBytes,
      incarnation: this.#life,
      workers: this.#workers,
      store: this.#store,
      regions: this.#regions,
      sync: this.#sync,
      room: this.#room,
      call: (method, params) => this.#registration.call(method, params),
      onFault: (error, what) => this.#fault(error, what),
    });
    this.#server = this.#createServer();
    this.#endpoint = this.#listen();
    this.#registration = this.#createRegistration();
  }

  /** What an earlier life has locked may be believed in as long as its leases last. */
  #holdLocks(): void {
    const { leases, clock, log } = this.#parts;
    if (leases.formerMs === 0) return;
    const graceMs = leases.formerMs * LEASE_GRACE;
    log.info("no lock is granted until every lease of the life before has ended", { graceMs });
    for (const worker of this.#workers) worker.holdLocks(clock.nowMs() + graceMs);
  }

  #suspect(): void {
    const nowMs = this.#parts.clock.nowMs();
    if (nowMs - this.#suspectedMs < SUSPECT_MS) return;
    this.#suspectedMs = nowMs;
    this.#registration.suspectDeadlock();
  }

  async #lockWaits(): Promise<Result<"lock.waits">["waits"]> {
    const waits = await Promise.all(
      this.#workers.map(async (link, worker) =>
        (await link.lockWaits()).map((wait) => ({ worker, ...wait })),
      ),
    );
    return waits.flat().slice(0, WAITS_MAX);
  }

  /** Locks that are held, also by sessions that have ended. */
  get lockCount(): number {
    return this.#parts.workers.reduce(
      (sum, { counters }) => sum + (counters[COUNTER.locksHeld] as number),
      0,
    );
  }

  /** Of this life of the target. */
  get incarnation(): string {
    return this.#lease.incarnation;
  }

  /** Regions taken out of service because their sync failed. */
  failedRegionCount = 0;
  /** Workers that take no epochs any more, because a sync of their log failed. */
  failedLogCount = 0;
  #violationCount = 0;
  #faultCount = 0;
  #publishedMs = Number.NEGATIVE_INFINITY;
  #suspectedMs = Number.NEGATIVE_INFINITY;

  /** True once the metadata service knows this target. */
  get registered(): boolean {
    return this.#registration.registered;
  }

  /** What kept it from recovering what a former life has left; it never serves then. */
  get recoveryFailure(): Error | undefined {
    return this.#epochs.failure;
  }

  /** What ended the last attempt to register, if it failed. */
  get registrationFailure(): DidafsError | undefined {
    return this.#registration.failure;
  }

  /** @returns work done; 0 when there was nothing to do */
  doWork(nowMs: number): number {
    controlAlive(this.#parts.counters, nowMs);
    if (nowMs - this.#publishedMs >= PUBLISH_MS) this.#publish(nowMs);
    // First of all: what waited while the target was paused is not for this life any more.
    if (this.#lease.ranOut(nowMs)) this.#fence();
    let work = this.#sessions.doWork(nowMs) + this.#orphans.doWork(nowMs);
    for (const worker of this.#workers) work += worker.doWork();
    work += this.#sync.doWork();
    work += this.#server.doWork(nowMs) + this.#epochs.doWork(nowMs);
    // Who registers is to serve.
    return this.#epochs.recovered ? work + this.#registration.doWork(nowMs) : work;
  }

  /** When it is to be stepped though nothing came. */
  dueMs(): number {
    const [served, sessions, orphans] = [this.#server.dueMs(), this.#sessions.dueMs(), this.#orphans.dueMs()];
    const registered = this.#epochs.recovered ? this.#registration.dueMs() : Number.POSITIVE_INFINITY;
    return Math.min(served, registered, sessions, orphans, this.#lease.dueMs(), this.#epochs.dueMs());
  }

  #fence(): void {
    this.#parts.log.warn("the lease of the metadata service has run out: all sessions end");
    this.#sessions.endAll();
    this.#registration.restart();
  }

  /** True while an answer is awaited that ends no wait of the poller by itself. */
  busy(): boolean {
    return this.#registration.busy || this.#sync.pendingCount > 0 || this.#pendingOrders() > 0;
  }

  #pendingOrders(): number {
    return this.#workers.reduce((sum, worker) => sum + worker.pendingCount, 0);
  }

  /**
   * Takes no new session, answers the accesses, flushes and calls that were accepted, ends all sessions and leaves. Bounded;
   * to be stepped until it resolves.
   */
  async close(): Promise<void> {
    this.#parts.log.info("draining", { sessions: this.#sessions.count });
    this.#server.stopListening();
    // First, because the end of a session ends its data connections.
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    await Promise.all([this.#server.drain(LEAVE_MS), this.#registration.close(LEAVE_MS)]);
    this.#regions.closeAll();
    this.#epochs.close();
    this.#orphans.close();
  }

  #workerEvents(worker: number): WorkerEvents {
    return {
      epochLogWanted: () => this.#epochs.giveLog(worker),
      epochLogFailed: (errno) => {
        const message =
          "a sync failed, of the log of epochs: they are refused until this target is started again";
        this.#parts.log.error(message, { worker, errno });
        this.failedLogCount += 1;
      },
      epochEnquire: (key, name, decider) => this.#epochs.enquiries.enquire(worker, key, name, decider),
      epochAskFinish: (name, participant) => this.#epochs.enquiries.askFinish(worker, name, participant),
      lockSuspected: () => this.#suspect(),
      lockDeadlock: (session, cycle) => this.#sessions.deadlocked(session, cycle),
      sessionViolated: (session, reason) => {
        this.#parts.log.warn("a session broke the protocol", { session, reason });
        this.#sessions.violated(session, reason);
        this.#violationCount += 1;
      },
      regionFailed: (inode, index, errno) => {
        this.#parts.log.error("a sync failed: the region is not served any more", { inode, index, errno });
        this.#regions.failed(inode, index);
        this.failedRegionCount += 1;
      },
    };
  }

  #createServer(): RpcServer {
    const { network, memory, clock, random, poller, key, id } = this.#parts;
    return new RpcServer({
      network,
      memory,
      clock,
      random,
      identity: { keys: { origin: key }, service: "target", id },
      channelsMax: CHANNELS_MAX,
      onOpen: (_, transcript) => this.#sessions.handlers(transcript),
      onClose: (channel, reason) => this.#sessions.channelEnded(channel, reason),
      onFault: (error, method) => this.#fault(error, method),
      poller,
      pollToken: POLL_TOKEN,
    });
  }

  #listen(): Endpoint {
    const { id, drive, tcp, unix, workers } = this.#parts;
    return {
      target: id,
      drive: drive.kind,
      tcp: {
        control: this.#server.listen(tcp) as TcpAddress,
        workers: workers.map((worker) => worker.tcp),
      },
      unix: {
        control: this.#server.listen(unix) as UnixAddress,
        workers: workers.map((worker) => worker.unix),
      },
    };
  }

  #createRegistration(): Registration {
    const { network, memory, clock, random, poller, serviceKey, meta, name, pid, former, admitCluster, log } =
      this.#parts;
    return new Registration({
      network,
      memory,
      clock,
      random,
      poller,
      pollToken: POLL_TOKEN,
      serviceKey,
      lease: this.#lease,
      meta,
      admitCluster,
      log,
      handlers: {
        ...new RegionCalls(this.#store, this.#regions, this.#room).handlers(),
        ...this.#epochs.enquiries.handlers(),
        "region.revoke": async ({ inode, index, gen }) => {
          await this.#sessions.revoke(inode, index, gen);
          return {};
        },
        "lock.waits": async () => ({ waits: await this.#lockWaits() }),
        "lock.abort": ({ worker, session, id, cycle }) => {
          this.#workers[worker]?.abortLock(session, id, cycle);
          return {};
        },
      },
      describe: () => ({
        endpoint: this.#endpoint,
        name,
        pid,
        medium: this.#store.medium,
        report: this.report(),
        incarnation: this.#lease.incarnation,
        former,
      }),
      report: () => this.report(),
      onFault: (error, method) => this.#fault(error, method),
    });
  }

  /** What the target says about itself. */
  report(): Params<"meta.heartbeat"> {
    return {
      ...this.#store.capacity(),
      regions: this.#store.count,
      sessions: this.#sessions.count,
      leaseMs: this.#sessions.longestLeaseMs,
      counters: this.#counters(),
    };
  }

  /** How long commands and stable flushes took at the workers. */
  latencies(): { commands: Latency; flushes: Latency } {
    const sumAt = (at: number): Latency =>
      latencySum(this.#parts.workers.map(({ counters }) => readLatency(counters, at)));
    return { commands: sumAt(COMMAND_LATENCY), flushes: sumAt(FLUSH_LATENCY) };
  }

  #counters(): Record<string, number> {
    const { mappings, mappedBytes } = this.#grants;
    return {
      ...sumCounters(this.#parts.workers.map(({ counters }) => counters)),
      mappings,
      mappedBytes,
      ...this.#checks.counters,
    };
  }

  #publish(nowMs: number): void {
    this.#publishedMs = nowMs;
    const { mappings, mappedBytes } = this.#grants;
    writeControlCounts(this.#parts.counters, {
      sessions: this.#sessions.count,
      mappings,
      mappedBytes,
      failedRegions: this.failedRegionCount,
      violations: this.#violationCount,
      faults: this.#faultCount,
      ...this.#checks.counters,
    } satisfies ControlCounts);
  }

  #fault(error: unknown, method: string): void {
    this.#faultCount += 1;
    this.#parts.log.error("a call failed by a fault", { method, ...errorFields(error) });
  }
}
