import type { Clock } from "../ports/clock.ts";
import type { Address, Stream } from "../ports/network.ts";
import type { RpcChannel } from "../rpc/channel.ts";
import type { OpenFile, Result } from "../wire/control.ts";
import type { AgentCalls } from "./agent-messages.ts";
import type { ControlChannels, Limits } from "./control-channels.ts";
import { joinOpening } from "./join-opening.ts";
import { OpenInodes } from "./open-inodes.ts";
import { Renewal } from "./renewal.ts";

const PEER = "the metadata service";
/** Files that are open are claimed from a service that was started anew: how often that is tried, and how long. */
const COME_BACK_MS = 500;
const COME_BACK_TIMEOUT_MS = 5000;
const CLOSE_TIMEOUT_MS = 10_000;
const NEVER = new AbortController().signal;

interface Attached {
  readonly channel: RpcChannel;
  /** Of the cluster. */
  readonly id: string;
  readonly leaseMs: number;
  readonly renewal: Renewal;
}

/**
 * Keeps an origin known to the metadata service, over one channel after another: attaches, says what is open, renews.
 * The calls themselves go over a stream that the main thread uses (MetaCalls); it lives under the same lease.
 */
export class MetaLink {
  readonly #channels: ControlChannels;
  readonly #clock: Clock;
  readonly #address: Address;
  readonly #originKey: string;
  /** Across channels. */
  readonly #open = new OpenInodes();
  #attaching: Promise<Attached> | undefined;
  #attached: Attached | undefined;
  #comeBackAtMs = 0;
  /** Of the cluster; a service of another one must not take its place. */
  #id: string | undefined;

  constructor(channels: ControlChannels, clock: Clock, address: Address, originKey: string) {
    this.#channels = channels;
    this.#clock = clock;
    this.#address = address;
    this.#originKey = originKey;
  }

  /** When it is to be stepped though nothing was asked of it. */
  dueMs(): number {
    if (this.#attached !== undefined) return this.#attached.renewal.dueMs;
    const comesBack = this.#attaching === undefined && !this.#open.isEmpty;
    return comesBack ? this.#comeBackAtMs : Number.POSITIVE_INFINITY;
  }

  /** @param another a lease is due (see Renewal.isDue) @returns renewals sent and attempts begun */
  doWork(nowMs: number, another: boolean): number {
    const attached = this.#attached;
    if (attached?.renewal.isDue(nowMs, another)) {
      const { channel, leaseMs, renewal } = attached;
      renewal.renewed(nowMs);
      // Without an answer for that long the service is gone, or has ended the channel.
      channel.call("meta.renew", {}, { timeoutMs: leaseMs }).catch(() => channel.close());
      return 1;
    }
    return this.#tellClosed() + this.#comeBack(nowMs);
  }

  /** What was open on a channel that has ended is claimed by the next one, if it still is. */
  #tellClosed(): number {
    if (this.#attached === undefined) return 0;
    const inodes = this.#open.takeClosed();
    if (inodes.length === 0) return 0;
    this.#attached.channel.call("meta.close", { inodes }, { timeoutMs: CLOSE_TIMEOUT_MS }).catch(() => {});
    return 1;
  }

  /** Whoever has files open says so to a service that was started anew, before it takes them for abandoned. */
  #comeBack(nowMs: number): number {
    if (this.#attaching !== undefined || this.#open.isEmpty || nowMs < this.#comeBackAtMs) return 0;
    this.#comeBackAtMs = nowMs + COME_BACK_MS;
    this.#attach({ timeoutMs: COME_BACK_TIMEOUT_MS, signal: NEVER }).catch(() => {
      // It is tried again as long as files are open.
    });
    return 1;
  }

  /** @returns the cluster's identity @throws see ControlChannels.open */
  async connect(limits: Limits): Promise<AgentCalls["connect"]["out"]> {
    const { id } = await this.#attach(limits);
    return { id, originKey: this.#originKey };
  }

  /** A stream on which calls can be made at once; what is open was claimed before. @throws see ControlChannels.open */
  async openStream(limits: Limits): Promise<Stream> {
    const deadlineMs = this.#clock.nowMs() + limits.timeoutMs;
    const { id } = await this.#attach(limits);
    const left = { ...limits, timeoutMs: deadlineMs - this.#clock.nowMs() };
    return this.#channels.openStream(this.#address, PEER, { service: "meta", id }, left, (channel) =>
      channel.call("meta.attach", { originKey: this.#originKey, open: [] }, left),
    );
  }

  opened(file: OpenFile): void {
    this.#open.opened(file);
  }

  /** The service is told, and not waited for: the end of the origin ends all openings too. */
  closed(inodes: readonly number[]): void {
    for (const inode of inodes) this.#open.closed(inode);
  }

  /** The channel on which the origin has attached; opened again when the last one has ended. */
  #attach(limits: Limits): Promise<Attached> {
    if (this.#attaching !== undefined) {
      return joinOpening(this.#attaching, limits, this.#clock, (left) => this.#attach(left));
    }
    const forget = (): void => {
      if (this.#attaching !== attaching) return;
      this.#attaching = undefined;
      this.#attached = undefined;
    };
    const attaching = this.#openChannel(limits, forget);
    this.#attaching = attaching;
    attaching.catch(forget);
    return attaching;
  }

  async #openChannel(limits: Limits, onEnd: () => void): Promise<Attached> {
    const expect = { service: "meta" as const, ...(this.#id === undefined ? {} : { id: this.#id }) };
    const deadlineMs = this.#clock.nowMs() + limits.timeoutMs;
    const { channel, transcript } = await this.#channels.open(this.#address, PEER, expect, limits, onEnd);
    try {
      const open = this.#open.claim();
      const sentMs = this.#clock.nowMs();
      const left = { ...limits, timeoutMs: deadlineMs - sentMs };
      const originKey = this.#originKey;
      // Together, so that what is closed meanwhile is told behind all of them.
      const calls = open.map((page) => channel.call("meta.attach", { originKey, open: page }, left));
      const [{ leaseMs }] = (await Promise.all(calls)) as [Result<"meta.attach">];
      const renewal = new Renewal(leaseMs, sentMs);
      this.#attached = { channel, id: transcript.id, leaseMs, renewal };
      this.#id = transcript.id;
      return this.#attached;
    } catch (error) {
      channel.close();
      throw error;
    }
  }
}
