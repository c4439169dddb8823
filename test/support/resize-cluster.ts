import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Cluster, connect, type Transport } from "../../src/index.ts";
import type { Channel, Handlers } from "../../src/rpc/handlers.ts";
import { RpcServer } from "../../src/rpc/server.ts";
import { settleLogs } from "../../src/runtime/logs.ts";
import type { RunningService } from "../../src/runtime/service.ts";
import { launchProcess } from "../../src/runtime/service-process.ts";
import { DidafsError } from "../../src/std/errors.ts";
import { regionBytes } from "../../src/structs/striping.ts";
import { systemClock } from "../../src/system/clock.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { systemNetwork } from "../../src/system/network.ts";
import { systemRandom } from "../../src/system/random.ts";
import { capabilitySecret, signCapability } from "../../src/wire/capability.ts";
import type { Endpoint, Result, StatRecord } from "../../src/wire/control.ts";

const CALL = { timeoutMs: 20_000 };
const CLUSTER = "c".repeat(32);
export const KEY_HEX = "03".repeat(32);
const SERVICE_KEY_HEX = "04".repeat(32);
const key = (hex: string): Uint8Array => Buffer.from(hex, "hex");

interface KnownTarget {
  readonly endpoint: Endpoint;
  readonly incarnation: string;
  readonly channel: Channel;
}

/** Targets in processes of their own, and a metadata service in this one that keeps nothing but files and their sizes. */
export class ResizeCluster implements AsyncDisposable {
  readonly dir: string = mkdtempSync(path.join(tmpdir(), "didafs-resize-"));
  readonly url: string;
  readonly #server: RpcServer;
  readonly #services: RunningService[] = [];
  readonly #targets: KnownTarget[] = [];
  readonly #files = new Map<string, StatRecord>();
  readonly #clients: Cluster[] = [];
  #sessions = 0;
  #inodes = 0;
  #stopped = false;

  private constructor() {
    this.#server = new RpcServer({
      network: systemNetwork,
      memory: systemMemory,
      clock: systemClock,
      random: systemRandom,
      identity: {
        keys: { target: key(SERVICE_KEY_HEX), origin: key(KEY_HEX) },
        service: "meta",
        id: CLUSTER,
      },
      channelsMax: 100,
      onOpen: (channel, { role }) => (role === "target" ? this.#forTarget(channel) : this.#forOrigin()),
    });
    const address = this.#server.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
    this.url = `didafs://127.0.0.1:${address.kind === "tcp" ? address.port : 0}`;
    const turn = (): void => {
      this.#server.doWork(systemClock.nowMs());
      if (!this.#stopped) setTimeout(turn, 1);
    };
    turn();
  }

  /** @param targetsDir where the targets' folders are, if they are to lie elsewhere */
  static async start(drive: "file" | "memory", targets: number, targetsDir?: string): Promise<ResizeCluster> {
    const cluster = new ResizeCluster();
    const port = Number(new URL(cluster.url).port);
    for (let i = 0; i < targets; i += 1) {
      const dir = path.join(targetsDir ?? cluster.dir, `target-${i}`);
      mkdirSync(dir, { recursive: true });
      const service = launchProcess({
        name: `target-${i}`,
        entry: new URL("../../src/runtime/target-thread.ts", import.meta.url),
        options: {
          dir,
          drive,
          keyHex: KEY_HEX,
          serviceKeyHex: SERVICE_KEY_HEX,
          meta: { host: "127.0.0.1", port },
          host: "127.0.0.1",
        },
        log: { ...settleLogs(), file: path.join(cluster.dir, `log-${i}`) },
      });
      cluster.#services.push(service);
      await service.ready;
    }
    return cluster;
  }

  async attach(transport: Transport): Promise<Cluster> {
    const client = await connect(this.url, { transport, key: Buffer.from(KEY_HEX, "hex") });
    this.#clients.push(client);
    return client;
  }

  /** Of the target that sent the last heartbeat. */
  get sessions(): number {
    return this.#sessions;
  }

