import assert from "node:assert/strict";
import { MetaService } from "../../src/meta/service.ts";
import type { KvEngine } from "../../src/ports/kv.ts";
import type { Address } from "../../src/ports/network.ts";
import { RpcChannel } from "../../src/rpc/channel.ts";
import { introduce } from "../../src/rpc/handshake.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { SimNetwork } from "../../src/sim/network.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { DidafsError } from "../../src/std/errors.ts";
import type { Method, Params, Result } from "../../src/wire/control.ts";
import { type Stepped, settle } from "../rpc/harness.ts";
import { CapturedLog } from "../support/captured-log.ts";
import { type EngineHome, LmdbHome } from "./engine-homes.ts";

export const KEY = new Uint8Array(32).fill(3);
export const SERVICE_KEY = new Uint8Array(32).fill(4);
/** Any Ed25519 key will do: the metadata service only puts it into capabilities. */
const ADDRESS: Address = { kind: "tcp", host: "127.0.0.1", port: 7420 };

/** What a test is to its World: the place to say what is to be done in the end. */
export interface Ending {
  after(body: () => Promise<void>): void;
}

/** A metadata service over any engine, with simulated everything else, in one thread. */
export class World {
  readonly clock = new SimClock();
  readonly memory = new SimMemory();
  readonly network: SimNetwork;
  readonly random: SimRandom;
  readonly #home: EngineHome;
  readonly parties = new Set<Stepped>();
  readonly log = new CapturedLog();
  #originCount = 0;
  service!: MetaService;
  engine!: KvEngine;

  private constructor(seed: number, home: EngineHome) {
    this.#home = home;
    this.network = new SimNetwork(seed === 0 ? {} : { seed });
    this.random = new SimRandom(seed);
  }

  /** @param seed how the network cuts what travels; 0: not at all */
  static async open(context: Ending, seed = 0, home: EngineHome = new LmdbHome()): Promise<World> {
    const world = new World(seed, home);
    await world.start();
    context.after(async () => {
      await world.stop();
      await home.close();
    });
    return world;
  }

  async start(): Promise<void> {
    this.engine = this.#home.open();
    const { clock, memory, network, random, engine } = this;
    this.service = await MetaService.open({
      clock,
      memory,
      network,
      random,
      engine,
      key: KEY,
      serviceKey: SERVICE_KEY,
      version: "1.2.3",
      pid: 42,
      log: this.log.logger,
    });
    this.service.listen(ADDRESS);
    this.parties.add(this.service);
  }

  /** Ends the service; what is under way is still committed. */
  async stop(): Promise<void> {
    this.parties.delete(this.service);
    this.service.close();
    await this.engine.close();
  }

  /** The service's process ends in the middle of whatever it does, and there is another one. */
  async restart(): Promise<void> {
    const crashed = this.#home.crash();
    this.parties.delete(this.service);
    this.service.close();
    await crashed;
    await this.settle();
    await this.start();
  }

  /** One step of everybody, and a turn of the event loop. */
  async step(): Promise<void> {
    for (const party of this.parties) party.doWork(this.clock.nowMs());
    await new Promise((resolve) => setImmediate(resolve));
  }

  settle(byMs = 0): Promise<void> {
    return settle(this.clock, [...this.parties], byMs);
  }

  /** The promise's outcome once everybody has come to rest. */
  async done<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => {});
    await this.settle();
    return promise;
  }

  async enter(role: "origin" | "target", handlers = {}): Promise<RpcChannel> {
    const { clock, memory, network, random } = this;
    const channel = new RpcChannel({
      stream: network.connect(ADDRESS),
      clock,
      memory,
      peer: "the metadata service",
    });
    this.parties.add(channel);
    const expect = { service: "meta" } as const;
    const key = role === "target" ? SERVICE_KEY : KEY;
    await this.done(introduce(channel, { key, random, role, expect, handlers, timeoutMs: 5000 }));
    return channel;
  }

  /** That of an origin that was not there yet. */
  newOriginKey(): string {
    this.#originCount += 1;
    return this.#originCount.toString(16).padStart(64, "0");
  }

  /**
   * @param inodes that it has open from before, under their first generation
   * @param originKey of an origin that is there: one channel more
   */
  async origin(inodes: readonly number[] = [], originKey: string = this.newOriginKey()): Promise<Origin> {
    const origin = new Origin(this, await this.enter("origin"), originKey);
    const open = [...new Set(inodes)].map((inode) => ({
      inode,
      gen: 1,
      count: inodes.filter((other) => other === inode).length,
    }));
    await origin.call("meta.attach", { originKey, open });
    return origin;
  }
}

/** Calls as an origin makes them. */
export class Origin {
  readonly #world: World;
  readonly channel: RpcChannel;
  readonly originKey: string;

