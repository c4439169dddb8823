import assert from "node:assert/strict";
import type { Transport } from "../../src/client/api.ts";
import type { ClusterClient } from "../../src/client/cluster.ts";
import type { Address, Stream } from "../../src/ports/network.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { SimDisk } from "../../src/sim/disk.ts";
import { HostNetwork } from "../../src/sim/host-network.ts";
import { SimKvDrive } from "../../src/sim/kv-engine.ts";
import { SimLeases } from "../../src/sim/lease-record.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { SimNetwork } from "../../src/sim/network.ts";
import { SimProcesses } from "../../src/sim/processes.ts";
import { SimRandom } from "../../src/sim/random.ts";
import type { Route } from "../../src/sim/stream.ts";
import { ClientProcess } from "../../src/sim/world/client-process.ts";
import { MetaProcess } from "../../src/sim/world/meta-process.ts";
import { type ProcessPorts, UID } from "../../src/sim/world/ports.ts";
import type { SimProcess } from "../../src/sim/world/process.ts";
import { TargetProcess } from "../../src/sim/world/target-process.ts";
import { createLogger } from "../../src/std/logger.ts";
import { turn } from "./turn.ts";

const META = { kind: "tcp", host: "meta", port: 1 } as const;
const ROUND_MS = 0.01;
/** Nothing that a simulated cluster meets is the fault of its services. */
const NO_FAULTS = createLogger((level, msg, fields) => {
  if (level === "error") assert.fail(`${msg} ${JSON.stringify(fields)}`);
});

/**
 * A whole cluster in one thread whose parties go in lockstep, one step each a round, without faults and without latency: for
 * tests that say themselves what happens when. The processes are those of src/sim/world.
 */
export class SimCluster {
  readonly clock = new SimClock();
  readonly pids = new SimProcesses();
  readonly memory = new SimMemory();
  readonly network: SimNetwork;
  readonly random: SimRandom;
  readonly targets: TargetProcess[] = [];
  /** Of the targets. */
  readonly disks: SimDisk[] = [];
  readonly #clients = new Map<ClusterClient, ClientProcess>();
  readonly #paused = new Set<SimProcess>();
  readonly #kvDrive = new SimKvDrive();
  readonly #driveBytes: number;
  #meta!: MetaProcess;

  private constructor(seed: number, driveBytes: number, wayMs: number) {
    this.#driveBytes = driveBytes;
    const { clock } = this;
    const route: Route = {
      arrivalMs: () => clock.nowMs() + wayMs,
      passesMs: (arrivedMs) => arrivedMs,
      get nowMs() {
        return clock.nowMs();
      },
    };
    const weather = wayMs > 0 ? { route: () => route } : undefined;
    this.network = new SimNetwork({ seed, credentials: { pid: 1, uid: UID }, ...(weather && { weather }) });
    this.random = new SimRandom(seed);
  }

