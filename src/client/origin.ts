import type { Clock, Idler } from "../ports/clock.ts";
import type { Mailbox } from "../ports/mailbox.ts";
import type { MemoryPort } from "../ports/memory.ts";
import type { Network } from "../ports/network.ts";
import type { Turns } from "../ports/turns.ts";
import { DidafsError } from "../std/errors.ts";
import type { CallLimits, RegionAccess } from "../transport/access.ts";
import { DataConnection } from "../transport/data-connection.ts";
import { DirectAccess } from "../transport/direct-access.ts";
import { Pump } from "../transport/pump.ts";
import { RemoteAccess, type RemoteLink } from "../transport/remote-access.ts";
import { SessionState } from "../transport/session-state.ts";
import { Transfer } from "../transport/transfer.ts";
import { AgentLink } from "./agent-link.ts";
import type { BindReply, FromAgent, ToAgent } from "./agent-messages.ts";
import { DEFAULT_TIMEOUT_MS } from "./call-limits.ts";
import { MetaCalls } from "./meta-calls.ts";

export interface OriginPorts {
  readonly mailbox: Mailbox<ToAgent, FromAgent>;
  readonly network: Network;
  readonly memory: MemoryPort;
  readonly clock: Clock;
  readonly idler: Idler;
  readonly turns: Turns;
  readonly closeDescriptor: (descriptor: number) => void;
  /** Keeps the program alive, or not, while only the agent could go on. */
  readonly keepAlive: (wanted: boolean) => void;
}

/** One region of a window, bound and ready for access. */
export interface BoundRegion {
  readonly access: RegionAccess;
  readonly protection: BindReply["bound"]["protection"];
  readonly session: number;
  readonly handle: number;
}

interface OriginSession {
  readonly state: SessionState;
  /** What is bound, by handle, with its own state. */
  readonly regions: Map<number, { readonly access: RegionAccess; readonly state: SessionState }>;
}

/**
 * What the windows of one origin share on the thread that uses them: the talk with the agent, the sessions' state
 * words, the data connections and the pump that drives promises.
 */
export class Origin {
  readonly link: AgentLink;
  readonly meta: MetaCalls;
  readonly #ports: OriginPorts;
  readonly #pump: Pump;
  readonly #sessions = new Map<number, OriginSession>();
  readonly #connections = new Map<number, { connection: DataConnection; remote: RemoteLink }>();
  readonly #connectionIds = new Map<DataConnection, number>();
  /** From then on the agent may close any stream at any time, and its number may come back as something else. */
  #closed = false;

  constructor(ports: OriginPorts) {
    this.#ports = ports;
    this.link = new AgentLink(ports.mailbox, ports.turns, ports.keepAlive, {
      ready: (id) => this.#onReady(id),
      lost: (session, connections) => this.#onLost(session, connections),
      revoked: (session, handles) => this.#onRevoked(session, handles),
      orphan: (reply) => this.#undo(reply),
    });
    this.meta = new MetaCalls(ports, this.link);
    this.#pump = new Pump(ports.turns, ports.clock, ports.idler, (connection) => this.#arm(connection));
  }

  nowMs(): number {
    return this.#ports.clock.nowMs();
  }

  /**
   * Makes an access of what the agent has bound.
   * @throws ERR_CLOSED; ERR_IO when the region cannot be mapped. What was bound is given back then.
   */
  adopt(reply: BindReply, stores: boolean, timeoutMs: number): BoundRegion {
    if (this.#closed) {
      this.#undo(reply);
      throw new DidafsError("ERR_CLOSED", "the cluster is closed");
    }
    const session = this.#session(reply);
    const remote = new RemoteAccess(
      this.#remoteLink(reply, session.state),
      reply.path,
      reply.bound.handle,
      timeoutMs,
    );
    const state = new SessionState(reply.state, reply.session.target);
    const access = this.#access(reply, state, remote, stores);
    session.regions.set(reply.bound.handle, { access, state });
    if (state.isRevoked) this.#onRevoked(reply.session.id, [reply.bound.handle]);
    return {
      access,
      protection: reply.bound.protection,
      session: reply.session.id,
      handle: reply.bound.handle,
    };
  }

  /** Lets go of a region: late accesses throw, the mapping goes, the target forgets the binding. */
  async release(region: BoundRegion, limits: CallLimits): Promise<void> {
    this.#sessions.get(region.session)?.regions.delete(region.handle);
    region.access.close();
    await this.link.call("unbind", { session: region.session, handle: region.handle }, limits);
  }

