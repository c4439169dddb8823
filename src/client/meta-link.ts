import type { Clock } from "../ports/clock.ts";
import type { Address } from "../ports/network.ts";
import type { RpcChannel } from "../rpc/channel.ts";
import { Deadlines } from "../std/deadlines.ts";
import { isDidafsError } from "../std/errors.ts";
import type { Params, Result } from "../wire/control.ts";
import type { MetaMethod } from "./agent-messages.ts";
import type { ControlChannels, Limits } from "./control-channels.ts";
import { joinOpening } from "./join-opening.ts";

const BACKOFF_MS_MIN = 20;
const BACKOFF_MS_MAX = 500;
/** Renewals a lease is given, so that a late one does no harm. */
const RENEWALS_PER_LEASE = 3;

/** What changes nothing, so that it may be asked again when nobody knows whether it was answered. */
const READ_ONLY: ReadonlySet<MetaMethod> = new Set<MetaMethod>([
  "meta.grant",
  "meta.stat",
  "meta.readdir",
  "meta.readlink",
  "meta.getxattr",
  "meta.listxattr",
  "meta.statfs",
  "meta.status",
]);

interface Attached {
  readonly channel: RpcChannel;
  /** Of the cluster. */
  readonly id: string;
  readonly leaseMs: number;
  nextRenewalMs: number;
}

/** An origin's link to the metadata service, over one channel after another: attaches, renews, and asks again. */
export class MetaLink {
  readonly #channels: ControlChannels;
  readonly #clock: Clock;
  readonly #address: Address;
  readonly #originKey: string;
  readonly #deadlines = new Deadlines();
  /** How often each inode is open, across channels. */
  readonly #open = new Map<number, number>();
  #attaching: Promise<Attached> | undefined;
  #attached: Attached | undefined;
  /** Of the cluster; a service of another one must not take its place. */
  #id: string | undefined;

  constructor(channels: ControlChannels, clock: Clock, address: Address, originKey: string) {
    this.#channels = channels;
    this.#clock = clock;
    this.#address = address;
    this.#originKey = originKey;
  }

  /** @returns waits that ended and renewals sent */
  doWork(nowMs: number): number {
    const attached = this.#attached;
    let work = this.#deadlines.doWork(nowMs);
    if (attached !== undefined && nowMs >= attached.nextRenewalMs) {
      const { channel, leaseMs } = attached;
      attached.nextRenewalMs = nowMs + leaseMs / RENEWALS_PER_LEASE;
      // Without an answer for that long the service is gone, or has ended the channel.
      channel.call("meta.renew", {}, { timeoutMs: leaseMs }).catch(() => channel.close());
      work += 1;
    }
    return work;
  }

  /** @returns the cluster's identity @throws see ControlChannels.open */
  async connect(limits: Limits): Promise<{ id: string }> {
    const { id } = await this.#attach(limits);
    return { id };
  }

  /**
   * When the channel breaks, what surely was not sent and what changes nothing is tried again until the deadline.
   * @throws what the service raises; ERR_UNREACHABLE, with `applied` "unknown" where it may have been done
   */
  async call<M extends MetaMethod>(method: M, params: Params<M>, limits: Limits): Promise<Result<M>> {
    const deadlineMs = this.#clock.nowMs() + limits.timeoutMs;
    for (let backoffMs = BACKOFF_MS_MIN; ; backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX)) {
      let channel: RpcChannel | undefined;
      try {
        const left = { ...limits, timeoutMs: deadlineMs - this.#clock.nowMs() };
        ({ channel } = await this.#attach(left));
        left.timeoutMs = deadlineMs - this.#clock.nowMs();
        const result = await channel.call(method, params, left);
        this.#note(method, result);
        return result;
      } catch (error) {
        const broke = isDidafsError(error, "ERR_UNREACHABLE") && channel?.ended !== undefined;
        const neverReached = isDidafsError(error, "ERR_UNREACHABLE") && channel === undefined;
        const repeatable = neverReached || (broke && (error.applied === "no" || isReadOnly(method, params)));
        const late = this.#clock.nowMs() + backoffMs >= deadlineMs;
        if (!repeatable || late || limits.signal.aborted) throw error;
      }
      await this.#deadlines.sleep(this.#clock.nowMs() + backoffMs);
    }
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
    const { channel, transcript } = await this.#channels.open(
      this.#address,
      "the metadata service",
      expect,
      limits,
      onEnd,
    );
    try {
      const open = [...this.#open].flatMap(([inode, count]) => new Array<number>(count).fill(inode));
      const sentMs = this.#clock.nowMs();
      const left = { ...limits, timeoutMs: deadlineMs - sentMs };
      const { leaseMs } = await channel.call("meta.attach", { originKey: this.#originKey, open }, left);
      const nextRenewalMs = sentMs + leaseMs / RENEWALS_PER_LEASE;
      this.#attached = { channel, id: transcript.id, leaseMs, nextRenewalMs };
      this.#id = transcript.id;
      return this.#attached;
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  #note(method: MetaMethod, result: unknown): void {
    if (method === "meta.open") {
      const { inode } = (result as Result<"meta.open">).stat;
      this.#open.set(inode, (this.#open.get(inode) ?? 0) + 1);
    }
  }
}

function isReadOnly(method: MetaMethod, params: unknown): boolean {
  if (method === "meta.open") return (params as Params<"meta.open">).create === "no";
  return READ_ONLY.has(method);
}