  /**
   * @param driveBytes of each target: where they are few, logs of epochs are small, and quick to simulate
   * @param wayMs how long whatever is sent is on its way
   */
  static async start(
    targetCount: number,
    seed: number,
    driveBytes: number = 2 ** 40,
    wayMs = 0,
  ): Promise<SimCluster> {
    const cluster = new SimCluster(seed, driveBytes, wayMs);
    await cluster.#startMeta();
    for (let i = 0; i < targetCount; i += 1) cluster.targets.push(cluster.#startTarget(i));
    await cluster.until(() => cluster.targets.every(({ control }) => control.registered));
    return cluster;
  }

  /** Another process of the metadata service takes the place of the last one, over the same metadata. */
  async restartMeta(): Promise<void> {
    this.#meta.kill();
    await this.#startMeta();
    await this.until(() => this.targets.every(({ control }) => control.registered));
  }

  /** A client as `connect` makes it, its agent stepped beside it. */
  async connect(transport: Transport, timeoutMs = 60_000, leaseMs = 10_000): Promise<ClusterClient> {
    // Whoever blocks here lets everybody else go on.
    const idler = { yield: () => void this.#stepServices(), waitReadable: () => void this.#stepServices() };
    const shape = { name: "client", meta: META, transport, leaseMs, timeoutMs, idler };
    const process = new ClientProcess(this.#ports(), shape);
    const connecting = process.connect();
    let client: ClusterClient | undefined;
    void connecting.then((connected) => {
      client = connected;
    });
    await this.until(
      () => client !== undefined,
      () => void step(process, this.clock.nowMs()),
    );
    this.#clients.set(await connecting, process);
    return connecting;
  }

  /** Stops the client's process, as SIGSTOP does, or lets it go on. */
  pause(client: ClusterClient, paused: boolean): void {
    const process = this.#clients.get(client) as ClientProcess;
    if (paused) this.#paused.add(process);
    else this.#paused.delete(process);
  }

  /** Stops a target's process, or lets it go on. */
  pauseTarget(number: number, paused: boolean): void {
    const process = this.targets[number] as TargetProcess;
    if (paused) this.#paused.add(process);
    else this.#paused.delete(process);
  }

  #isWorker(address: Address): boolean {
    return address.kind === "unix" ? address.name.includes("worker") : this.#workerPorts.has(address.port);
  }

  /** The origins' ends of the data streams that are opened from now on. */
  recordDataStreams(): Stream[] {
    const streams: Stream[] = [];
    this.onConnect((stream, isData) => {
      if (isData) streams.push(stream);
    });
    return streams;
  }

  /** Calls it with the near end of each stream that is opened from now on, and whether it leads to a worker. */
  onConnect(opened: (stream: Stream, isData: boolean) => void): void {
    const connect = this.network.connectFrom.bind(this.network);
    this.network.connectFrom = (machine, address, options) => {
      const ends = connect(machine, address, options);
      opened(ends[0], this.#isWorker(address));
      return ends;
    };
  }

  /** Time passes in small steps. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 500) {
      this.clock.advance(500);
      let rounds = 20;
      await this.until(() => rounds-- === 0);
    }
  }

  /** Steps everything until the promise has settled. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    await this.until(() => settled);
    return promise;
  }

  /** @param besides what else is done in each round */
  async until(condition: () => boolean, besides: () => void = () => {}): Promise<void> {
    for (let round = 0; !condition(); round += 1) {
      assert.ok(round < 100_000, "what is awaited comes");
      this.#stepServices();
      this.#stepClients();
      besides();
      // Promises of the control paths, and the engine's commits.
      await turn();
    }
  }

  /**
   * Lets time pass in which nobody asks for anything, and steps everything only when something of it is due, as loops do that
   * sleep until then. @returns how often that was
   */
  async idle(forMs: number): Promise<number> {
    const endMs = this.clock.nowMs() + forMs;
    for (let wakes = 1; ; wakes += 1) {
      assert.ok(wakes < 100_000, "what is due does something");
      await this.#untilQuiet();
      const dueMs = Math.min(...this.#processes().map((process) => dueOf(process, this.clock.nowMs())));
      if (Math.max(dueMs, this.clock.nowMs()) >= endMs) return wakes;
      this.clock.advance(Math.max(0, dueMs - this.clock.nowMs()));
    }
  }

  /** Three rounds without work: promises of the control paths go on in between. */
  async #untilQuiet(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet += 1) {
      const work = this.#stepServices() + this.#stepClients();
      await turn();
      if (work > 0) quiet = -1;
    }
  }

  async close(): Promise<void> {
    for (const process of this.#processes()) process.kill();
  }

  #processes(): SimProcess[] {
    return [this.#meta, ...this.targets, ...this.#clients.values()];
  }

  /** @returns work done */
  #stepServices(): number {
    this.clock.advance(ROUND_MS);
    const nowMs = this.clock.nowMs();
    const running = [this.#meta, ...this.targets].filter((process) => !this.#paused.has(process));
    return running.reduce((work, process) => work + step(process, nowMs), 0);
  }

  #stepClients(): number {
    let work = 0;
    for (const process of this.#clients.values()) {
      if (!this.#paused.has(process)) work += step(process, this.clock.nowMs());
    }
    return work;
  }

  #ports(machine = "machine"): ProcessPorts {
    const { clock, memory, random, pids } = this;
    const network = new HostNetwork(this.network, machine, pids);
    return { clock, memory, random, network, processes: pids, log: NO_FAULTS };
  }

  /** Whoever comes before it listens tries again after a while. */
  async #startMeta(): Promise<void> {
    const meta = new MetaProcess(this.#ports(), this.#kvDrive, META, () => 0);
    this.#meta = meta;
    await this.until(() => meta.service !== undefined);
  }

  readonly #workerPorts = new Set<number>();

  #startTarget(number: number): TargetProcess {
    const options = { kind: "file", number: number + 1, totalBytes: this.#driveBytes, pace: 0 } as const;
    const disk = new SimDisk(this.memory, this.random, options);
    this.disks.push(disk);
    const leases = new SimLeases().record();
    const shape = {
      id: String(number).repeat(32),
      name: `target-${number}`,
      disk,
      logs: disk,
      workers: 1,
      leases,
      meta: META,
    };
    const ports = this.#ports();
    const { listen } = ports.network;
    let isFirst = true;
    // A target's workers listen before its control thread does.
    ports.network.listen = (address) => {
      const listener = listen.call(ports.network, address);
      if (isFirst && listener.address.kind === "tcp") this.#workerPorts.add(listener.address.port);
      isFirst = false;
      return listener;
    };
    return new TargetProcess(ports, shape, 1, undefined);
  }
}

/** One step of each thread. @returns work done */
function step(process: SimProcess, nowMs: number): number {
  return process.threads.reduce((work, { body }) => work + body.step(nowMs), 0);
}

/** When a control loop of the process is to be stepped though nothing came. */
function dueOf({ threads }: SimProcess, nowMs: number): number {
  const loops = threads.filter(({ body }) => body.name === "control" || body.name === "agent");
  return Math.min(...loops.map(({ body }) => body.block(nowMs)));
}
