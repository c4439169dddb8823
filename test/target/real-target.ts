import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Address } from "../../src/ports/network.ts";
import { RpcChannel } from "../../src/rpc/channel.ts";
import { introduce } from "../../src/rpc/handshake.ts";
import { OriginKey } from "../../src/rpc/proofs.ts";
import { RpcServer } from "../../src/rpc/server.ts";
import { settleLogs } from "../../src/runtime/logs.ts";
import type { RunningService } from "../../src/runtime/service.ts";
import { launchProcess } from "../../src/runtime/service-process.ts";
import { systemClock } from "../../src/system/clock.ts";
import { close } from "../../src/system/libc.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { systemNetwork } from "../../src/system/network.ts";
import { systemRandom } from "../../src/system/random.ts";
import { type Capability, capabilitySecret, signCapability } from "../../src/wire/capability.ts";
import type { Endpoint, Method, Params, Result } from "../../src/wire/control.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { type CommandFields, command, RawClient } from "./worker-fixture.ts";

export const KEY = new Uint8Array(32).fill(3);
const SERVICE_KEY = new Uint8Array(32).fill(4);
const TIMEOUT_MS = 20_000;

/** A metadata service that only knows how to take in one target, and that target in a process of its own. */
export class RealTarget {
  readonly dir: string = mkdtempSync(path.join(os.tmpdir(), "didafs-target-"));
  readonly #meta: RpcServer;
  readonly #address: Address;
  readonly #steppable = new Set<{ doWork(nowMs: number): number }>();
  #channel = Promise.withResolvers<RpcChannel>();
  #stopped = false;
  service: RunningService | undefined;
  endpoint: Endpoint | undefined;
  lastBeat: Params<"meta.heartbeat"> | undefined;
  beatCount = 0;
  id = "";
  incarnation = "";

  constructor(cluster = "c".repeat(32)) {
    this.#meta = new RpcServer({
      network: systemNetwork,
      memory: systemMemory,
      clock: systemClock,
      random: systemRandom,
      identity: { keys: { target: SERVICE_KEY }, service: "meta", id: cluster },
      channelsMax: 10,
      onOpen: (channel: RpcChannel) => ({
        "meta.register": ({ endpoint, incarnation }) => {
          this.endpoint = endpoint;
          this.incarnation = incarnation;
          this.#channel.resolve(channel);
          return { heartbeatMs: 100, leaseMs: 10_000 };
        },
        // There is no other target, so none has decided anything or has anything left to finish.
        "meta.epochOutcome": () => ({ outcome: "aborted" }),
        "meta.epochFinish": () => ({ outcome: "committed" }),
        "meta.heartbeat": (params) => {
          this.lastBeat = params;
          this.beatCount += 1;
          return {};
        },
      }),
    });
    this.#address = this.#meta.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
    this.#steppable.add(this.#meta);
    const turn = (): void => {
      for (const agent of this.#steppable) agent.doWork(systemClock.nowMs());
      if (!this.#stopped) setTimeout(turn, 1);
    };
    turn();
  }

  async start(drive: "file" | "memory", workers: number, host = "127.0.0.1"): Promise<void> {
    this.#channel = Promise.withResolvers();
    mkdirSync(path.join(this.dir, "target"), { recursive: true });
    this.service = launchProcess({
      name: "target",
      entry: new URL("../../src/runtime/target-thread.ts", import.meta.url),
      options: {
        dir: path.join(this.dir, "target"),
        drive,
        keyHex: Buffer.from(KEY).toString("hex"),
        serviceKeyHex: Buffer.from(SERVICE_KEY).toString("hex"),
        meta:
          this.#address.kind === "tcp" ? { host: this.#address.host, port: this.#address.port } : undefined,
        host,
        workers,
      },
      log: { ...settleLogs(), file: path.join(this.dir, "log") },
    });
    const { id } = await this.service.ready;
    this.id = id as string;
  }

  log(): string {
    return readFileSync(path.join(this.dir, "log"), "utf8");
  }

  async createRegion(inode: number, byteLength: number): Promise<void> {
    const channel = await this.#channel.promise;
    await channel.call("region.create", { inode, index: 0, byteLength }, { timeoutMs: TIMEOUT_MS });
  }

  /** A call of the metadata service. */
  async call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    const channel = await this.#channel.promise;
    return channel.call(method, params, { timeoutMs: TIMEOUT_MS });
  }

  /** What lets the origin with that key in, as the metadata service signs it. */
  capability(inode: number, originKey: string, more: Partial<Capability> = {}): string {
    const secret = capabilitySecret(SERVICE_KEY, this.id, this.incarnation);
    return signCapability(secret, {
      inode,
      index: 0,
      rights: "rw",
      at: 0,
      byteLength: Number.POSITIVE_INFINITY,
      expiresMs: systemClock.wallMs() + 60_000,
      gen: 0,
      originKey,
      target: this.id,
      ...more,
    });
  }

  /** An origin's channel with a session. */
  /** @param leaseMs nobody renews it; 0 for what the target gives */
  async origin(kind: "tcp" | "unix", leaseMs = 0): Promise<RealOrigin> {
    const endpoint = this.endpoint as Endpoint;
    const channel = new RpcChannel({
      stream: systemNetwork.connect(endpoint[kind].control, { acceptDescriptors: kind === "unix" }),
      memory: systemMemory,
      clock: systemClock,
      peer: "the target",
      closeDescriptor: close,
    });
    this.#steppable.add(channel);
    const expect = { service: "target", id: this.id } as const;
    const transcript = await introduce(channel, {
      key: KEY,
      random: systemRandom,
      role: "origin",
      expect,
      timeoutMs: TIMEOUT_MS,
    });
    const key = new OriginKey(systemRandom.bytes(32));
    const originKey = key.publicKey;
    const terms = { leaseMs, originKey, proof: key.prove(transcript) };
    const session = await channel.call("session.open", terms, { timeoutMs: TIMEOUT_MS });
    const capability = (inode: number): string => this.capability(inode, originKey);
    return new RealOrigin(channel, session, endpoint, kind, capability);
  }

  async close(): Promise<void> {
    this.service?.stop();
    const ended = await this.service?.ended;
    this.#stopped = true;
    this.#meta.close();
    const log = ended === undefined || ended === "exit code 0" ? undefined : this.log();
    rmSync(this.dir, { recursive: true, force: true });
    if (log !== undefined) throw new Error(`the target ended with ${ended}: ${log}`);
  }
}

