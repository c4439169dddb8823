import type { Clock } from "../ports/clock.ts";
import type { MemoryPort } from "../ports/memory.ts";
import type { Address, Network, Stream } from "../ports/network.ts";
import type { Poller } from "../ports/poller.ts";
import type { Random } from "../ports/random.ts";
import { RpcChannel } from "../rpc/channel.ts";
import type { Handlers } from "../rpc/handlers.ts";
import { introduce } from "../rpc/handshake.ts";
import type { Transcript } from "../rpc/proofs.ts";

/** Control channels are stepped every time, so their token says nothing; data streams have their number, from 1. */
const CHANNEL_TOKEN = 0;

export interface ChannelPorts {
  readonly network: Network;
  readonly memory: MemoryPort;
  readonly poller: Poller;
  readonly clock: Clock;
  readonly random: Random;
  readonly closeDescriptor: (descriptor: number) => void;
}

export interface Limits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Opens the agent's channels to services, proves the cluster's key on each, and steps them. */
export class ControlChannels {
  readonly #ports: ChannelPorts;
  readonly #key: Uint8Array;
  readonly #channels = new Set<RpcChannel>();

  constructor(ports: ChannelPorts, key: Uint8Array) {
    this.#ports = ports;
    this.#key = key;
  }

  doWork(nowMs: number): number {
    let work = 0;
    for (const channel of this.#channels) work += channel.doWork(nowMs);
    return work;
  }

  /** When it is to be stepped though nothing came. */
  dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const channel of this.#channels) dueMs = Math.min(dueMs, channel.dueMs);
    return dueMs;
  }

  /**
   * @param peer who should be there, for messages
   * @param handlers what the service may call here
   * @param onEnd called once when the channel has ended, for whatever reason
   * @returns the proven channel, and the handshake made on it
   * @throws ERR_UNREACHABLE, ERR_AUTH, ERR_VERSION, ERR_TIMEOUT
   */
  async open(
    address: Address,
    peer: string,
    expect: { service: "meta" | "target"; id?: string },
    limits: Limits,
    onEnd: () => void,
    handlers: Handlers = {},
  ): Promise<{ channel: RpcChannel; transcript: Transcript }> {
    const { network, memory, clock, poller, closeDescriptor, random } = this.#ports;
    const channel = new RpcChannel({
      stream: network.connect(address, { acceptDescriptors: address.kind === "unix" }),
      memory,
      clock,
      peer,
      poller,
      pollToken: CHANNEL_TOKEN,
      closeDescriptor,
      onEnd: () => {
        this.#channels.delete(channel);
        onEnd();
      },
    });
    this.#channels.add(channel);
    const role = "origin" as const;
    const transcript = await introduce(channel, {
      key: this.#key,
      random,
      role,
      expect,
      handlers,
      ...limits,
    });
    return { channel, transcript };
  }

  /**
   * A stream to a service on which a channel was proven and made ready, for whoever goes on with it; he closes it.
   * @throws as `open`, and what `ready` throws
   */
  async openStream(
    address: Address,
    peer: string,
    expect: { service: "meta" | "target"; id?: string },
    limits: Limits,
    ready: (channel: RpcChannel) => Promise<unknown>,
  ): Promise<Stream> {
    const { network, memory, clock, poller, random } = this.#ports;
    const stream = network.connect(address);
    const channel = new RpcChannel({
      stream,
      lent: true,
      memory,
      clock,
      peer,
      poller,
      pollToken: CHANNEL_TOKEN,
      onEnd: () => this.#channels.delete(channel),
    });
    this.#channels.add(channel);
    try {
      await introduce(channel, { key: this.#key, random, role: "origin", expect, ...limits });
      await ready(channel);
      return stream;
    } catch (error) {
      stream.close();
      throw error;
    } finally {
      channel.close();
    }
  }

  close(): void {
    for (const channel of this.#channels) channel.close();
  }
}
