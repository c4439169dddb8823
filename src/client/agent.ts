import type { Mailbox } from "../ports/mailbox.ts";
import type { Address } from "../ports/network.ts";
import { READABLE, WRITABLE } from "../ports/poller.ts";
import { OriginKey } from "../rpc/proofs.ts";
import { isDidafsError } from "../std/errors.ts";
import type { AgentCall, AgentCalls, FromAgent, ToAgent } from "./agent-messages.ts";
import type { AgentSession } from "./agent-session.ts";
import { AgentSessions, type SessionPorts } from "./agent-sessions.ts";
import { ControlChannels, type Limits } from "./control-channels.ts";
import { LostMappings } from "./lost-mappings.ts";
import { MetaLink } from "./meta-link.ts";

export interface AgentPorts extends SessionPorts {
  readonly mailbox: Mailbox<FromAgent, ToAgent>;
}

export interface AgentOptions {
  readonly metaAddress: Address;
  readonly key: Uint8Array;
  /** The lease to ask targets for. */
  readonly leaseMs: number;
}

/**
 * The agent of one origin: holds the control channels to the metadata service and the targets, renews leases, notices
 * lost sessions, and watches data streams for the main thread while that sleeps. Stepped; lives on a thread of its own
 * because a busy main thread must not miss a lease.
 */
export class Agent {
  /** Set once it was told to stop and has closed everything. */
  stopped = false;
  readonly #ports: AgentPorts;
  readonly #channels: ControlChannels;
  readonly #sessions: AgentSessions;
  readonly #lostMappings: LostMappings;
  readonly #meta: MetaLink;
  readonly #calls = new Map<number, AbortController>();

  constructor(ports: AgentPorts, options: AgentOptions) {
    this.#ports = ports;
    this.#channels = new ControlChannels(ports, options.key);
    this.#lostMappings = new LostMappings(this.#channels);
    // Of this origin, for as long as it is connected: what its capabilities name.
    const originKey = new OriginKey(ports.random.bytes(32));
    this.#meta = new MetaLink(this.#channels, ports.clock, options.metaAddress, originKey.publicKey);
    const { leaseMs } = options;
    this.#sessions = new AgentSessions(
      ports,
      this.#channels,
      { originKey, leaseMs },
      {
        lost: (session) => this.#tellLost(session),
        revoked: (session, handles) => {
          this.#ports.mailbox.post({ kind: "revoked", session: session.id, handles });
        },
      },
    );
  }

  doWork(nowMs: number): number {
    const taken = this.#takeMessages();
    // From then on nothing is opened any more.
    if (this.stopped) return taken;
    const due = nowMs >= Math.min(this.#sessions.dueMs(), this.#meta.dueMs());
    this.#sessions.keepLeases(nowMs, due);
    const begun = this.#meta.doWork(nowMs, due);
    const told = this.#lostMappings.doWork(nowMs);
    // Behind what they ask, which leaves with it.
    return taken + begun + told + this.#channels.doWork(nowMs);
  }

  /** When it is to be stepped though nothing came. */
  dueMs(): number {
    return Math.min(
      this.#channels.dueMs(),
      this.#sessions.dueMs(),
      this.#lostMappings.dueMs(),
      this.#meta.dueMs(),
    );
  }

  /** Tells that a stream is ready, if it is one of this agent's; it rests until it is armed again. @returns streams told */
  streamReady(id: number): number {
    const connection = this.#sessions.connection(id);
    if (connection === undefined) return 0;
    this.#ports.poller.unwatch(connection.stream);
    this.#ports.mailbox.post({ kind: "ready", connection: id });
    return 1;
  }

  #takeMessages(): number {
    let count = 0;
    for (;;) {
      const message = this.stopped ? undefined : this.#ports.mailbox.poll();
      if (message === undefined) return count;
      count += 1;
      this.#take(message);
    }
  }

  #take(message: ToAgent): void {
    switch (message.kind) {
      case "call":
        void this.#answer(message.id, message.call, message.input, message.timeoutMs);
        break;
      case "cancel":
        this.#calls.get(message.id)?.abort();
        break;
      case "opened":
        this.#meta.opened(message.file);
        break;
      case "arm": {
        const connection = this.#sessions.connection(message.connection);
        if (connection === undefined) break;
        const interest = message.writable ? READABLE | WRITABLE : READABLE;
        this.#ports.poller.watch(connection.stream, interest, connection.id);
        break;
      }
      case "end":
        this.#sessions.end(message.session);
        break;
      case "detached":
        this.#lostMappings.unmapped(message.session, this.#ports.clock.nowMs());
        break;
      case "closed":
        this.#meta.closed(message.inodes);
        break;
      case "drop":
        this.#sessions.drop(message.connection);
        break;
      case "stop":
        this.#channels.close();
        this.#sessions.close();
        this.#ports.mailbox.post({ kind: "stopped" });
        this.stopped = true;
        break;
    }
  }

  async #answer(id: number, call: AgentCall, input: unknown, timeoutMs: number): Promise<void> {
    const controller = new AbortController();
    this.#calls.set(id, controller);
    try {
      const result = await this.#run(call, input, { timeoutMs, signal: controller.signal });
      this.#ports.mailbox.post({ kind: "result", id, result });
    } catch (error) {
      this.#ports.mailbox.post(failure(id, error));
    } finally {
      this.#calls.delete(id);
    }
  }

  async #run(call: AgentCall, input: unknown, limits: Limits): Promise<unknown> {
    switch (call) {
      case "connect":
        return this.#meta.connect(limits);
      case "stream": {
        const { id, stream } = this.#sessions.keep(await this.#meta.openStream(limits));
        return { connection: { id, descriptor: stream.descriptor } };
      }
      case "bind":
        return this.#sessions.bind(input as AgentCalls["bind"]["in"], limits);
      case "session": {
        const { endpoint, transport } = input as AgentCalls["session"]["in"];
        return this.#sessions.session(endpoint, transport, limits);
      }
      case "epochs": {
        const { session, worker } = input as AgentCalls["epochs"]["in"];
        const { id, stream } = this.#sessions.epochs(session, worker);
        return { connection: { id, descriptor: stream.descriptor } };
      }
      case "lines": {
        const { session, handle } = input as AgentCalls["lines"]["in"];
        return this.#sessions.lines(session, handle, limits);
      }
      case "board": {
        const { session, handle, make } = input as AgentCalls["board"]["in"];
        return this.#sessions.board(session, handle, make, limits);
      }
      case "unbind": {
        const { session, handle } = input as AgentCalls["unbind"]["in"];
        await this.#sessions.unbind(session, handle, limits);
        return null;
      }
      case "cycle":
        return this.#sessions.lockCycle((input as AgentCalls["cycle"]["in"]).session, limits);
    }
  }

  #tellLost(session: AgentSession): void {
    if (session.mapsForStoring) {
      const { address, number, token, state } = session;
      this.#lostMappings.add(session.id, { address, target: state.target, session: number, token });
    }
    const connections = [...session.connections.values(), ...session.epochConnections.values()];
    this.#ports.mailbox.post({
      kind: "lost",
      session: session.id,
      connections: connections.map(({ id }) => id),
    });
  }
}

function failure(id: number, error: unknown): FromAgent {
  if (!isDidafsError(error)) {
    const message = `the agent failed: ${String((error as Error)?.stack ?? error)}`;
    return { kind: "failure", id, code: "ERR_INTERNAL", message, details: { applied: "unknown" } };
  }
  const { code, message, applied, path, target, value } = error;
  return { kind: "failure", id, code, message, details: { applied, path, target, value } };
}