  #session({ session }: BindReply): OriginSession {
    let known = this.#sessions.get(session.id);
    if (known === undefined) {
      known = { state: new SessionState(session.state, session.target), regions: new Map() };
      this.#sessions.set(session.id, known);
    }
    return known;
  }

  #remoteLink(reply: BindReply, session: SessionState): RemoteLink {
    const known = this.#connections.get(reply.connection.id);
    if (known !== undefined) return known.remote;
    const { network, memory, clock, idler } = this.#ports;
    const connection = new DataConnection(network.adopt(reply.connection.descriptor), memory);
    connection.onEnd = () => {
      this.#lose(reply.session.id);
      this.link.post({ kind: "end", session: reply.session.id });
    };
    // Nobody waits for the answer: were the session refused, the connection would end and every access say so.
    connection.hello(new Transfer(), reply.session.number, reply.session.token);
    const remote = { connection, session, pump: this.#pump, clock, idler, memory };
    this.#connections.set(reply.connection.id, { connection, remote });
    this.#connectionIds.set(connection, reply.connection.id);
    return remote;
  }

  #access(reply: BindReply, state: SessionState, remote: RemoteAccess, stores: boolean): RegionAccess {
    const { descriptor } = reply;
    if (descriptor === undefined) return remote;
    const { memory, closeDescriptor } = this.#ports;
    const { dataOffset, regionBytes: byteLength } = reply.bound;
    try {
      const region = { descriptor, dataOffset, byteLength, closeDescriptor };
      return new DirectAccess(memory, state, remote, region, stores);
    } catch (error) {
      this.#unbind(reply);
      throw error;
    }
  }

  #arm(connection: DataConnection): void {
    const id = this.#connectionIds.get(connection);
    if (id !== undefined) this.link.post({ kind: "arm", connection: id, writable: connection.sending });
  }

  #onReady(id: number): void {
    if (this.meta.wake(id)) return;
    const known = this.#connections.get(id);
    if (known !== undefined) this.#pump.wake(known.connection);
  }

  #lose(sessionId: number): void {
    const session = this.#sessions.get(sessionId);
    session?.state.lose();
    for (const { state } of session?.regions.values() ?? []) state.lose();
  }

  /** Their state words say it already; what is mapped goes. Over a stream the target says it to every access. */
  #onRevoked(sessionId: number, handles: readonly number[]): void {
    const session = this.#sessions.get(sessionId);
    for (const handle of handles) {
      const region = session?.regions.get(handle);
      region?.state.revoke();
      if (region?.access.path === "direct") region.access.close();
    }
  }

  /** The state word says it already; here the mappings go, so that views do not outlive the session. */
  #onLost(sessionId: number, connections: readonly number[]): void {
    const session = this.#sessions.get(sessionId);
    this.#lose(sessionId);
    for (const { access } of session?.regions.values() ?? []) access.close();
    this.#sessions.delete(sessionId);
    for (const id of connections) this.#drop(id);
  }

  #drop(id: number): void {
    const known = this.#connections.get(id);
    if (known !== undefined) {
      this.#connections.delete(id);
      this.#connectionIds.delete(known.connection);
      known.connection.close();
    }
    this.link.post({ kind: "drop", connection: id });
  }

  /** The answer to a bind that nobody waits for any more. */
  #undo(reply: BindReply): void {
    if (reply.descriptor !== undefined) this.#ports.closeDescriptor(reply.descriptor);
    // The next window may get the same stream; the target closes one that does not introduce itself.
    if (!this.#closed) this.#remoteLink(reply, this.#session(reply).state);
    this.#unbind(reply);
  }

  #unbind(reply: BindReply): void {
    const unbind = { session: reply.session.id, handle: reply.bound.handle };
    this.link.call("unbind", unbind, { timeoutMs: DEFAULT_TIMEOUT_MS, signal: undefined }).catch(() => {
      // The session's end frees the binding too.
    });
  }

  /**
   * Ends everything on this thread; the agent is stopped by whoever started it.
   * @param reason what calls that are under way, and later ones, end with
   */
  close(reason: Error = new DidafsError("ERR_CLOSED", "the cluster is closed")): void {
    this.#closed = true;
    this.meta.close(reason);
    for (const session of this.#sessions.values()) {
      for (const { access } of session.regions.values()) access.close();
      session.state.lose();
    }
    this.#sessions.clear();
    for (const id of [...this.#connections.keys()]) this.#drop(id);
  }
}
