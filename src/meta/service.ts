import type { Clock } from "../ports/clock.ts";
import type { KvEngine, KvReader } from "../ports/kv.ts";
import type { MemoryPort } from "../ports/memory.ts";
import type { Address, Network } from "../ports/network.ts";
import type { Poller } from "../ports/poller.ts";
import type { Random } from "../ports/random.ts";
import type { Channel, Handlers } from "../rpc/handlers.ts";
import { RpcServer } from "../rpc/server.ts";
import { Deadlines } from "../std/deadlines.ts";
import { DidafsError } from "../std/errors.ts";
import { errorFields, type Logger } from "../std/logger.ts";
import type { Params, Result } from "../wire/control.ts";
import { TARGET_LEASE_MS } from "../wire/leases.ts";
import { attributeCalls } from "./attribute-calls.ts";
import { CallStats } from "./call-stats.ts";
import { CheckCalls } from "./check-calls.ts";
import { isStranger, noteTarget } from "./cluster-targets.ts";
import { FileCreator, type Found } from "./creation.ts";
import { Deadlocks } from "./deadlocks.ts";
import { EpochCalls } from "./epoch-calls.ts";
import { Grants } from "./grants.ts";
import { GroupHomes } from "./group-homes.ts";
import { statOf } from "./inode-record.ts";
import { NamespaceCalls } from "./namespace-calls.ts";
import { OpenFiles } from "./open-files.ts";
import { CHANNEL_LEASE_MS, Origins } from "./origins.ts";
import { Orphans } from "./orphans.ts";
import { NAME_BYTES_MAX, PATH_BYTES_MAX, type Path, parsePath, pathError } from "./path.ts";
import { Reclaimer } from "./reclaimer.ts";
import { RegionSweeper } from "./region-sweeper.ts";
import { HEARTBEAT_MS, type KnownTarget, TargetRegistry } from "./registry.ts";
import { Resizer } from "./resizer.ts";
import { Revocation } from "./revocation.ts";
import { MetaStore } from "./store.ts";
import type { OpenCheck } from "./subject.ts";
import { countInodes, findInode, getInode } from "./tables.ts";
import { locateBeyond, locateEntry } from "./walk.ts";

const CHANNELS_MAX = 4096;
/** How often a name may be taken by others, and be gone again, while an opening makes its file. */
const OPEN_TRIES_MAX = 16;

export interface MetaServiceParts {
  readonly network: Network;
  readonly memory: MemoryPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly poller?: Poller | undefined;
  readonly engine: KvEngine;
  /** Of the cluster: what origins prove. */
  readonly key: Uint8Array;
  /** Of its services: what targets prove, and what capabilities are signed with. */
  readonly serviceKey: Uint8Array;
  /** Of this program, for status. */
  readonly version: string;
  readonly pid: number;
  readonly log: Logger;
  /** Where the cluster's supervisor serves /metrics and /healthz, for status. */
  readonly metricsUrl?: string | undefined;
  /** Targets that the cluster has, whether they have registered or not. */
  readonly knownTargets?: readonly KnownTarget[] | undefined;
}

/**
 * The metadata service: names, layouts, and which targets there are. Stepped by `doWork`; all that lasts is in the
 * engine, and is durable before it is answered.
 */
export class MetaService {
  readonly #parts: MetaServiceParts;
  readonly #store: MetaStore;
  readonly #registry: TargetRegistry;
  readonly #origins = new Origins();
  readonly #grants: Grants;
  readonly #revocation: Revocation;
  readonly #deadlines = new Deadlines();
  readonly #reclaimer: Reclaimer;
  readonly #creator: FileCreator;
  readonly #openFiles: OpenFiles;
  readonly #orphans: Orphans;
  readonly #sweeper: RegionSweeper;
  readonly #resizer: Resizer;
  readonly #deadlocks: Deadlocks;
  readonly #epochs: EpochCalls;
  readonly #forOrigins: Handlers;
  readonly #server: RpcServer;
  readonly #calls: CallStats;

