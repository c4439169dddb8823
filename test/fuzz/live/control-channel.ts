import type { Address } from "../../../src/ports/network.ts";
import { RpcChannel } from "../../../src/rpc/channel.ts";
import { introduce } from "../../../src/rpc/handshake.ts";
import type { OriginKey } from "../../../src/rpc/proofs.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { systemMemory } from "../../../src/system/memory.ts";
import { systemNetwork } from "../../../src/system/network.ts";
import { systemRandom } from "../../../src/system/random.ts";
import type { Method, Params, Result } from "../../../src/wire/control.ts";
import type { EpochSession } from "../../../src/wire/epoch-name.ts";
import { KEY, type RealTarget } from "../../target/real-target.ts";
import { settled } from "./turns.ts";

const TIMEOUT_MS = 60_000;
const RENEW_MS = 2000;
/** As long as any run. */
const CAPABILITY_MS = 24 * 3600_000;
/** Those that were made, for signing one takes longer than a hundred accesses. */
const capabilities = new Map<string, string>();

export type Kind = "tcp" | "unix";

/** An origin's session at a real target: its control channel, stepped here and as fast as it goes. */
export class ControlChannel {
  readonly session: number;
  readonly token: Uint8Array;
  /** What epochs are named after that the target decides. */
  readonly epochs: EpochSession;
  readonly #channel: RpcChannel;
  readonly #target: RealTarget;
  readonly #key: OriginKey;
  #renewedMs = performance.now();

  private constructor(
    target: RealTarget,
    channel: RpcChannel,
    key: OriginKey,
    opened: Result<"session.open">,
  ) {
    this.#target = target;
    this.#channel = channel;
    this.#key = key;
    this.session = opened.session;
    const { session, incarnation, epochSecret: secret } = opened;
    this.epochs = { session, incarnation, secret };
    this.token = new Uint8Array(Buffer.from(opened.token, "hex"));
  }

  static async open(target: RealTarget, kind: Kind, key: OriginKey): Promise<ControlChannel> {
    const channel = new RpcChannel({
      stream: systemNetwork.connect(target.endpoint?.[kind].control as Address),
      memory: systemMemory,
      clock: systemClock,
      peer: "the target",
    });
    const step = (): number => channel.doWork(systemClock.nowMs());
    const transcript = await settled(
      "a handshake",
      step,
      introduce(channel, {
        key: KEY,
        random: systemRandom,
        role: "origin",
        expect: { service: "target", id: target.id },
        handlers: { "window.revoked": () => ({}) },
        timeoutMs: TIMEOUT_MS,
      }),
    );
    const terms = { leaseMs: 0, originKey: key.publicKey, proof: key.prove(transcript) };
    const opened = channel.call("session.open", terms, { timeoutMs: TIMEOUT_MS });
    return new ControlChannel(target, channel, key, await settled("session.open", step, opened));
  }

  get ended(): boolean {
    return this.#channel.ended !== undefined;
  }

  step(): void {
    if (this.ended) return;
    this.#channel.doWork(systemClock.nowMs());
    if (this.ended || performance.now() - this.#renewedMs < RENEW_MS) return;
    this.#renewedMs = performance.now();
    this.#channel.call("session.renew", {}, { timeoutMs: TIMEOUT_MS }).catch(() => {});
  }

  call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    const answer = this.#channel.call(method, params, { timeoutMs: TIMEOUT_MS });
    return settled(method, () => this.step(), answer);
  }

  /** @param gen of the file, as the capability has it @returns the handle */
  async bind(
    inode: number,
    range: { readonly at: number; readonly byteLength: number },
    rights: "r" | "rw",
    gen = 0,
  ): Promise<number> {
    const { handle } = await this.call("window.bind", {
      capability: this.#capability(inode, gen),
      at: range.at,
      byteLength: range.byteLength,
      rights,
      sharing: "managed",
      direct: false,
    });
    return handle;
  }

  #capability(inode: number, gen: number): string {
    const { publicKey } = this.#key;
    const name = `${this.#target.incarnation} ${publicKey} ${inode} ${gen}`;
    const known = capabilities.get(name);
    if (known !== undefined) return known;
    const expiresMs = systemClock.wallMs() + CAPABILITY_MS;
    const made = this.#target.capability(inode, publicKey, { gen, expiresMs });
    capabilities.set(name, made);
    return made;
  }

  close(): void {
    this.#channel.close();
  }
}