  constructor(world: World, channel: RpcChannel, originKey: string) {
    this.#world = world;
    this.channel = channel;
    this.originKey = originKey;
  }

  leave(): void {
    this.channel.close();
    this.#world.parties.delete(this.channel);
  }

  /** Begins a call, without stepping anybody. */
  begin<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    const call = this.channel.call(method, params, { timeoutMs: 60_000 });
    call.catch(() => {});
    return call;
  }

  call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    return this.#world.done(this.begin(method, params));
  }

  open(path: string, params: Partial<Params<"meta.open">> = {}): Promise<Result<"meta.open">> {
    return this.call("meta.open", { path, create: "no", rights: "rw", ...params });
  }

  close(...inodes: number[]): Promise<unknown> {
    return this.call("meta.close", { inodes });
  }

  /** Makes a file, and leaves it closed. */
  async create(path: string, params: Partial<Params<"meta.open">> = {}): Promise<Result<"meta.open">> {
    const made = await this.open(path, { create: "exclusive", size: 100, ...params });
    await this.close(made.stat.inode);
    return made;
  }

  stat(path: string, follow = true): Promise<Result<"meta.stat">> {
    return this.call("meta.stat", { path, follow });
  }

  mkdir(path: string, params: Partial<Params<"meta.mkdir">> = {}): Promise<unknown> {
    return this.call("meta.mkdir", { path, recursive: false, ...params });
  }

  remove(path: string, params: Partial<Params<"meta.remove">> = {}): Promise<unknown> {
    return this.call("meta.remove", { path, recursive: false, ...params });
  }

  rename(from: string, to: string): Promise<unknown> {
    return this.call("meta.rename", { from, to });
  }

  symlink(target: string, path: string): Promise<unknown> {
    return this.call("meta.symlink", { target, path });
  }

  /** Of the first page; directories with a slash behind, symbolic links with what they say. */
  async names(path: string): Promise<string[]> {
    const { entries } = await this.call("meta.readdir", { directory: { path } });
    const shown = entries.map(async ({ name, type }) => {
      if (type !== "symlink") return type === "directory" ? `${name}/` : name;
      const { target } = await this.begin("meta.readlink", { path: `${path}/${name}` });
      return `${name} -> ${target}`;
    });
    return this.#world.done(Promise.all(shown));
  }
}

/** That a call fails with a code, about a path. */
export function refused(promise: Promise<unknown>, code: string, path?: string): Promise<void> {
  return assert.rejects(promise, (error: DidafsError) => {
    assert.equal(error.code, code, error.message);
    if (path !== undefined) assert.equal(error.path, path);
    return true;
  });
}

type Region = Params<"region.sweep">;

/** A target that keeps regions as lengths, and fails or hesitates when told so. */
export class FakeTarget {
  readonly id: string;
  readonly drive: "file" | "memory";
  readonly regions = new Map<string, number>();
  readonly calls: string[] = [];
  /** Raised by region.create instead of making one. */
  refusal: DidafsError | undefined;
  /** Regions that may hold somebody's bytes. */
  readonly written = new Set<string>();
  /** Why regions cannot be used. */
  readonly faults = new Map<string, string>();
  /** Raised by region.resize. */
  resizeRefusal: DidafsError | undefined;
  /** Raised by region.list. */
  listRefusal: DidafsError | undefined;
  /** Raised by region.remove. */
  removalRefusal: DidafsError | undefined;
  /** While set, region.create and region.resize wait for it. */
  hold: Promise<void> | undefined;
  /** While set, region.revoke waits for it. */
  revokeHold: Promise<void> | undefined;
  /** While set, region.remove waits for it. */
  removalHold: Promise<void> | undefined;
  /** What the target says about an epoch; raises what it is told to. */
  outcomeOf: (method: string, asked: Params<"epoch.outcome">) => Promise<Result<"epoch.outcome">> =
    async () => {
      throw new DidafsError("ERR_INVALID_ARGUMENT", "this target has no epochs");
    };
  totalBytes = 1000;
  /** What the drive lies on; nobody else's. */
  medium: string;
  counters: Record<string, number> = {};
  /** Another process has another one. */
  socketName: string;
  /** Another life has another one. */
  incarnation = "1".repeat(32);
  /** The life before, when it has surely ended. */
  former: string | undefined;
  channel!: RpcChannel;
  readonly #world: World;

  constructor(world: World, number: number, drive: "file" | "memory" = "file") {
    this.#world = world;
    this.id = number.toString(16).padStart(32, "0");
    this.drive = drive;
    this.medium = this.id;
    this.socketName = `t${this.id}`;
  }

