import type { Clock } from "../ports/clock.ts";
import type { MemoryPort } from "../ports/memory.ts";
import type { Address, Listener, Network, Stream } from "../ports/network.ts";
import { type Poller, READABLE } from "../ports/poller.ts";
import type { Random } from "../ports/random.ts";
import { DidafsError } from "../std/errors.ts";
import { RpcChannel } from "./channel.ts";
import type { Channel, Handlers } from "./handlers.ts";
import { handshakeHandlers, type ServiceIdentity } from "./handshake.ts";
import { ACCEPTS_PER_STEP_MAX, ADMISSION_TIMEOUT_MS } from "./limits.ts";
import type { Transcript } from "./proofs.ts";
import { Strangers } from "./strangers.ts";

export interface RpcServerOptions {
  readonly network: Network;
  readonly memory: MemoryPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly identity: ServiceIdentity;
  /** Peers that have proven themselves, at a time; further ones are refused with ERR_TOO_MANY. */
  readonly channelsMax: number;
  /** A peer has proven itself: returns what serves it. */
  readonly onOpen: (channel: RpcChannel, transcript: Transcript) => Handlers;
  /** A channel that was opened has ended. */
  readonly onClose?: (channel: RpcChannel, reason: DidafsError) => void;
  readonly onFault?: (error: unknown, method: string) => void;
  readonly poller?: Poller | undefined;
  /** What the poller reports for listeners and channels. */
  readonly pollToken?: number | undefined;
}

interface Draining {
  /** Channels that are still to end. */
  readonly left: Set<RpcChannel>;
  readonly resolve: () => void;
}

/**
 * To look in vain for who waits at a listener costs as much as receiving from several channels. Whoever does wait ends the
 * poller's waits meanwhile, so these steps come at once.
 */
const STEPS_PER_ACCEPT = 8;

const stopping = (): DidafsError => new DidafsError("ERR_CLOSED", "the service is stopping");

/** Accepts connections on its listeners, has each peer prove the key, and steps all channels. */
export class RpcServer {
  readonly #options: RpcServerOptions;
  readonly #listeners: Listener[] = [];
  readonly #channels = new Set<RpcChannel>();
  readonly #strangers = new Strangers<RpcChannel>();
  #draining: Draining | undefined;
  #drivenOutCount = 0;
  #acceptedCount = 0;
  #stepsToAccept = 0;
  /** Of channels whose peer has proven itself. */
  #openCount = 0;

  constructor(options: RpcServerOptions) {
    this.#options = options;
  }

  get channelCount(): number {
    return this.#channels.size;
  }

  /** Connections of strangers closed because more came. */
  get drivenOutCount(): number {
    return this.#drivenOutCount;
  }

  /** @returns the address to connect to @throws ERR_PORT_IN_USE, ERR_INVALID_ARGUMENT */
  listen(address: Address): Address {
    const listener = this.#options.network.listen(address);
    this.#listeners.push(listener);
    this.#options.poller?.watch(listener, READABLE, this.#options.pollToken ?? 0);
    return listener.address;
  }

  /** @returns connections taken, frames moved and channels ended */
  doWork(nowMs: number): number {
    let work = this.#accept(nowMs);
    for (const channel of this.#channels) {
      work += channel.doWork(nowMs);
      if (channel.ended !== undefined) this.#channels.delete(channel);
    }
    work += this.#closeOverdue(nowMs);
    this.#lookWhoLeft();
    return work;
  }

  /** When it is to be stepped though nothing came. */
  dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const channel of this.#channels) dueMs = Math.min(dueMs, channel.dueMs);
    return Math.min(dueMs, this.#strangers.dueMs);
  }

  #closeOverdue(nowMs: number): number {
    let closed = 0;
    const strangers = this.#strangers;
    for (let one = strangers.overdue(nowMs); one !== undefined; one = strangers.overdue(nowMs)) {
      one.close(new DidafsError("ERR_AUTH", `the key was not proven within ${ADMISSION_TIMEOUT_MS} ms`));
      closed += 1;
    }
    return closed;
  }

  #lookWhoLeft(): void {
    if (this.#draining === undefined) return;
    const { left, resolve } = this.#draining;
    for (const channel of left) if (channel.ended !== undefined) left.delete(channel);
    if (left.size === 0) resolve();
  }

  /** Takes no further connection. */
  stopListening(): void {
    for (const listener of this.#listeners.splice(0)) {
      this.#options.poller?.unwatch(listener);
      listener.close();
    }
  }

  /**
   * Takes nothing new: no connection, and no call on the channels that do not stay, which end once the calls under way are
   * answered. Resolves when they have ended, after `limitMs` at most; to be stepped until then.
   */
  drain(limitMs: number, stays: (channel: Channel) => boolean = () => false): Promise<void> {
    this.stopListening();
    const left = new Set([...this.#channels].filter((channel) => !stays(channel)));
    for (const channel of left) {
      if (channel.admitted) channel.closeWhenSent(stopping(), limitMs);
      else channel.close(stopping());
    }
    return new Promise((resolve) => {
      this.#draining = { left, resolve };
    });
  }

  close(): void {
    this.stopListening();
    for (const channel of this.#channels) channel.close(stopping());
    this.#channels.clear();
  }

  #accept(nowMs: number): number {
    if (this.#stepsToAccept > 0) {
      this.#stepsToAccept -= 1;
      return 0;
    }
    let accepted = 0;
    for (const listener of this.#listeners) {
      for (let count = 0; count < ACCEPTS_PER_STEP_MAX; count += 1) {
        const stream = listener.accept();
        if (stream === undefined) break;
        accepted += 1;
        const channel = this.#open(stream, listener.address);
        this.#channels.add(channel);
        const tooMany = this.#strangers.came(channel, nowMs);
        if (tooMany === undefined) continue;
        this.#drivenOutCount += 1;
        tooMany.close(
          new DidafsError("ERR_TOO_MANY", "more connections have come whose peer proves nothing"),
        );
      }
    }
    if (accepted === 0) this.#stepsToAccept = STEPS_PER_ACCEPT - 1;
    return accepted;
  }

  #checkRoom(): void {
    const { channelsMax, identity } = this.#options;
    if (this.#openCount < channelsMax) return;
    throw new DidafsError(
      "ERR_TOO_MANY",
      `this ${identity.service} service has ${channelsMax} connections, and takes no more`,
    );
  }

  #open(stream: Stream, at: Address): RpcChannel {
    const { memory, clock, random, identity, onOpen, onClose, onFault, poller, pollToken } = this.#options;
    this.#acceptedCount += 1;
    let isOpen = false;
    const channel: RpcChannel = new RpcChannel({
      stream,
      memory,
      clock,
      poller,
      pollToken,
      onFault,
      peer: `connection ${this.#acceptedCount} (${at.kind})`,
      handlers: handshakeHandlers(identity, random, (_, transcript) => {
        this.#checkRoom();
        const handlers = onOpen(channel, transcript);
        isOpen = true;
        this.#openCount += 1;
        this.#strangers.delete(channel);
        return handlers;
      }),
      onEnd: (reason) => {
        this.#strangers.delete(channel);
        if (!isOpen) return;
        this.#openCount -= 1;
        onClose?.(channel, reason);
      },
    });
    return channel;
  }
}
