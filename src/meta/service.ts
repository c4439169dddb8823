import type { Clock } from "../ports/clock.ts";
import type { KvEngine, KvReader } from "../ports/kv.ts";
import type { MemoryPort } from "../ports/memory.ts";
import type { Address, Network } from "../ports/network.ts";
import type { Poller } from "../ports/poller.ts";
import type { Random } from "../ports/random.ts";
import type { Channel, Handlers } from "../rpc/handlers.ts";
import type { Role } from "../rpc/handshake.ts";
import { RpcServer } from "../rpc/server.ts";
import { type DidafsError, isDidafsError } from "../std/errors.ts";
import { errorFields, type Logger } from "../std/logger.ts";
import type { Method, Params, Result } from "../wire/control.ts";
import { FileCreator, type Found } from "./creation.ts";
import { Deadlines } from "./deadlines.ts";
import { statOf } from "./inode-record.ts";
import { mkdir, mkdirAll, readdir, stat } from "./namespace.ts";
import { type Path, parsePath, pathError } from "./path.ts";
import { Reclaimer } from "./reclaimer.ts";
import { HEARTBEAT_MS, TargetRegistry } from "./registry.ts";
import { type Removed, remove } from "./remove.ts";
import { rename } from "./rename.ts";
import { MetaStore } from "./store.ts";
import { getInode } from "./tables.ts";
import { locate } from "./walk.ts";

const CHANNELS_MAX = 4096;
/** A removal is answered when the space is free again, or after this: it is durable, and goes on by itself. */
const RECLAIM_WAIT_MS = 1000;

export interface MetaServiceParts {
  readonly network: Network;
  readonly memory: MemoryPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly poller?: Poller | undefined;
  readonly engine: KvEngine;
  /** Of the cluster. */
  readonly key: Uint8Array;
  /** Of this program, for status. */
  readonly version: string;
  readonly pid: number;
  readonly log: Logger;
}

/**
 * The metadata service: names, layouts, and which targets there are. Stepped by `doWork`; all that lasts is in the
 * engine, and is durable before it is answered.
 */
export class MetaService {
  readonly #parts: MetaServiceParts;
  readonly #store: MetaStore;
  readonly #registry = new TargetRegistry();
  readonly #deadlines = new Deadlines();
  readonly #reclaimer: Reclaimer;
  readonly #creator: FileCreator;
  readonly #server: RpcServer;
  readonly #counters = new Map<string, number>([["requests", 0]]);

  private constructor(parts: MetaServiceParts, store: MetaStore) {
    const { clock, key } = parts;
    this.#parts = parts;
    this.#store = store;
    this.#reclaimer = new Reclaimer(store, this.#registry, clock, parts.log);
    this.#creator = new FileCreator({ store, registry: this.#registry, reclaimer: this.#reclaimer, clock });
    this.#server = new RpcServer({
      ...parts,
      identity: { key, service: "meta", id: store.clusterId },
      channelsMax: CHANNELS_MAX,
      onOpen: (_, role) => this.#counted(role === "target" ? this.#forTargets : this.#forOrigins, role),
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

  /** @returns the address to connect to @throws ERR_PORT_IN_USE, ERR_INVALID_ARGUMENT */
  listen(address: Address): Address {
    return this.#server.listen(address);
  }

  doWork(nowMs: number): number {
    const taken = this.#server.doWork(nowMs);
    this.#registry.listened(nowMs);
    return taken + this.#reclaimer.doWork(nowMs) + this.#deadlines.doWork(nowMs);
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
  };

  readonly #forOrigins: Handlers = {
    "meta.open": (params) => this.#open(params),
    "meta.stat": ({ path }) => this.#store.read((reader) => stat(reader, path)),
    "meta.readdir": ({ path, after }) => this.#store.read((reader) => readdir(reader, path, after)),
    "meta.mkdir": (params) => this.#mkdir(params),
    "meta.rename": async ({ from, to }) => {
      const wallMs = this.#parts.clock.wallMs();
      const targets = await this.#store.transact((transaction) => rename(transaction, from, to, wallMs));
      await this.#reclaim({ targets, trashed: false });
      return {};
    },
    "meta.remove": async ({ path, recursive }) => {
      const wallMs = this.#parts.clock.wallMs();
      await this.#reclaim(await this.#store.transact((kv) => remove(kv, path, recursive, wallMs)));
      return {};
    },
    "meta.status": () => this.#status(),
  };

