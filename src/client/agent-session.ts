import type { Address, Stream } from "../ports/network.ts";
import type { RpcChannel } from "../rpc/channel.ts";
import { SessionState } from "../transport/session-state.ts";
import type { EpochSession } from "../wire/epoch-name.ts";
import { Renewal } from "./renewal.ts";

/** A data stream that the agent opened and the main thread uses. */
export interface AgentConnection {
  readonly id: number;
  readonly stream: Stream;
}

/** As many binds as may be under way at a time. */
const REVOKED_EARLY_MAX = 4096;

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
  readonly epochs: EpochSession;
  /** The target's control server. */
  readonly address: Address;
  readonly workerAddresses: readonly Address[];
  /** A region of it was mapped for storing. */
  mapsForStoring = false;
  /** By worker: for windows, and for epochs. */
  readonly connections = new Map<number, AgentConnection>();
  readonly epochConnections = new Map<number, AgentConnection>();
  /** The state of what is bound, by handle. */
  readonly #bindings = new Map<number, SessionState>();
  /** Told of before the answer to their binding was taken; the newest. */
  readonly #revokedEarly = new Set<number>();
  readonly #leaseMs: number;
  #leaseEndMs: number;
  readonly #renewal: Renewal;

  constructor(parts: {
    id: number;
    path: "unix" | "tcp";
    channel: RpcChannel;
    shared: SharedArrayBuffer;
    state: SessionState;
    number: number;
    token: Uint8Array;
    epochs: EpochSession;
    address: Address;
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
    this.epochs = parts.epochs;
    this.address = parts.address;
    this.workerAddresses = parts.workerAddresses;
    this.#leaseMs = parts.leaseMs;
    this.#leaseEndMs = parts.openedMs + parts.leaseMs;
    this.#renewal = new Renewal(parts.leaseMs, parts.openedMs);
  }

  /** Takes a new binding in. @returns its state word @throws ERR_REVOKED, ERR_SESSION_LOST when that has ended it already */
  bound(handle: number): SharedArrayBuffer {
    const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const state = new SessionState(shared, this.state.target);
    if (this.#revokedEarly.delete(handle)) state.revoke();
    else if (this.state.isLost) state.lose();
    if (state.isLost) throw state.error("no");
    this.#bindings.set(handle, state);
    return shared;
  }

  unbound(handle: number): void {
    this.#bindings.delete(handle);
  }

  /** From now on every access through these handles says so. */
  revoke(handles: readonly number[]): void {
    for (const handle of handles) {
      const state = this.#bindings.get(handle);
      if (state === undefined) this.#revokedEarly.add(handle);
      else state.revoke();
      this.#bindings.delete(handle);
    }
    for (const oldest of this.#revokedEarly) {
      if (this.#revokedEarly.size <= REVOKED_EARLY_MAX) break;
      this.#revokedEarly.delete(oldest);
    }
  }

  lose(): void {
    this.state.lose();
    for (const state of this.#bindings.values()) state.lose();
  }

  /** When the lease is to be renewed, or ends. */
  get dueMs(): number {
    return Math.min(this.#renewal.dueMs, this.#leaseEndMs);
  }

  /** Renews the lease when it is time. @param another see Renewal.isDue @returns false once the lease has run out */
  keepLease(nowMs: number, another: boolean): boolean {
    if (nowMs >= this.#leaseEndMs) return false;
    if (this.#renewal.isDue(nowMs, another)) {
      this.#renewal.renewed(nowMs);
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
