import assert from "node:assert/strict";
import { Agent } from "../../src/client/agent.ts";
import { AgentHost } from "../../src/client/agent-host.ts";
import type { FromAgent, ToAgent } from "../../src/client/agent-messages.ts";
import type { Transport } from "../../src/client/api.ts";
import { ClusterClient } from "../../src/client/cluster.ts";
import { Origin } from "../../src/client/origin.ts";
import { MetaService } from "../../src/meta/service.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { SimDrive } from "../../src/sim/drive.ts";
import { SimKvDrive, SimKvEngine } from "../../src/sim/kv-engine.ts";
import { simMailboxPair } from "../../src/sim/mailbox.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { SimNetwork } from "../../src/sim/network.ts";
import { SimPoller } from "../../src/sim/poller.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { SimTurns } from "../../src/sim/turns.ts";
import { createLogger } from "../../src/std/logger.ts";
import { syncAreaBytes, syncQueueAt } from "../../src/structs/sync-queue.ts";
import { TargetControl } from "../../src/target/control.ts";
import { createCounters } from "../../src/target/counters.ts";
import { DataPlane } from "../../src/target/data-plane.ts";
import { DriveSyncer } from "../../src/target/drive-syncer.ts";
import type { FromWorker, ToWorker } from "../../src/target/messages.ts";
import { createLeaseEnd } from "../../src/target/service-lease.ts";

const KEY = new Uint8Array(32).fill(5);
const SERVICE_KEY = new Uint8Array(32).fill(6);
const META = { kind: "tcp", host: "meta", port: 1 } as const;
const UID = 1000;
/** Nothing that a simulated cluster meets is the fault of its services. */
const NO_FAULTS = createLogger((level, msg, fields) => {
  if (level === "error") assert.fail(`${msg} ${JSON.stringify(fields)}`);
});

interface SimTarget {
  readonly control: TargetControl;
  readonly plane: DataPlane;
  readonly syncer: DriveSyncer;
}

interface SimClient {
  readonly host: AgentHost;
  readonly turns: SimTurns;
  takeMail(): void;
}

/**
 * A whole cluster in one thread: the production code of metadata service, targets and clients on simulated network,
 * memory, drives, metadata engine, clock and chance. Nothing of it reaches the machine.
 */
export class SimCluster {
  readonly clock = new SimClock();
  readonly memory = new SimMemory();
  readonly network: SimNetwork;
  readonly random: SimRandom;
  readonly targets: SimTarget[] = [];
  readonly #clients: SimClient[] = [];
  readonly #engine = new SimKvEngine(new SimKvDrive());
  #meta!: MetaService;

  private constructor(seed: number) {
    this.network = new SimNetwork({ seed, credentials: { pid: 1, uid: UID } });
    this.random = new SimRandom(seed);
  }