const NAP = new Int32Array(new SharedArrayBuffer(4));

/** Leaves the processor to the target: RawClient gives up after a number of rounds, which is 20 s or more of these. */
function nap(): void {
  Atomics.wait(NAP, 0, 0, 0.1);
}

export class RealOrigin {
  readonly channel: RpcChannel;
  readonly session: Result<"session.open">;
  readonly #endpoint: Endpoint;
  readonly #kind: "tcp" | "unix";
  readonly #capability: (inode: number) => string;

  constructor(
    channel: RpcChannel,
    session: Result<"session.open">,
    endpoint: Endpoint,
    kind: "tcp" | "unix",
    capability: (inode: number) => string,
  ) {
    this.#capability = capability;
    this.channel = channel;
    this.session = session;
    this.#endpoint = endpoint;
    this.#kind = kind;
  }

  async bind(inode: number, byteLength: number, more: Partial<Params<"window.bind">> = {}) {
    const params = {
      capability: this.#capability(inode),
      at: 0,
      byteLength,
      rights: "rw",
      sharing: "managed",
      direct: false,
      ...more,
    } as const;
    const { result, descriptor } = await this.channel.callWithDescriptor("window.bind", params, {
      timeoutMs: TIMEOUT_MS,
    });
    return { ...result, descriptor };
  }

  /** A proven data connection to a worker; whoever waits for its answers blocks this thread. */
  enter(worker: number): RawClient {
    const stream = systemNetwork.connect(this.#endpoint[this.#kind].workers[worker] as Address);
    const client = new RawClient(stream, nap, systemMemory);
    const payload = new Uint8Array(Buffer.from(this.session.token, "hex"));
    const hello: CommandFields = { opcode: OPCODE.HELLO, operand: BigInt(this.session.session), payload };
    client.send(command(hello));
    if (client.answer().status !== 0) throw new Error("the worker refuses the session");
    return client;
  }
}
