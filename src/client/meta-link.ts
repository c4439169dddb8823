import type { Clock } from "../ports/clock.ts";
import type { Address } from "../ports/network.ts";
import type { RpcChannel } from "../rpc/channel.ts";
import { Deadlines } from "../std/deadlines.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import type { Params, Result } from "../wire/control.ts";
import type { MetaMethod } from "./agent-messages.ts";
import type { ControlChannels, Limits } from "./control-channels.ts";
import { joinOpening } from "./join-opening.ts";
import { OpenInodes } from "./open-inodes.ts";

const BACKOFF_MS_MIN = 20;
const BACKOFF_MS_MAX = 500;
/** Renewals a lease is given, so that a late one does no harm. */
const RENEWALS_PER_LEASE = 3;
const CLOSE_TIMEOUT_MS = 10_000;
const COME_BACK_TIMEOUT_MS = 5000;
const NEVER = new AbortController().signal;
/** An opening is waited for this long, also when its caller has given up. */
const OPEN_TIMEOUT_MS = 30_000;

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
  "meta.audit",
  "meta.auditRegions",
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
  /** What is open, across channels. */
  readonly #open = new OpenInodes();
  #comeBackAtMs = 0;
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

  /** Something is to be done at a time, which no socket tells. */
  get busy(): boolean {
    return this.#open.closing;
  }

  /** Ends one opening. The service is told soon, and not waited for: the end of the channel ends all openings too. */
  close(inode: number): void {
    this.#open.closed(inode, this.#clock.nowMs());
  }

  /** @returns waits that ended, and what was sent of its own accord */
  doWork(nowMs: number): number {
    const attached = this.#attached;
    let work = this.#deadlines.doWork(nowMs) + this.#tellClosed(nowMs) + this.#comeBack(nowMs);
    if (attached !== undefined && nowMs >= attached.nextRenewalMs) {
      const { channel, leaseMs } = attached;
      attached.nextRenewalMs = nowMs + leaseMs / RENEWALS_PER_LEASE;
      // Without an answer for that long the service is gone, or has ended the channel.
      channel.call("meta.renew", {}, { timeoutMs: leaseMs }).catch(() => channel.close());
      work += 1;
    }
    return work;
  }

  /** Whoever has files open says so to a service that was started anew, before it takes them for abandoned. */
  #comeBack(nowMs: number): number {
    if (this.#attaching !== undefined || this.#open.isEmpty || nowMs < this.#comeBackAtMs) return 0;
    this.#comeBackAtMs = nowMs + BACKOFF_MS_MAX;
    this.#attach({ timeoutMs: COME_BACK_TIMEOUT_MS, signal: NEVER }).catch(() => {
      // It is tried again as long as files are open.
    });
    return 1;
  }

  #tellClosed(nowMs: number): number {
    const isAttaching = this.#attaching !== undefined && this.#attached === undefined;
    const inodes = isAttaching ? undefined : this.#open.takeClosed(nowMs);
    if (inodes === undefined) return 0;
    // What was open on a channel that has ended is closed already.
    this.#attached?.channel.call("meta.close", { inodes }, { timeoutMs: CLOSE_TIMEOUT_MS }).catch(() => {});
    return 1;
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
        if (method !== "meta.open") return await channel.call(method, params, left);
        const opened = this.#opening(channel, params as Params<"meta.open">, left.timeoutMs);
        return (await this.#inTime(opened, left)) as Result<M>;
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
      const open = this.#open.claim();
      const sentMs = this.#clock.nowMs();
      const left = { ...limits, timeoutMs: deadlineMs - sentMs };
      const originKey = this.#originKey;
      // Together, so that what is closed meanwhile is told behind all of them.
      const calls = open.map((page) => channel.call("meta.attach", { originKey, open: page }, left));
      const [{ leaseMs }] = (await Promise.all(calls)) as [Result<"meta.attach">];
      const nextRenewalMs = sentMs + leaseMs / RENEWALS_PER_LEASE;
      this.#attached = { channel, id: transcript.id, leaseMs, nextRenewalMs };
      this.#id = transcript.id;
      return this.#attached;
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  /** Waits for the answer however late it is: what it opens must be known, to be closed. */
  async #opening(
    channel: RpcChannel,
    params: Params<"meta.open">,
    timeoutMs: number,
  ): Promise<Result<"meta.open">> {
    const options = { timeoutMs: Math.max(timeoutMs, OPEN_TIMEOUT_MS) };
    const opened = await channel.call("meta.open", params, options);
    this.#open.opened({ inode: opened.stat.inode, gen: opened.gen });
    return opened;
  }

  /** The file, unless the caller gives up before it is open: then it is closed again. @throws ERR_TIMEOUT, ERR_ABORTED */
  async #inTime(opening: Promise<Result<"meta.open">>, limits: Limits): Promise<Result<"meta.open">> {
    const { timeoutMs, signal } = limits;
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    const settled = opening.then(settle, settle);
    await this.#deadlines.until(Promise.race([settled, aborted]), this.#clock.nowMs() + timeoutMs);
    if (isSettled) return opening;
    opening.then(
      ({ stat }) => this.close(stat.inode),
      () => {},
    );
    if (signal.aborted) throw new DidafsError("ERR_ABORTED", "the call was aborted", { applied: "unknown" });
    throw new DidafsError("ERR_TIMEOUT", `no answer within ${Math.ceil(timeoutMs)} ms`, {
      applied: "unknown",
    });
  }
}

function isReadOnly(method: MetaMethod, params: unknown): boolean {
  if (method === "meta.open") return (params as Params<"meta.open">).create === "no";
  return READ_ONLY.has(method);
}