  async until(reached: () => boolean): Promise<void> {
    const deadline = Date.now() + 40_000;
    while (!reached()) {
      if (Date.now() > deadline) throw new Error("what is waited for does not come");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Removes a file's regions. */
  async remove(name: string): Promise<void> {
    const { inode, layout } = this.#file(name);
    this.#files.delete(name);
    await this.#ofRegions(layout, (channel, index) => channel.call("region.remove", { inode, index }, CALL));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    for (const service of this.#services) service.stop();
    const ends = await Promise.all(this.#services.map(({ ended }) => ended));
    this.#stopped = true;
    this.#server.close();
    const bad = ends.findIndex((end) => end !== "exit code 0");
    const log = bad < 0 ? "" : readFileSync(path.join(this.dir, `log-${bad}`), "utf8");
    rmSync(this.dir, { recursive: true, force: true });
    if (bad >= 0) throw new Error(`target ${bad} ended with ${ends[bad]}: ${log}`);
  }

  #file(name: string): StatRecord {
    const stat = this.#files.get(name);
    if (stat === undefined) throw new DidafsError("ENOENT", `${name} does not exist`);
    return stat;
  }

  async #ofRegions(
    layout: StatRecord["layout"],
    call: (channel: Channel, index: number) => Promise<unknown>,
  ): Promise<void> {
    const regions = layout?.regions ?? [];
    await Promise.all(
      regions.map(({ target }, index) => {
        const known = this.#targets.find(({ endpoint }) => endpoint.target === target);
        if (known === undefined) throw new DidafsError("ERR_NO_TARGET", `${target} is down`);
        return call(known.channel, index);
      }),
    );
  }

  #forTarget(channel: Channel): Handlers {
    return {
      "meta.register": ({ endpoint, incarnation }) => {
        this.#targets.push({ endpoint, incarnation, channel });
        return { heartbeatMs: 200, leaseMs: 10_000 };
      },
      "meta.heartbeat": ({ sessions }) => {
        this.#sessions = sessions;
        return {};
      },
    };
  }

  #forOrigin(): Handlers {
    let originKey = "";
    return {
      "meta.attach": (params) => {
        ({ originKey } = params);
        return { leaseMs: 60_000 };
      },
      "meta.renew": () => ({}),
      "meta.open": async (params) => {
        const { path: name, create, size = 0, stripeUnit = 1 << 20, targets = 1 } = params;
        const created = create !== "no" && !this.#files.has(name);
        if (created) await this.#create(name, size, stripeUnit, targets);
        return { created, ...this.#grant(this.#file(name), originKey) };
      },
      "meta.grant": ({ inode }) => {
        const stat = [...this.#files.values()].find((known) => known.inode === inode);
        if (stat === undefined) throw new DidafsError("ENOENT", "it is gone");
        return this.#grant(stat, originKey);
      },
      "meta.stat": ({ path: name }) => this.#file(name),
      "meta.resize": ({ inode, size }) => this.#resize(inode, size),
    };
  }

  #grant(stat: StatRecord, originKey: string): Result<"meta.grant"> {
    const capabilities = stat.layout?.regions.map(({ target }, index) => {
      const incarnation = this.#targets.find(({ endpoint }) => endpoint.target === target)?.incarnation ?? "";
      return signCapability(capabilitySecret(key(SERVICE_KEY_HEX), target, incarnation), {
        inode: stat.inode,
        index,
        rights: "rw",
        at: 0,
        byteLength: Number.POSITIVE_INFINITY,
        expiresMs: systemClock.wallMs() + 60_000,
        gen: 0,
        originKey,
        target,
      });
    });
    const endpoints = this.#targets.map(({ endpoint }) => endpoint);
    return { stat, endpoints, capabilities: capabilities ?? [] };
  }

  async #create(name: string, size: number, stripeUnit: number, targets: number): Promise<void> {
    this.#inodes += 1;
    const inode = this.#inodes;
    const chosen = this.#targets
      .slice(0, targets)
      .map(({ endpoint: { target, drive } }) => ({ target, drive }));
    const layout = { stripeUnit, regions: chosen };
    await this.#ofRegions(layout, (channel, index) => {
      const byteLength = regionBytes(size, stripeUnit, targets, index);
      return channel.call("region.create", { inode, index, byteLength }, CALL);
    });
    const times = { atimeMs: 0, mtimeMs: 0, ctimeMs: 0, birthtimeMs: 0 };
    const stat = {
      inode,
      type: "file",
      size,
      mode: 0o644,
      uid: 0,
      gid: 0,
      nlink: 1,
      ...times,
      layout,
    } as const;
    this.#files.set(name, stat);
  }

  async #resize(inode: number, size: number): Promise<Result<"meta.resize">> {
    const [name, stat] = [...this.#files].find(([, known]) => known.inode === inode) ?? [];
    if (name === undefined || stat?.layout === undefined) throw new DidafsError("ENOENT", "it is gone");
    const { stripeUnit, regions } = stat.layout;
    await this.#ofRegions(stat.layout, (channel, index) => {
      const byteLength = regionBytes(size, stripeUnit, regions.length, index);
      return channel.call("region.resize", { inode, index, byteLength }, CALL);
    });
    const resized = { ...stat, size };
    this.#files.set(name, resized);
    return resized;
  }
}
