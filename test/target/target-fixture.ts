import assert from "node:assert/strict";
import type { Mailbox } from "../../src/ports/mailbox.ts";
import type { Memory } from "../../src/ports/memory.ts";
import { RpcChannel } from "../../src/rpc/channel.ts";
import { introduce } from "../../src/rpc/handshake.ts";
import { OriginKey, type Transcript } from "../../src/rpc/proofs.ts";
import { RpcServer } from "../../src/rpc/server.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { SimDrive } from "../../src/sim/drive.ts";
import { SimLeases } from "../../src/sim/lease-record.ts";
import { simMailboxPair } from "../../src/sim/mailbox.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { SimNetwork } from "../../src/sim/network.ts";
import { SimPoller } from "../../src/sim/poller.ts";
import { SimProcesses } from "../../src/sim/processes.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { DidafsError } from "../../src/std/errors.ts";
import { createControlCounters } from "../../src/structs/control-counters.ts";
import { REGION_HEADER_BYTES } from "../../src/structs/region-header.ts";
import { syncAreaBytes, syncQueueAt } from "../../src/structs/sync-queue.ts";
import { TargetControl } from "../../src/target/control.ts";
import { COUNTER, createCounters } from "../../src/target/counters.ts";
import { DataPlane } from "../../src/target/data-plane.ts";
import { DriveSyncer } from "../../src/target/drive-syncer.ts";
import type { FromWorker, ToWorker } from "../../src/target/messages.ts";
import { createLeaseEnd } from "../../src/target/service-lease.ts";
import { type Capability, capabilitySecret, signCapability } from "../../src/wire/capability.ts";
import type { Method, Params, Result } from "../../src/wire/control.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { CapturedLog } from "../support/captured-log.ts";
import { command, RawClient } from "./worker-fixture.ts";

const META = { kind: "tcp", host: "meta", port: 1 } as const;
const CONTROL_TCP = { kind: "tcp", host: "target", port: 1 } as const;
const CONTROL_UNIX = { kind: "unix", name: "control" } as const;
export const KEY = new Uint8Array(32).fill(9);
export const SERVICE_KEY = new Uint8Array(32).fill(8);
export const CLUSTER = "c".repeat(32);
export const TARGET = "7".repeat(32);
export const OWN_UID = 1000;

type Outcome = Result<"meta.epochOutcome">;

export interface TargetFixtureOptions {
  readonly drive?: "file" | "memory";
  readonly driveBytes?: number;
  /** A drive that was there before the target. */
  readonly found?: { readonly memory: SimMemory; readonly drive: SimDrive; readonly logs?: SimDrive };
  /** No data plane takes what control orders its workers: the test does, from `mailboxes`. */
  readonly scripted?: boolean;
  readonly workers?: number;
  /** Of every peer on a unix stream. */
  readonly peerUid?: number;
  readonly admitCluster?: (id: string) => void;
  /** Leaves the sync thread out of what `step` steps. */
  readonly holdSyncs?: boolean;
  /** The longest lease of the life before, which has crashed. */
  readonly formerLeaseMs?: number;
}

/** A window, by the region that it is to be on. */
export type Window = Omit<Params<"window.bind">, "capability"> & { inode: number; index: number };

/** An origin's control channel. */
export interface Origin {
  readonly channel: RpcChannel;
  readonly key: OriginKey;
  readonly transcript: Transcript;
  openSession(leaseMs?: number): Promise<Result<"session.open">>;
  /** With a capability for all of the region, but for what `more` says. */
  bindParams(window: Window, more?: Partial<Capability>): Params<"window.bind">;
  bind(window: Window, more?: Partial<Capability>): Promise<Result<"window.bind">>;
  call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>>;
}

/** A whole target on simulated ports, with the metadata service it registers with. */
export class TargetFixture {
  readonly network: SimNetwork;
  readonly memory: SimMemory;
  readonly drive: SimDrive;
  /** Where logs of epochs lie. */
  readonly logs: SimDrive;
  /** Memory of its process. */
  readonly lines: SimDrive;
  readonly clock = new SimClock();
  readonly random = new SimRandom(1);
  readonly processes = new SimProcesses();
  readonly leases: SimLeases;
  readonly control: TargetControl;
  readonly planes: DataPlane[] = [];
  /** The workers' ends. */
  readonly mailboxes: Mailbox<FromWorker, ToWorker>[] = [];
  readonly counters: Float64Array[] = [];
  readonly leaseEnd = createLeaseEnd();
  readonly syncer: DriveSyncer;
  readonly log = new CapturedLog();
  readonly closedDescriptors: number[] = [];
  /** What the metadata service was told, in order. */
  readonly told: { method: string; params: unknown }[] = [];
  /** Steps whoever takes the place of data planes. */
  onStep: () => void = () => {};
  /** What the metadata service says when it is asked about epochs. */
  epochOutcome: (method: "meta.epochOutcome" | "meta.epochFinish", asked: unknown) => Promise<Outcome> =
    async () => {
      throw new DidafsError("ERR_UNREACHABLE", "that target is down");
    };
  holdSyncs: boolean;
  /** What the target registered with last. */
  incarnation = "";
  meta: RpcServer;
  metaChannel: RpcChannel | undefined;
  readonly #origins: RpcChannel[] = [];

