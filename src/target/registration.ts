import type { Clock } from "../ports/clock.ts";
import type { MemoryPort } from "../ports/memory.ts";
import type { Address, Network } from "../ports/network.ts";
import type { Poller } from "../ports/poller.ts";
import type { Random } from "../ports/random.ts";
import { RpcChannel } from "../rpc/channel.ts";
import type { Handlers } from "../rpc/handlers.ts";
import { introduce } from "../rpc/handshake.ts";
import { DidafsError } from "../std/errors.ts";
import { errorFields, type Logger } from "../std/logger.ts";
import type { Method, Params, Result } from "../wire/control.ts";
import type { ServiceLease } from "./service-lease.ts";

const CALL_MS = 5000;
const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 2000;

export interface RegistrationParts {
  readonly network: Network;
  readonly memory: MemoryPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly poller: Poller;
  readonly pollToken: number;
  /** Of the cluster's services; proven to the metadata service and by it. */
  readonly serviceKey: Uint8Array;
  readonly lease: ServiceLease;
  readonly meta: Address;
  /** What the metadata service may call on this target. */
  readonly handlers: Handlers;
  describe(): Params<"meta.register">;
  report(): Params<"meta.heartbeat">;
  /** The service has proven itself as that of this cluster. @throws when it is not the target's own cluster */
  admitCluster(id: string): void;
  onFault(error: unknown, method: string): void;
  readonly log: Logger;
}

/**
 * The target's place with the metadata service: connects, registers, sends heartbeats, is called by it; begins again,
 * for ever, when the channel ends.
 */
export class Registration {
  readonly #parts: RegistrationParts;
  #channel: RpcChannel | undefined;
  #introducing = false;
  #nextAttemptMs = 0;
  #backoffMs: number = BACKOFF_MS_MIN;
  #heartbeatMs = 0;
  #leaseMs = 0;
  #nextHeartbeatMs = 0;
  #closed = false;
  readonly #left = Promise.withResolvers<void>();
  /** Registered, at this moment. */
  registered = false;
  /** What ended the last attempt. */
  failure: DidafsError | undefined;

  constructor(parts: RegistrationParts) {
    this.#parts = parts;
  }

  get busy(): boolean {
    return this.#introducing;
  }

  /** When it is to be stepped though nothing came. */
  dueMs(): number {
    if (this.#channel === undefined) {
      return this.#closed || this.#introducing ? Number.POSITIVE_INFINITY : this.#nextAttemptMs;
    }
    const beating = this.registered && !this.#closed;
    return Math.min(this.#channel.dueMs, beating ? this.#nextHeartbeatMs : Number.POSITIVE_INFINITY);
  }

  /** @returns work done */
  doWork(nowMs: number): number {
    if (this.#channel === undefined) {
      if (this.#closed || this.#introducing || nowMs < this.#nextAttemptMs) return 0;
      this.#connect(nowMs);
      return 1;
    }
    // Before the channel's step, which then sends it.
    if (this.registered && !this.#closed && nowMs >= this.#nextHeartbeatMs) {
      this.#nextHeartbeatMs = nowMs + this.#heartbeatMs;
      this.#beat(this.#channel);
    }
    return this.#channel.doWork(nowMs);
  }

  /** Calls the service. @throws ERR_UNREACHABLE while it does not know this target, and what calls raise */
  call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    if (!this.registered || this.#channel === undefined) {
      return Promise.reject(
        new DidafsError("ERR_UNREACHABLE", `${method}: this target is not registered at the moment`),
      );
    }
    return this.#channel.call(method, params, { timeoutMs: CALL_MS });
  }

  /** Tells the service that a wait for a lock has lasted; best effort, for it lasts on. */
  suspectDeadlock(): void {
    this.call("meta.suspectDeadlock", {}).catch(() => {});
  }

  /** Leaves the service and registers anew, as another incarnation. */
  restart(): void {
    this.#nextAttemptMs = 0;
    this.#backoffMs = BACKOFF_MS_MIN;
    this.#channel?.close(new DidafsError("ERR_CLOSED", "the target's lease has run out"));
  }

  /** Answers what the metadata service has asked for, then leaves it. Resolves when that is done, after `limitMs` at most. */
  close(limitMs: number): Promise<void> {
    this.#closed = true;
    if (this.#channel === undefined) return Promise.resolve();
    this.#channel.closeWhenSent(new DidafsError("ERR_CLOSED", "the target is stopping"), limitMs);
    return this.#left.promise;
  }

  #connect(nowMs: number): void {
    this.#nextAttemptMs = nowMs + this.#backoffMs;
    this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_MS_MAX);
    this.#introducing = true;
    this.#register().then(
      () => {
        this.#introducing = false;
        this.#backoffMs = BACKOFF_MS_MIN;
        this.failure = undefined;
      },
      (error: unknown) => {
        this.#introducing = false;
        this.#logFailure(error);
        this.failure = error instanceof DidafsError ? error : undefined;
        if (this.failure === undefined) this.#parts.onFault(error, "meta.register");
        this.#channel?.close();
      },
    );
  }

  async #register(): Promise<void> {
    const {
      network,
      memory,
      clock,
      random,
      poller,
      pollToken,
      serviceKey,
      meta,
      handlers,
      lease,
      onFault,
      log,
    } = this.#parts;
    const channel = new RpcChannel({
      stream: network.connect(meta),
      memory,
      clock,
      peer: "the metadata service",
      poller,
      pollToken,
      onFault,
      onEnd: (reason) => {
        if (this.#channel === channel) this.#channel = undefined;
        if (this.registered && !this.#closed) log.warn("lost the metadata service", errorFields(reason));
        this.registered = false;
        if (this.#closed) this.#left.resolve();
      },
    });
    this.#channel = channel;
    const limits = { timeoutMs: CALL_MS };
    const expect = { service: "meta" } as const;
    const { id } = await introduce(channel, {
      key: serviceKey,
      random,
      role: "target",
      expect,
      handlers,
      ...limits,
    });
    this.#parts.admitCluster(id);
    const description = this.#parts.describe();
    const sentMs = clock.nowMs();
    const { heartbeatMs, leaseMs } = await channel.call("meta.register", description, limits);
    lease.extend(description.incarnation, sentMs + leaseMs);
    this.#heartbeatMs = heartbeatMs;
    this.#leaseMs = leaseMs;
    this.#nextHeartbeatMs = clock.nowMs() + heartbeatMs;
    this.registered = true;
    log.info("registered", { cluster: id, heartbeatMs });
  }

  /** Attempts go on for ever: only what is new is worth a line. */
  #logFailure(error: unknown): void {
    const { message } = error as Error;
    if (message !== this.failure?.message) this.#parts.log.warn("cannot register", errorFields(error));
  }

  #beat(channel: RpcChannel): void {
    const { lease, clock } = this.#parts;
    const { incarnation } = lease;
    const untilMs = clock.nowMs() + this.#leaseMs;
    channel.call("meta.heartbeat", this.#parts.report(), { timeoutMs: CALL_MS }).then(
      () => lease.extend(incarnation, untilMs),
      // A service that does not answer may have forgotten this target: register again.
      () => channel.close(),
    );
  }
}