  async #open(params: Params<"meta.open">): Promise<Result<"meta.open">> {
    const { path, create } = params;
    const parsed = parsePath(path);
    const existing = this.#store.read((reader) => find(reader, parsed));
    if (create === "no" && (existing === "nothing" || existing === "no way")) {
      throw pathError("ENOENT", path, "no such file or directory");
    }
    const opened =
      existing === "nothing" || existing === "no way"
        ? await this.#creator.create(params, existing === "no way")
        : { created: false, ...existing };
    const { created, inode, record } = opened;
    if (create === "exclusive" && !created) throw pathError("EEXIST", path, "exists already");
    if (record.type === "directory") throw pathError("EISDIR", path, "is a directory");
    const endpoints = this.#registry.endpointsOf(record.layout);
    return { created, stat: statOf(inode, record), endpoints };
  }

  async #mkdir({ path, recursive }: Params<"meta.mkdir">): Promise<Result<"meta.mkdir">> {
    const wallMs = this.#parts.clock.wallMs();
    const count = recursive ? parsePath(path).components.length : 1;
    const inodes = await this.#store.newInodes(count);
    await this.#store.transact((transaction) => {
      if (recursive) mkdirAll(transaction, path, inodes, wallMs);
      else mkdir(transaction, path, inodes[0] as number, wallMs);
    });
    return {};
  }

  async #reclaim({ targets, trashed }: Removed): Promise<void> {
    const sweeps = [...new Set(targets)].map((target) => this.#reclaimer.sweep(target));
    if (trashed) sweeps.push(this.#reclaimer.empty());
    if (sweeps.length === 0) return;
    await this.#deadlines.until(Promise.all(sweeps), this.#parts.clock.nowMs() + RECLAIM_WAIT_MS);
  }

  #register(channel: Channel, params: Params<"meta.register">): Result<"meta.register"> {
    this.#registry.register(channel, params, this.#parts.clock.nowMs());
    void this.#reclaimer.sweep(params.endpoint.target);
    this.#parts.log.info("a target registered", { target: params.name, targetPid: params.pid });
    return { heartbeatMs: HEARTBEAT_MS };
  }

  #lost(channel: Channel, reason: DidafsError): void {
    const target = this.#registry.lost(channel);
    if (target !== undefined) this.#parts.log.warn("a target is gone", { target, reason: reason.message });
  }

  #status(): Result<"meta.status"> {
    const { version, pid } = this.#parts;
    const targets = this.#registry.status();
    return { version, id: this.id, pid, targets, counters: Object.fromEntries(this.#counters) };
  }

  /** Counts calls by method, and as "requests" those that origins make: what targets report is no one's request. */
  #counted(handlers: Handlers, role: Role): Handlers {
    const count = (name: string) => this.#counters.set(name, (this.#counters.get(name) ?? 0) + 1);
    const counted = Object.entries(handlers).map(([method, handler]) => {
      const serve = handler as (...args: unknown[]) => unknown;
      const countedHandler = (...args: unknown[]): unknown => {
        count(method);
        if (role === "origin") count("requests");
        return serve(...args);
      };
      return [method as Method, countedHandler];
    });
    return Object.fromEntries(counted) as Handlers;
  }
}

/** What has the name; "nothing" where it is free; "no way" where a directory on the way to it is missing. */
function find(reader: KvReader, path: Path): Found | "nothing" | "no way" {
  try {
    const { entry } = locate(reader, path);
    return entry === undefined ? "nothing" : { inode: entry.inode, record: getInode(reader, entry.inode) };
  } catch (error) {
    if (isDidafsError(error, "ENOENT")) return "no way";
    throw error;
  }
}