  private constructor(parts: MetaServiceParts, store: MetaStore) {
    const { clock, key, serviceKey, log } = parts;
    this.#parts = parts;
    this.#store = store;
    const registry = new TargetRegistry(parts.knownTargets);
    this.#registry = registry;
    this.#grants = new Grants(serviceKey, registry, clock);
    this.#calls = new CallStats(clock, log, (channel) => this.#origins.heard(channel, clock.nowMs()));
    const deadlines = this.#deadlines;
    const openFiles = new OpenFiles(clock, store.firstOwnInode, (inode) => this.#orphans.closed(inode));
    const reclaimer = new Reclaimer(store, registry, openFiles, clock, log);
    this.#openFiles = openFiles;
    this.#reclaimer = reclaimer;
    this.#orphans = new Orphans({ store, openFiles, reclaimer, clock, log });
    this.#creator = new FileCreator({ store, registry, openFiles, reclaimer, clock });
    this.#sweeper = new RegionSweeper(store, openFiles, log);
    this.#resizer = new Resizer(store, registry, clock);
    this.#epochs = new EpochCalls(registry, store);
    this.#deadlocks = new Deadlocks(registry, deadlines, clock, log);
    this.#revocation = new Revocation({ store, registry, deadlines, clock });
    const checkOpen: OpenCheck = (subject, channel) => {
      if ("inode" in subject) this.#openFile(subject.inode, channel);
    };
    this.#forOrigins = {
      ...new NamespaceCalls({ store, openFiles, reclaimer, deadlines, clock, checkOpen }).handlers,
      ...attributeCalls(store, clock, checkOpen),
      ...new CheckCalls({ store, registry, openFiles, resizer: this.#resizer, clock }).handlers,
      ...new GroupHomes(store, registry, clock).handlers,
      ...this.#forFiles,
    };
    this.#server = new RpcServer({
      ...parts,
      identity: { keys: { origin: key, target: serviceKey }, service: "meta", id: store.clusterId },
      channelsMax: CHANNELS_MAX,
      onOpen: (channel, { role }) => {
        if (role === "target")
          return this.#calls.counted({ ...this.#forTargets, ...this.#epochs.handlers }, role);
        this.#origins.opened(channel, clock.nowMs());
        return this.#calls.counted(this.#forOrigins, role);
      },
      onClose: (channel, reason) => this.#lost(channel, reason),
      onFault: (error, method) =>
        parts.log.error("a call failed by a fault", { method, ...errorFields(error) }),
    });
    // What a crash has left thrown away and not yet emptied.
    void this.#reclaimer.empty();
  }

  /** @throws ERR_VERSION, ERR_CORRUPT, ERR_NO_SPACE, ERR_IO: see MetaStore.open */
  static async open(parts: MetaServiceParts): Promise<MetaService> {
    return new MetaService(parts, await MetaStore.open(parts.engine, parts.random, parts.clock.wallMs()));
  }

  /** Identity of the cluster, 32 hex digits. */
  get id(): string {
    return this.#store.clusterId;
  }

  /** What was called, how it ended and how long it took. */
  get calls(): CallStats {
    return this.#calls;
  }

  /** Connected origins and targets. */
  get channelCount(): number {
    return this.#server.channelCount;
  }

  /** @returns the address to connect to @throws ERR_PORT_IN_USE, ERR_INVALID_ARGUMENT */
  listen(address: Address): Address {
    return this.#server.listen(address);
  }

  doWork(nowMs: number): number {
    const taken = this.#server.doWork(nowMs);
    this.#registry.listened(nowMs);
    // After that: what came while the service was held up counts.
    const ended = this.#origins.doWork(nowMs);
    const freed = this.#orphans.doWork(nowMs) + this.#reclaimer.doWork(nowMs);
    return taken + ended + freed + this.#deadlines.doWork(nowMs);
  }

