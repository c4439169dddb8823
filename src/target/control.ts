import type { Clock } from "../ports/clock.ts";
import type { Drive } from "../ports/drive.ts";
import type { Mailbox } from "../ports/mailbox.ts";
import type { MemoryPort } from "../ports/memory.ts";
import type { Address, Network } from "../ports/network.ts";
import type { Poller } from "../ports/poller.ts";
import type { Random } from "../ports/random.ts";
import { RpcServer } from "../rpc/server.ts";
import type { DidafsError } from "../std/errors.ts";
import { errorFields, type Logger } from "../std/logger.ts";
import type { Endpoint, Params } from "../wire/control.ts";
import { CapabilityChecks } from "./capability-checks.ts";
import { sumCounters } from "./counters.ts";
import { DirectGrants } from "./direct-grants.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { OpenRegions } from "./open-regions.ts";
import { RegionCalls } from "./region-calls.ts";
import { RegionStore } from "./region-store.ts";
import { Registration } from "./registration.ts";
import { RoomLog } from "./room-log.ts";
import { ServiceLease } from "./service-lease.ts";
import { Sessions } from "./sessions.ts";
import type { SyncChannel } from "./stable-flushes.ts";
import { SyncClient } from "./sync-client.ts";
import { type WorkerEvents, WorkerLink } from "./worker-link.ts";

/** Control channels, which is to say sessions, at a time. */
const CHANNELS_MAX = 4096;
/** How long the last calls may take to be answered when the target stops. */
const LEAVE_MS = 1000;
/** All channels are stepped every time, so what the poller reports for them says nothing. */
const POLL_TOKEN = 0;

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
  /** To the drive's sync thread; never used where the drive is not durable. */
  readonly sync: SyncChannel;
  readonly workers: readonly WorkerParts[];
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
  readonly #lease: ServiceLease;
  readonly #checks: CapabilityChecks;
  readonly #sessions: Sessions;
  readonly #server: RpcServer;
  readonly #registration: Registration;
  readonly #room: RoomLog;
  readonly #endpoint: Endpoint;

  constructor(parts: TargetControlParts) {
    this.#parts = parts;
    const { memory, random, clock, drive, uid } = parts;
    const events = this.#workerEvents();
    this.#workers = parts.workers.map(({ mailbox }) => new WorkerLink(mailbox, events));
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
      durable: drive.durable,
      log: parts.log,
    });
    this.#room = new RoomLog(parts.log);
    this.#server = this.#createServer();
    this.#endpoint = this.#listen();
    this.#registration = this.#createRegistration();
  }

  /** Of this life of the target. */
  get incarnation(): string {
    return this.#lease.incarnation;
  }

  /** Regions taken out of service because their sync failed. */
  failedRegionCount = 0;

  /** True once the metadata service knows this target. */
  get registered(): boolean {
    return this.#registration.registered;
  }

  /** What ended the last attempt to register, if it failed. */
  get registrationFailure(): DidafsError | undefined {
    return this.#registration.failure;
  }

  /** @returns work done; 0 when there was nothing to do */
  doWork(nowMs: number): number {
    // First of all: what waited while the target was paused is not for this life any more.
    if (this.#lease.ranOut(nowMs)) this.#fence();
    let work = this.#sessions.doWork(nowMs);
    for (const worker of this.#workers) work += worker.doWork();
    work += this.#sync.doWork();
    work += this.#server.doWork(nowMs);
    return work + this.#registration.doWork(nowMs);
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
  }

  #workerEvents(): WorkerEvents {
    return {
      sessionViolated: (session, reason) => {
        this.#parts.log.warn("a session broke the protocol", { session, reason });
        this.#sessions.violated(session, reason);
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
        "region.revoke": async ({ inode, index, gen }) => {
          await this.#sessions.revoke(inode, index, gen);
          return {};
        },
      },
      describe: () => ({
        endpoint: this.#endpoint,
        name,
        pid,
        ...this.#store.capacity(),
        incarnation: this.#lease.incarnation,
        former,
      }),
      heartbeat: () => this.report(),
      onFault: (error, method) => this.#fault(error, method),
    });
  }

  /** What the target says about itself. */
  report(): Params<"meta.heartbeat"> {
    return {
      ...this.#store.capacity(),
      regions: this.#store.count,
      sessions: this.#sessions.count,
      counters: this.#counters(),
    };
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

  #fault(error: unknown, method: string): void {
    this.#parts.log.error("a call failed by a fault", { method, ...errorFields(error) });
  }
}