  async register(): Promise<this> {
    this.channel = await this.#world.enter("target", {
      "region.create": async ({ inode, index, byteLength }: Params<"region.create">) => {
        this.calls.push(`create ${inode}.${index}`);
        await this.hold;
        if (this.refusal !== undefined) throw this.refusal;
        if (this.regions.has(`${inode}.${index}`)) throw new DidafsError("EEXIST", "that region exists");
        this.regions.set(`${inode}.${index}`, byteLength);
        return {};
      },
      "region.resize": async ({ inode, index, byteLength }: Params<"region.resize">) => {
        this.calls.push(`resize ${inode}.${index} ${byteLength}`);
        await this.hold;
        if (this.resizeRefusal !== undefined) throw this.resizeRefusal;
        if (!this.regions.has(`${inode}.${index}`))
          throw new DidafsError("ENOENT", "there is no such region");
        this.regions.set(`${inode}.${index}`, byteLength);
        return {};
      },
      "region.list": ({ after, limit }: Params<"region.list">) => {
        if (this.listRefusal !== undefined) throw this.listRefusal;
        return this.#page(after, limit);
      },
      "region.audit": ({ after, limit, only }: Params<"region.audit">) => {
        const isThere = only !== undefined && this.regions.has(`${only.inode}.${only.index}`);
        const one = { regions: isThere ? [only] : [], more: false };
        const { regions, more } = only === undefined ? this.#page(after, limit) : one;
        return { regions: regions.map((region) => this.#audited(region)), more };
      },
      "region.sweep": ({ inode, index }: Params<"region.sweep">) => {
        this.calls.push(`sweep ${inode}.${index}`);
        if (this.written.has(`${inode}.${index}`)) return { removed: false };
        return { removed: this.regions.delete(`${inode}.${index}`) };
      },
      "region.revoke": async ({ inode, index, gen }: Params<"region.revoke">) => {
        await this.revokeHold;
        this.calls.push(`revoke ${inode}.${index} ${gen}`);
        return {};
      },
      "epoch.outcome": (asked: Params<"epoch.outcome">) => this.outcomeOf("epoch.outcome", asked),
      "epoch.finish": (asked: Params<"epoch.finish">) => this.outcomeOf("epoch.finish", asked),
      "region.remove": async ({ inode, index }: Params<"region.remove">) => {
        this.calls.push(`remove ${inode}.${index}`);
        await this.removalHold;
        if (this.removalRefusal !== undefined) throw this.removalRefusal;
        this.regions.delete(`${inode}.${index}`);
        return {};
      },
    });
    const tcp = { kind: "tcp", host: "127.0.0.1", port: 1000 } as const;
    const unix = { kind: "unix", name: this.socketName } as const;
    const endpoint = {
      target: this.id,
      drive: this.drive,
      tcp: { control: tcp, workers: [tcp] },
      unix: { control: unix, workers: [unix] },
    };
    const { totalBytes, medium, incarnation, former } = this;
    const name = `target-${this.id}`;
    const regions = this.regions.size;
    const report = {
      totalBytes,
      freeBytes: 900,
      regions,
      sessions: 0,
      leaseMs: 10_000,
      counters: this.counters,
    };
    await this.#world.done(
      this.channel.call(
        "meta.register",
        { endpoint, name, pid: 7, medium, report, incarnation, former },
        { timeoutMs: 5000 },
      ),
    );
    return this;
  }

  #page(after: Region | undefined, limit: number): { regions: Region[]; more: boolean } {
    const sorted = [...this.regions.keys()]
      .map((key) => key.split(".").map(Number))
      .map(([inode = 0, index = 0]) => ({ inode, index }))
      .sort((a, b) => a.inode - b.inode || a.index - b.index);
    const from = sorted.findIndex(
      ({ inode, index }) =>
        after === undefined || inode > after.inode || (inode === after.inode && index > after.index),
    );
    const rest = from < 0 ? [] : sorted.slice(from);
    return { regions: rest.slice(0, limit), more: rest.length > limit };
  }

  #audited({ inode, index }: Region): Result<"region.audit">["regions"][number] {
    const key = `${inode}.${index}`;
    const fault = this.faults.get(key);
    if (fault !== undefined) return { inode, index, fault };
    return { inode, index, byteLength: this.regions.get(key), written: this.written.has(key) };
  }

  async beat(): Promise<void> {
    const report = {
      totalBytes: this.totalBytes,
      freeBytes: 800,
      regions: this.regions.size,
      sessions: 0,
      leaseMs: 10_000,
      counters: { gets: 5 },
    };
    await this.#world.done(this.channel.call("meta.heartbeat", report, { timeoutMs: 5000 }));
  }

  leave(): void {
    this.channel.close();
    this.#world.parties.delete(this.channel);
  }
}