  /** When it is to be stepped though nothing came. */
  dueMs(): number {
    const [listened, ended, freed] = [this.#server.dueMs(), this.#origins.dueMs(), this.#reclaimer.dueMs()];
    return Math.min(listened, ended, freed, this.#orphans.dueMs(), this.#deadlines.dueMs());
  }

  /** True while a transaction is under way, whose end wakes no poller. */
  busy(): boolean {
    return this.#store.busy;
  }

  /**
   * Takes nothing new from origins; what they have asked for is carried out and answered. Targets stay until `close`, since
   * that may need them. Resolves when it is done, after `limitMs` at most; to be stepped until then.
   */
  drain(limitMs: number): Promise<void> {
    return this.#server.drain(limitMs, (channel) => this.#registry.has(channel));
  }

  /** Ends all channels. The engine stays open: whoever opened it closes it. */
  close(): void {
    this.#server.close();
  }

  readonly #forTargets: Handlers = {
    "meta.register": (params, { channel }) => this.#register(channel, params),
    "meta.heartbeat": (report, { channel }) => {
      this.#registry.heartbeat(channel, report, this.#parts.clock.nowMs());
      return {};
    },
    "meta.suspectDeadlock": () => {
      this.#deadlocks.suspected();
      return {};
    },
  };

  readonly #forFiles: Handlers = {
    "meta.attach": ({ originKey, open }, { channel }) => {
      this.#origins.attach(channel, originKey);
      const opener = this.#origins.openerOf(channel);
      for (const { inode, gen, count } of open) {
        // An origin that has lost one of several channels is known as it is.
        if (!this.#openFiles.isOpenBy(opener, inode)) this.#origins.openedFile(channel, inode, gen);
        this.#openFiles.claim(opener, inode, count);
      }
      return { leaseMs: CHANNEL_LEASE_MS };
    },
    // Everything that comes renews the channel's lease.
    "meta.renew": () => ({}),
    "meta.open": (params, { channel }) => this.#open(params, channel),
    "meta.close": ({ inodes }, { channel }) => {
      const opener = this.#origins.openerOf(channel);
      this.#openFiles.closed(opener, inodes);
      for (const inode of inodes) {
        if (!this.#openFiles.isOpenBy(opener, inode)) this.#origins.closedFile(channel, inode);
      }
      return {};
    },
    "meta.grant": ({ inode, rights }, { channel }) => {
      const file = this.#openFile(inode, channel);
      this.#origins.checkGen(channel, inode, file.record.gen);
      return this.#opened(file, rights, channel);
    },
    "meta.revoke": async ({ path }) => {
      await this.#revocation.revoke(path);
      return {};
    },
    "meta.resize": (params, { channel }) => this.#resize(params, channel),
    "meta.statfs": () => ({
      ...this.#registry.capacity(),
      inodes: this.#store.read(countInodes),
      nameBytesMax: NAME_BYTES_MAX,
      pathBytesMax: PATH_BYTES_MAX,
    }),
    "meta.status": () => this.#status(),
  };

  async #open(params: Params<"meta.open">, channel: Channel): Promise<Result<"meta.open">> {
    const { path, create, rights } = params;
    // Before anything is made.
    this.#origins.keyOf(channel);
    const parsed = parsePath(path);
    if (create !== "no" && parsed.endsInSlash)
      throw pathError("EISDIR", path, "a file's name does not end in /");
    for (let tries = 0; tries < OPEN_TRIES_MAX; tries += 1) {
      const existing = this.#store.read((reader) => find(reader, parsed, create));
      if (typeof existing === "object") {
        if (create === "exclusive") throw pathError("EEXIST", path, "exists already");
        if (existing.record.type !== "file") throw pathError("EISDIR", path, "is a directory");
        // In the same breath as the look at it: nothing can remove the file in between.
        this.#openFiles.opened(this.#origins.openerOf(channel), existing.inode);
        return { created: false, ...this.#opened(existing, rights, channel) };
      }
      const opener = this.#origins.openerOf(channel);
      const made = await this.#creator.create(params, existing, opener);
      // Nobody hears the answer; the origin itself may live on, with other channels.
      if (made !== undefined && channel.ended !== undefined) this.#openFiles.closed(opener, [made.inode]);
      if (made !== undefined) return { created: true, ...this.#opened(made, rights, channel) };
    }
    throw new DidafsError("ERR_TIMEOUT", `${path}: others make and remove that name all the time`, { path });
  }

  #opened(
    { inode, record }: Found,
    rights: Params<"meta.grant">["rights"],
    channel: Channel,
  ): Result<"meta.grant"> {
    const { gen, layout } = record;
    this.#origins.openedFile(channel, inode, gen);
    return {
      stat: statOf(inode, record),
      gen,
      endpoints: this.#registry.endpointsOf(layout),
      capabilities: this.#grants.capabilities({ inode, gen, layout }, rights, this.#origins.keyOf(channel)),
    };
  }

  /** A file that the origin has open. @throws ERR_INVALID_ARGUMENT, ENOENT (what it claimed never was, or was lost) */
  #openFile(inode: number, channel: Channel): Found {
    if (!this.#openFiles.isOpenBy(this.#origins.openerOf(channel), inode)) {
      throw new DidafsError("ERR_INVALID_ARGUMENT", `file ${inode} is not open`);
    }
    const record = this.#store.read((reader) => findInode(reader, inode));
    if (record?.type !== "file") throw new DidafsError("ENOENT", `file ${inode} does not exist any more`);
    return { inode, record };
  }

  async #resize({ inode, size }: Params<"meta.resize">, channel: Channel): Promise<Result<"meta.resize">> {
    this.#openFile(inode, channel);
    // The channel may end meanwhile.
    this.#openFiles.hold(inode);
    try {
      return await this.#resizer.resize(inode, size);
    } finally {
      this.#openFiles.release(inode);
    }
  }

