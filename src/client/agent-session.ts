import type { Address, Stream } from "../ports/network.ts";
import type { RpcChannel } from "../rpc/channel.ts";
import type { SessionState } from "../transport/session-state.ts";

/** A data stream that the agent opened and the main thread uses. */
export interface AgentConnection {
  readonly id: number;
  readonly stream: Stream;
}

/** Renewals a lease is given, so that a late one does no harm. */
const RENEWALS_PER_LEASE = 3;

/**
 * The agent's side of one session with one target: its control channel, its lease, its data streams. The lease ends
 * here earlier than at the target, because it is counted from before the renewal was sent.
 */
export class AgentSession {
  readonly id: number;
  readonly path: "unix" | "tcp";
  readonly channel: RpcChannel;
  readonly shared: SharedArrayBuffer;
  readonly state: SessionState;
  readonly number: number;
  readonly token: Uint8Array;
  readonly workerAddresses: readonly Address[];
  readonly connections = new Map<number, AgentConnection>();
  readonly #leaseMs: number;
  #leaseEndMs: number;
  #nextRenewalMs: number;

  constructor(parts: {
    id: number;
    path: "unix" | "tcp";
    channel: RpcChannel;
    shared: SharedArrayBuffer;
    state: SessionState;
    number: number;
    token: Uint8Array;
    workerAddresses: readonly Address[];
    leaseMs: number;
    openedMs: number;
  }) {
    this.id = parts.id;
    this.path = parts.path;
    this.channel = parts.channel;
    this.shared = parts.shared;
    this.state = parts.state;
    this.number = parts.number;
    this.token = parts.token;
    this.workerAddresses = parts.workerAddresses;
    this.#leaseMs = parts.leaseMs;
    this.#leaseEndMs = parts.openedMs + parts.leaseMs;
    this.#nextRenewalMs = parts.openedMs + parts.leaseMs / RENEWALS_PER_LEASE;
  }

  /** Renews the lease when it is time. @returns false once the lease has run out */
  keepLease(nowMs: number): boolean {
    if (nowMs >= this.#leaseEndMs) return false;
    if (nowMs >= this.#nextRenewalMs) {
      this.#nextRenewalMs = nowMs + this.#leaseMs / RENEWALS_PER_LEASE;
      this.channel.call("session.renew", {}, { timeoutMs: this.#leaseMs }).then(
        () => {
          this.#leaseEndMs = nowMs + this.#leaseMs;
        },
        () => {
          // Said by the channel's end, or by the lease when no later renewal succeeds.
        },
      );
    }
    return true;
  }
}