  constructor(options: TargetFixtureOptions = {}) {
    this.leases = new SimLeases(options.formerLeaseMs);
    this.holdSyncs = options.holdSyncs ?? false;
    this.network = new SimNetwork({ credentials: { pid: 1, uid: options.peerUid ?? OWN_UID } });
    this.memory = options.found?.memory ?? new SimMemory();
    this.drive =
      options.found?.drive ?? new SimDrive(this.memory, options.drive ?? "file", options.driveBytes);
    this.logs =
      options.found?.logs ?? (this.drive.kind === "file" ? this.drive : new SimDrive(this.memory, "file"));
    this.lines = new SimDrive(this.memory, "memory");
    const workerCount = options.workers ?? 2;
    const words = new Int32Array(new SharedArrayBuffer(syncAreaBytes(workerCount + 1)));
    const poller = new SimPoller();
    const workers = Array.from({ length: workerCount }, (_, i) => {
      const tcp = this.network.listen({ kind: "tcp", host: "target", port: 100 + i });
      const unix = this.network.listen({ kind: "unix", name: `worker ${i}` });
      const [near, far] = simMailboxPair<ToWorker, FromWorker>();
      const counters = createCounters();
      this.counters.push(counters);
      const plane = new DataPlane({
        memoryPort: this.memory,
        clock: this.clock,
        poller: new SimPoller(),
        tcp,
        unix,
        mailbox: far,
        counters,
        leaseEnd: this.leaseEnd,
        sync: { words, at: syncQueueAt(i + 1) },
      });
      this.mailboxes.push(far);
      if (!options.scripted) this.planes.push(plane);
      return {
        mailbox: near,
        counters,
        tcp: { kind: "tcp", host: "target", port: 100 + i } as const,
        unix: { kind: "unix", name: `worker ${i}` } as const,
      };
    });
    this.syncer = new DriveSyncer(this.drive, words, new Array(workerCount + 1).fill(poller));
    this.meta = this.startMeta();
    this.control = new TargetControl({
      network: this.network,
      memory: this.memory,
      clock: this.clock,
      random: this.random,
      poller,
      drive: this.drive,
      logs: this.logs,
      lines: this.lines,
      sync: { words, at: syncQueueAt(0) },
      counters: createControlCounters(),
      workers,
      id: TARGET,
      name: "target-7",
      pid: 42,
      uid: OWN_UID,
      key: KEY,
      serviceKey: SERVICE_KEY,
      leaseEnd: this.leaseEnd,
      meta: META,
      tcp: CONTROL_TCP,
      unix: CONTROL_UNIX,
      processes: this.processes,
      leases: this.leases.record(),
      admitCluster: options.admitCluster ?? (() => {}),
      closeDescriptor: (descriptor) => this.closedDescriptors.push(descriptor),
      log: this.log.logger,
    });
  }

  startMeta(): RpcServer {
    const server = new RpcServer({
      network: this.network,
      memory: this.memory,
      clock: this.clock,
      random: this.random,
      identity: { keys: { target: SERVICE_KEY }, service: "meta", id: CLUSTER },
      channelsMax: 10,
      onOpen: (channel, { role }) => {
        assert.equal(role, "target");
        return {
          "meta.register": (params) => {
            this.metaChannel = channel;
            this.told.push({ method: "meta.register", params });
            this.incarnation = params.incarnation;
            return { heartbeatMs: 1000, leaseMs: 10_000 };
          },
          "meta.epochOutcome": (params) => this.epochOutcome("meta.epochOutcome", params),
          "meta.epochFinish": (params) => this.epochOutcome("meta.epochFinish", params),
          "meta.heartbeat": (params) => {
            this.told.push({ method: "meta.heartbeat", params });
            return {};
          },
        };
      },
    });
    server.listen(META);
    return server;
  }

  /** Steps everything once, and lets promises run. */
  async step(): Promise<void> {
    const nowMs = this.clock.nowMs();
    this.control.doWork(nowMs);
    for (const plane of this.planes) plane.doWork(nowMs);
    this.onStep();
    if (!this.holdSyncs) this.syncer.doWork();
    this.meta.doWork(nowMs);
    for (const channel of this.#origins) channel.doWork(nowMs);
    await new Promise((resolve) => setImmediate(resolve));
  }

  async steps(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) await this.step();
  }

