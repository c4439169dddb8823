import type { Clock, Idler } from "../ports/clock.ts";
import type { MemoryPort } from "../ports/memory.ts";
import type { Network } from "../ports/network.ts";
import type { Turns } from "../ports/turns.ts";
import { RpcChannel } from "../rpc/channel.ts";
import { type Applied, DidafsError, isDidafsError } from "../std/errors.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import { PollLoop } from "../transport/poll-loop.ts";
import type { Params, Result } from "../wire/control.ts";
import type { AgentLink } from "./agent-link.ts";
import type { MetaMethod } from "./agent-messages.ts";

/** Of opening a stream, whoever waits for it. */
const OPEN_MS = 10_000;
const BACKOFF_MS_MIN = 20;
const BACKOFF_MS_MAX = 500;
/** How late a deadline may be noticed while nothing comes. */
const LOOK_MS = 20;
/** An opening is waited for this long, also when its caller has given up: what it opens must be known, to be closed. */
const OPENING_MS = 30_000;
/** How late the agent may hear of a close, so that many wake it once. */
const CLOSE_WITHIN_MS = 50;
const CLOSES_PER_MESSAGE = 64;

/** What changes nothing, so that it may be asked again when nobody knows whether it was answered. */
const READ_ONLY: ReadonlySet<MetaMethod> = new Set<MetaMethod>([
  "meta.grant",
  "meta.groupHome",
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

export interface MetaCallsPorts {
  readonly network: Network;
  readonly memory: MemoryPort;
  readonly clock: Clock;
  readonly idler: Idler;
  readonly turns: Turns;
}

interface Opened {
  /** The agent's number for the stream. */
  readonly id: number;
  readonly channel: RpcChannel;
}

/**
 * Calls of the metadata service on the thread that waits for their answers: two wake-ups of threads fewer than by way of
 * the agent, and none where the answer comes while this thread polls. The agent opens the stream, watches it while this
 * thread sleeps, and keeps the lease that it lives under.
 */
export class MetaCalls {
  readonly #ports: MetaCallsPorts;
  readonly #link: AgentLink;
  readonly #loop: PollLoop;
  #opening: Promise<Opened> | undefined;
  #opened: Opened | undefined;
  #underWay = 0;
  /** Openings that have ended, of which the agent is still to be told. */
  readonly #closing: number[] = [];
  #cancelClosing: (() => void) | undefined;
  #closed: Error | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(ports: MetaCallsPorts, link: AgentLink) {
    this.#ports = ports;
    this.#link = link;
    this.#loop = new PollLoop({
      ...ports,
      poll: (nowMs) => this.#opened?.channel.doWork(nowMs) ?? 0,
      isWaiting: () => this.#underWay > 0 && this.#opened !== undefined,
      sleep: () => this.#sleep(),
    });
  }

  /**
   * When the stream breaks, what surely was not sent and what changes nothing is tried again until the deadline.
   * @throws what the service raises; ERR_UNREACHABLE, with `applied` "unknown" where it may have been done;
   * ERR_TIMEOUT, ERR_ABORTED, ERR_CLOSED
   */
  async call<M extends MetaMethod>(method: M, params: Params<M>, limits: CallLimits): Promise<Result<M>> {
    const { clock } = this.#ports;
    const deadlineMs = clock.nowMs() + limits.timeoutMs;
    for (let backoffMs = BACKOFF_MS_MIN; ; backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX)) {
      let channel: RpcChannel | undefined;
      try {
        channel = this.#ready() ?? (await this.#within(this.#open(), deadlineMs, limits)).channel;
        const left = { timeoutMs: deadlineMs - clock.nowMs(), signal: limits.signal };
        if (method !== "meta.open") return await this.#callOn(channel, method, params, left);
        const opening = this.#openFile(channel, params as Params<"meta.open">, left);
        return (await opening) as Result<M>;
      } catch (error) {
        if (this.#closed !== undefined) throw this.#closedUnder(error);
        const isBroken = isDidafsError(error, "ERR_UNREACHABLE") && channel?.ended !== undefined;
        const neverReached = isDidafsError(error, "ERR_UNREACHABLE") && channel === undefined;
        const repeatable =
          neverReached || (isBroken && (error.applied === "no" || isReadOnly(method, params)));
        if (!repeatable || clock.nowMs() + backoffMs >= deadlineMs) throw error;
      }
      await this.#within(this.#pause(backoffMs), deadlineMs, limits);
    }
  }

  /** The agent says that the stream can be read. @returns false where it is no stream of this object */
  wake(id: number): boolean {
    if (this.#opened?.id !== id) return false;
    this.#loop.start();
    return true;
  }

  /**
   * One opening of a file has ended. The agent tells the service, soon: it alone knows what it has claimed when the
   * service is another one by then.
   */
  closed(inode: number): void {
    if (this.#closed !== undefined) return;
    this.#closing.push(inode);
    if (this.#closing.length >= CLOSES_PER_MESSAGE) this.#tellClosed();
    else this.#cancelClosing ??= this.#ports.turns.after(CLOSE_WITHIN_MS, () => this.#tellClosed());
  }

  /** Ends what is under way, and every later call, with `error`. */
  close(error: Error): void {
    this.#closed ??= error;
    this.#cancelTimer?.();
    this.#cancelClosing?.();
    this.#opened?.channel.close();
  }

  /** What ended a call that was under way: an answer stays what it is, and what was sent may have been done. */
  #closedUnder(error: unknown): unknown {
    const reason = this.#closed;
    if (!isDidafsError(error, "ERR_UNREACHABLE") || !isDidafsError(reason)) return error;
    const { applied } = error;
    return new DidafsError(reason.code, reason.message, { applied, cause: reason });
  }

  /** The channel, if it lives: what it has to say about its end is heard first. */
  #ready(): RpcChannel | undefined {
    if (this.#closed !== undefined) throw this.#closed;
    this.#opened?.channel.doWork(this.#ports.clock.nowMs());
    return this.#opened?.channel;
  }

  async #callOn<M extends MetaMethod>(
    channel: RpcChannel,
    method: M,
    params: Params<M>,
    limits: CallLimits,
  ): Promise<Result<M>> {
    this.#underWay += 1;
    try {
      const answer = channel.call(method, params, limits);
      // It leaves now, not with the next turn of the event loop.
      channel.doWork(this.#ports.clock.nowMs());
      this.#loop.start();
      return await answer;
    } finally {
      this.#underWay -= 1;
    }
  }

  /** The file, unless the caller gives up before it is open: then it is closed again. */
  async #openFile(
    channel: RpcChannel,
    params: Params<"meta.open">,
    limits: CallLimits,
  ): Promise<Result<"meta.open">> {
    const timeoutMs = Math.max(limits.timeoutMs, OPENING_MS);
    const opening = this.#callOn(channel, "meta.open", params, { timeoutMs, signal: undefined });
    let isAwaited = true;
    const noted = opening.then((opened) => {
      const { inode } = opened.stat;
      this.#link.leave({ kind: "opened", file: { inode, gen: opened.gen } });
      if (!isAwaited) this.closed(inode);
      return opened;
    });
    try {
      return await this.#within(noted, this.#ports.clock.nowMs() + limits.timeoutMs, limits, "unknown");
    } finally {
      isAwaited = false;
    }
  }

  #tellClosed(): void {
    this.#cancelClosing?.();
    this.#cancelClosing = undefined;
    this.#link.post({ kind: "closed", inodes: this.#closing.splice(0) });
  }

  #sleep(): void {
    if (this.#opened === undefined) return;
    const { id, channel } = this.#opened;
    this.#link.post({ kind: "arm", connection: id, writable: channel.sending });
    this.#cancelTimer?.();
    this.#cancelTimer = this.#ports.turns.after(LOOK_MS, () => this.#loop.look());
  }

  #open(): Promise<Opened> {
    this.#opening ??= this.#openStream().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openStream(): Promise<Opened> {
    const { network, memory, clock } = this.#ports;
    const limits = { timeoutMs: OPEN_MS, signal: undefined };
    const { connection } = await this.#link.call("stream", null, limits);
    const drop = (): void => this.#link.post({ kind: "drop", connection: connection.id });
    if (this.#closed !== undefined) {
      drop();
      throw this.#closed;
    }
    const channel = new RpcChannel({
      stream: network.adopt(connection.descriptor),
      lent: true,
      memory,
      clock,
      peer: "the metadata service",
      onEnd: () => {
        if (this.#opened?.id === connection.id) this.#opened = undefined;
        drop();
      },
    });
    // The agent has seen to the proofs.
    channel.admit({});
    this.#opened = { id: connection.id, channel };
    return this.#opened;
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#ports.turns.after(delayMs, resolve);
    });
  }

  /** Waits for what others may wait for too, no longer than this call has time. @throws ERR_TIMEOUT, ERR_ABORTED */
  #within<T>(
    promise: Promise<T>,
    deadlineMs: number,
    { signal }: CallLimits,
    applied: Applied = "no",
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const give = (settle: () => void): void => {
        cancel();
        signal?.removeEventListener("abort", onAbort);
        settle();
      };
      const fail = (code: "ERR_TIMEOUT" | "ERR_ABORTED", message: string): void =>
        give(() => reject(new DidafsError(code, message, { applied, cause: signal?.reason })));
      const onAbort = (): void => fail("ERR_ABORTED", "the call was aborted by its signal");
      const leftMs = Math.max(deadlineMs - this.#ports.clock.nowMs(), 0);
      const cancel = this.#ports.turns.after(leftMs, () =>
        fail("ERR_TIMEOUT", "the metadata service did not answer in time"),
      );
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted === true) onAbort();
      promise.then(
        (result) => give(() => resolve(result)),
        (error: unknown) => give(() => reject(error as Error)),
      );
    });
  }
}

function isReadOnly(method: MetaMethod, params: unknown): boolean {
  if (method === "meta.open") return (params as Params<"meta.open">).create === "no";
  return READ_ONLY.has(method);
}