  static async start(targetCount: number, seed: number): Promise<SimCluster> {
    const cluster = new SimCluster(seed);
    await cluster.#startMeta();
    for (let i = 0; i < targetCount; i += 1) cluster.targets.push(cluster.#startTarget(i));
    await cluster.until(() => cluster.targets.every(({ control }) => control.registered));
    return cluster;
  }

  async #startMeta(): Promise<void> {
    const { network, memory, clock, random } = this;
    this.#meta = await MetaService.open({
      network,
      memory,
      clock,
      random,
      engine: this.#engine,
      key: KEY,
      serviceKey: SERVICE_KEY,
      version: "0.0.0",
      pid: 1,
      log: NO_FAULTS,
    });
    this.#meta.listen(META);
  }

  /** Another process of the metadata service takes the place of the last one, over the same metadata. */
  async restartMeta(): Promise<void> {
    this.#meta.close();
    await this.#startMeta();
    await this.until(() => this.targets.every(({ control }) => control.registered));
  }

  /** A client as `connect` makes it, its agent stepped beside it. */
  async connect(transport: Transport): Promise<ClusterClient> {
    const { network, memory, clock, random } = this;
    const [mailbox, agentMailbox] = simMailboxPair<ToAgent, FromAgent>();
    const poller = new SimPoller();
    const host = new AgentHost(poller);
    const agentPorts = {
      network,
      memory,
      clock,
      random,
      poller,
      newId: host.newId,
      closeDescriptor: () => {},
    };
    const agent = new Agent(
      { ...agentPorts, mailbox: agentMailbox },
      { metaAddress: META, key: KEY, leaseMs: 10_000 },
    );
    host.add(agent);
    const turns = new SimTurns(clock);
    // Whoever blocks here lets everybody else go on.
    const idler = { yield: () => this.#stepServices(), waitReadable: () => this.#stepServices() };
    const ports = { mailbox, network, memory, clock, idler, turns };
    const origin = new Origin({ ...ports, closeDescriptor: () => {}, keepAlive: () => {} });
    const takeMail = (): void => {
      for (let mail = mailbox.poll(); mail !== undefined; mail = mailbox.poll()) origin.link.take(mail);
    };
    this.#clients.push({ host, turns, takeMail });
    const limits = { timeoutMs: 60_000, signal: undefined };
    const { id } = await this.settle(origin.link.call("connect", null, limits));
    const stop = async (): Promise<void> => {
      mailbox.post({ kind: "stop" });
      await this.until(() => agent.stopped);
    };
    const url = "didafs://meta:1";
    const owner = { uid: UID, gid: UID };
    return new ClusterClient({ id, url, origin, transport, timeoutMs: 60_000, owner, stop });
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

  async until(condition: () => boolean): Promise<void> {
    for (let round = 0; !condition(); round += 1) {
      assert.ok(round < 100_000, "what is awaited comes");
      this.#stepServices();
      for (const { host, turns, takeMail } of this.#clients) {
        host.doWork(this.clock.nowMs());
        takeMail();
        turns.turn();
      }
      // Promises of the control paths, and the engine's commits.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async close(): Promise<void> {
    this.#meta.close();
    await this.#engine.close();
  }

  #stepServices(): void {
    this.clock.advance(0.01);
    const nowMs = this.clock.nowMs();
    this.#meta.doWork(nowMs);
    for (const { control, plane, syncer } of this.targets) {
      control.doWork(nowMs);
      plane.doWork(nowMs);
      syncer.doWork();
    }
  }

  #startTarget(number: number): SimTarget {
    const { network, memory, clock, random } = this;
    const words = new Int32Array(new SharedArrayBuffer(syncAreaBytes(2)));
    const [near, far] = simMailboxPair<ToWorker, FromWorker>();
    const counters = createCounters();
    const leaseEnd = createLeaseEnd();
    const poller = new SimPoller();
    const drive = new SimDrive(memory);
    const tcp = { kind: "tcp", host: `target${number}`, port: 2 } as const;
    const unix = { kind: "unix", name: `target${number} worker` } as const;
    const plane = new DataPlane({
      memoryPort: memory,
      poller: new SimPoller(),
      tcp: network.listen(tcp),
      unix: network.listen(unix),
      mailbox: far,
      counters,
      leaseEnd,
      sync: { words, at: syncQueueAt(1) },
    });
    const control = new TargetControl({
      network,
      memory,
      clock,
      random,
      poller,
      drive,
      sync: { words, at: syncQueueAt(0) },
      workers: [{ mailbox: near, counters, tcp, unix }],
      id: String(number).repeat(32),
      name: `target-${number}`,
      pid: 2,
      uid: UID,
      key: KEY,
      serviceKey: SERVICE_KEY,
      leaseEnd,
      meta: META,
      tcp: { kind: "tcp", host: `target${number}`, port: 1 },
      unix: { kind: "unix", name: `target${number}` },
      admitCluster: () => {},
      closeDescriptor: () => {},
      log: NO_FAULTS,
    });
    return { control, plane, syncer: new DriveSyncer(drive, words, [poller, poller]) };
  }
}