  /** Steps everything until the promise has settled. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = promise.finally(() => {
      settled = true;
    });
    done.catch(() => {});
    for (let round = 0; !settled; round += 1) {
      assert.ok(round < 1000, "what is awaited comes");
      await this.step();
    }
    return await done;
  }

  /** Time passes in small steps. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      this.clock.advance(100);
      await this.step();
    }
  }

  async registered(): Promise<RpcChannel> {
    for (let round = 0; !this.control.registered; round += 1) {
      assert.ok(round < 1000, "the target registers");
      await this.step();
    }
    return this.metaChannel as RpcChannel;
  }

  createRegion(inode: number, index: number, byteLength: number): Promise<unknown> {
    const channel = this.metaChannel as RpcChannel;
    return this.settle(channel.call("region.create", { inode, index, byteLength }, { timeoutMs: 60_000 }));
  }

  removeRegion(inode: number, index: number): Promise<unknown> {
    const channel = this.metaChannel as RpcChannel;
    return this.settle(channel.call("region.remove", { inode, index }, { timeoutMs: 60_000 }));
  }

  /** A call of the metadata service. */
  call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    return this.settle((this.metaChannel as RpcChannel).call(method, params, { timeoutMs: 1e6 }));
  }

  resizeRegion(inode: number, index: number, byteLength: number): Promise<unknown> {
    return this.call("region.resize", { inode, index, byteLength });
  }

  async origin(kind: "tcp" | "unix" = "unix"): Promise<Origin> {
    const address = kind === "unix" ? CONTROL_UNIX : CONTROL_TCP;
    const channel = new RpcChannel({
      stream: this.network.connect(address, { acceptDescriptors: kind === "unix" }),
      memory: this.memory,
      clock: this.clock,
      peer: "the target",
      closeDescriptor: () => {},
    });
    this.#origins.push(channel);
    const expect = { service: "target", id: TARGET } as const;
    const transcript = await this.settle(
      introduce(channel, { key: KEY, random: this.random, role: "origin", expect, timeoutMs: 1e6 }),
    );
    const key = new OriginKey(this.random.bytes(32));
    const call: Origin["call"] = (method, params) =>
      this.settle(channel.call(method, params, { timeoutMs: 1e6 }));
    const bindParams: Origin["bindParams"] = ({ inode, index, ...window }, more) => {
      const capability = this.capability({ inode, index, originKey: key.publicKey, ...more });
      return { ...window, capability };
    };
    return {
      channel,
      key,
      transcript,
      call,
      openSession: (leaseMs = 0) =>
        call("session.open", { leaseMs, originKey: key.publicKey, proof: key.prove(transcript) }),
      bindParams,
      bind: (window, more) => call("window.bind", bindParams(window, more)),
    };
  }

  /** As the metadata service signs them for this life of the target. */
  capability(fields: Pick<Capability, "inode" | "index" | "originKey"> & Partial<Capability>): string {
    const secret = capabilitySecret(SERVICE_KEY, TARGET, this.incarnation);
    return signCapability(secret, {
      rights: "rw",
      at: 0,
      byteLength: Number.POSITIVE_INFINITY,
      expiresMs: this.clock.wallMs() + 60_000,
      gen: 0,
      target: TARGET,
      ...fields,
    });
  }

  /** A proven data connection of a session to a worker. */
  enter(worker: number, session: Result<"session.open">): RawClient {
    const stream = this.network.connect({ kind: "unix", name: `worker ${worker}` });
    const client = new RawClient(stream, () => {
      for (const plane of this.planes) plane.doWork(this.clock.nowMs());
      if (!this.holdSyncs) this.syncer.doWork();
    });
    const payload = new Uint8Array(Buffer.from(session.token, "hex"));
    client.send(command({ opcode: OPCODE.HELLO, operand: BigInt(session.session), payload }));
    assert.equal(client.answer().status, 0);
    return client;
  }

  /** The region's data, as they lie on the drive. */
  dataOf(inode: number, index: number): Memory {
    const object = this.drive.open(`${inode}.${index}`);
    assert.ok(object, "the region is on the drive");
    object.close();
    return this.memory.map(
      object.descriptor,
      REGION_HEADER_BYTES,
      object.byteLength - REGION_HEADER_BYTES,
      true,
    );
  }

  sum(name: string): number {
    const at = COUNTER[name as keyof typeof COUNTER] as number;
    return this.counters.reduce((sum, counters) => sum + (counters[at] as number), 0);
  }
}