  async #register(channel: Channel, params: Params<"meta.register">): Promise<Result<"meta.register">> {
    const { target } = params.endpoint;
    // Before it may serve: who is not noted never has.
    if (this.#store.read((reader) => isStranger(reader, target))) {
      await this.#store.transact((transaction) => noteTarget(transaction, target));
      if (channel.ended !== undefined) throw channel.ended;
    }
    this.#registry.register(channel, params, this.#parts.clock.nowMs());
    void this.#reclaimer.sweep(target);
    void this.#sweeper.sweep(target, channel);
    this.#parts.log.info("a target registered", { target: params.name, targetPid: params.pid });
    return { heartbeatMs: HEARTBEAT_MS, leaseMs: TARGET_LEASE_MS };
  }

  #lost(channel: Channel, reason: DidafsError): void {
    const gone = this.#origins.closed(channel);
    if (gone !== undefined) this.#openFiles.ended(gone);
    const target = this.#registry.lost(channel);
    if (target !== undefined) this.#parts.log.warn("a target is gone", { target, reason: reason.message });
  }

  #status(): Result<"meta.status"> {
    const { version, pid, metricsUrl } = this.#parts;
    const targets = this.#registry.status();
    return {
      version,
      id: this.id,
      pid,
      targets,
      counters: Object.fromEntries(this.#calls.counts),
      metricsUrl,
    };
  }
}

/** What an opening finds; where that is nothing yet, how many directories are missing on the way to it. */
function find(reader: KvReader, path: Path, create: Params<"meta.open">["create"]): Found | number {
  if (create === "no") {
    const { inode } = locateEntry(reader, path, true);
    return { inode, record: getInode(reader, inode) };
  }
  const { entry, missing } = locateBeyond(reader, path, create === "exclusive" ? "name" : "follow");
  if (entry === undefined || missing > 0) return missing;
  return { inode: entry.inode, record: getInode(reader, entry.inode) };
}
