import type { Clock, Idler } from "../ports/clock.ts";
import type { Mailbox } from "../ports/mailbox.ts";
import type { MemoryPort } from "../ports/memory.ts";
import type { Network } from "../ports/network.ts";
import type { Turns } from "../ports/turns.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import type { RegionAccess } from "../transport/access.ts";
import type { BoardSource } from "../transport/board-access.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import { DataConnection } from "../transport/data-connection.ts";
import { DirectAccess } from "../transport/direct-access.ts";
import { EpochLink } from "../transport/epoch-link.ts";
import { GroupLink } from "../transport/group-link.ts";
import { Pump } from "../transport/pump.ts";
import { RemoteAccess } from "../transport/remote-access.ts";
import type { RemoteLink } from "../transport/remote-link.ts";
import { SessionState } from "../transport/session-state.ts";
import { Transfer } from "../transport/transfer.ts";
import { Turnstile } from "../transport/turnstile.ts";
import type { Endpoint } from "../wire/control.ts";
import type { EpochSession, Participant } from "../wire/epoch-name.ts";
import { AgentLink } from "./agent-link.ts";
import type { BindReply, FromAgent, ToAgent } from "./agent-messages.ts";
import type { Transport } from "./api.ts";
import { DEFAULT_TIMEOUT_MS } from "./call-limits.ts";
import { MetaCalls } from "./meta-calls.ts";

/** Of calls that nobody sets a limit to. */
const PATIENT: CallLimits = { timeoutMs: DEFAULT_TIMEOUT_MS, signal: undefined };

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

/** What is bound, with its own state. */
interface HeldRegion {
  readonly access: RegionAccess;
  readonly state: SessionState;
  /** `mapLines` was asked for; `failure` is what cannot go on after it. */
  lines: { failure: DidafsError | undefined } | undefined;
}

/** One region of a window, bound and ready for access. */
export interface BoundRegion {
  readonly access: RegionAccess;
  readonly protection: BindReply["bound"]["protection"];
  /** The agent's number of the session. */
  readonly session: number;
  readonly handle: number;
  readonly home: Participant;
  /** What epochs are named after that it decides. */
  readonly epochs: EpochSession;
}

interface OriginSession {
  readonly state: SessionState;
  /** By handle. */
  readonly regions: Map<number, HeldRegion>;
  /** For HELLO. */
  readonly number: number;
  readonly token: Uint8Array;
  /** By worker; a promise, so that epochs that begin together share it. */
  readonly epochLinks: Map<number, Promise<EpochLink>>;
  /** Of the epoch that was named last. */
  epochSequence: number;
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
      orphanDescriptor: (descriptor) => ports.closeDescriptor(descriptor),
    });
    this.meta = new MetaCalls(ports, this.link);
    this.#pump = new Pump(ports.turns, ports.clock, ports.idler, (connection) => this.#arm(connection));
  }

  nowMs(): number {
    return this.#ports.clock.nowMs();
  }

  /** On this thread's event loop. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#ports.turns.after(ms, resolve));
  }

  /** Lets the event loop turn once: promises alone, of mapped bytes or small pieces, would keep it from that. */
  turn(): Promise<void> {
    return this.#pump.turn();
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
      this.#remoteLink(reply, session),
      reply.path,
      reply.bound.handle,
      timeoutMs,
    );
    const state = new SessionState(reply.state, reply.session.target);
    const access = this.#access(reply, state, remote, stores);
    access.held.state = state;
    session.regions.set(reply.bound.handle, { access, state, lines: undefined });
    if (state.isRevoked) this.#onRevoked(reply.session.id, [reply.bound.handle]);
    return {
      access,
      protection: reply.bound.protection,
      session: reply.session.id,
      handle: reply.bound.handle,
      home: { target: reply.session.target, worker: reply.bound.worker },
      epochs: reply.session.epochs,
    };
  }

  /**
   * Where epochs speak to that worker; the connection is opened when it is first asked for.
   * @throws ERR_SESSION_LOST, ERR_CLOSED
   */
  epochLink(sessionId: number, worker: number): Promise<EpochLink> {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return Promise.reject(this.#sessionGone());
    const known = session.epochLinks.get(worker);
    if (known !== undefined) return known;
    const opening = this.#openEpochLink(sessionId, worker);
    session.epochLinks.set(worker, opening);
    opening.catch(() => session.epochLinks.delete(worker));
    return opening;
  }

  /**
   * What reads the region's bytes with the versions of their lines, without asking anybody. What that needs is fetched when it
   * is first asked for, and nobody waits for it.
   * @returns undefined where the region's home is to be asked, for now or for good
   * @throws ERR_PROTOCOL where the target gave something that cannot be
   */
  versionReader({ session, handle, access }: BoundRegion): DirectAccess | undefined {
    if (!(access instanceof DirectAccess)) return undefined;
    if (access.seesVersions) return access;
    const held = this.#sessions.get(session)?.regions.get(handle);
    if (held?.lines?.failure !== undefined) throw held.lines.failure;
    if (held !== undefined && held.lines === undefined) {
      held.lines = { failure: undefined };
      void this.#mapLines(session, handle, access, held.lines);
    }
    return undefined;
  }

  async #mapLines(
    session: number,
    handle: number,
    access: DirectAccess,
    outcome: { failure: DidafsError | undefined },
  ): Promise<void> {
    try {
      const { descriptor, entries } = await this.link.call("lines", { session, handle }, PATIENT);
      access.mapLines(descriptor, entries);
    } catch (error) {
      if (!isDidafsError(error)) throw error;
      // Whatever else it is: the home can be asked, or says itself what is wrong.
      if (error.code === "ERR_PROTOCOL") outcome.failure = error;
    }
  }

  /** The number of the session's next epoch: it only grows. @throws ERR_SESSION_LOST, ERR_CLOSED */
  nextEpoch(sessionId: number): number {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) throw this.#sessionGone();
    session.epochSequence += 1;
    return session.epochSequence;
  }

  /** Nobody gives up on it: the agent answers at once, and who came second waits for it too. */
  async #openEpochLink(sessionId: number, worker: number): Promise<EpochLink> {
    const { connection } = await this.link.call("epochs", { session: sessionId, worker }, PATIENT);
    // It may have ended behind the answer, and then the stream is not ours any more.
    const session = this.#sessions.get(sessionId);
    if (session === undefined) throw this.#sessionGone();
    return new EpochLink(this.#introduce(sessionId, session, connection));
  }

  #sessionGone(): DidafsError {
    if (this.#closed) return new DidafsError("ERR_CLOSED", "the cluster is closed");
    return new DidafsError(
      "ERR_SESSION_LOST",
      "the session has ended; open a new window on the file to go on",
    );
  }

  /** Lets go of a region: late accesses throw, the mapping goes, the target forgets the binding. */
  async release(region: BoundRegion, limits: CallLimits): Promise<void> {
    this.#sessions.get(region.session)?.regions.delete(region.handle);
    region.access.close();
    await this.link.call("unbind", { session: region.session, handle: region.handle }, limits);
  }

  /**
   * Where groups speak to that worker of a target: on the connection of the session's epochs, for there nothing waits for others.
   * @throws ERR_UNREACHABLE, ERR_SESSION_LOST, ERR_CLOSED, ERR_TIMEOUT
   */
  async groupLink(
    endpoint: Endpoint,
    transport: Transport,
    worker: number,
    limits: CallLimits,
  ): Promise<GroupLink> {
    const session = await this.link.call("session", { endpoint, transport }, limits);
    if (this.#closed) throw this.#sessionGone();
    this.#session({ session });
    const { link } = await this.epochLink(session.id, worker);
    return new GroupLink(link);
  }

  #session({ session }: Pick<BindReply, "session">): OriginSession {
    let known = this.#sessions.get(session.id);
    if (known === undefined) {
      known = {
        state: new SessionState(session.state, session.target),
        regions: new Map(),
        number: session.number,
        token: session.token,
        epochLinks: new Map(),
        epochSequence: 0,
      };
      this.#sessions.set(session.id, known);
    }
    return known;
  }

  #remoteLink(reply: BindReply, session: OriginSession): RemoteLink {
    const known = this.#connections.get(reply.connection.id);
    return known?.remote ?? this.#introduce(reply.session.id, session, reply.connection);
  }

  /** Takes a stream of the session that nobody has used yet. */
  #introduce(
    sessionId: number,
    { state, number, token }: OriginSession,
    stream: BindReply["connection"],
  ): RemoteLink {
    const { network, memory, clock, idler } = this.#ports;
    const connection = new DataConnection(network.adopt(stream.descriptor), memory);
    connection.onEnd = () => {
      this.#lose(sessionId);
      this.link.post({ kind: "end", session: sessionId });
    };
    // Nobody waits for the answer: were the session refused, the connection would end and every access say so. Yet it has
    // to leave, also when the first access comes late: the target closes a connection that does not introduce itself.
    connection.hello(new Transfer(), number, token);
    this.#pump.wake(connection);
    const notifying = new Turnstile();
    const remote = { connection, session: state, pump: this.#pump, clock, idler, memory, notifying };
    this.#connections.set(stream.id, { connection, remote });
    this.#connectionIds.set(connection, stream.id);
    return remote;
  }

  #access(reply: BindReply, state: SessionState, remote: RemoteAccess, stores: boolean): RegionAccess {
    const { descriptor } = reply;
    if (descriptor === undefined) return remote;
    const { memory, closeDescriptor } = this.#ports;
    const { dataOffset, regionBytes: byteLength } = reply.bound;
    try {
      const region = { descriptor, dataOffset, byteLength, closeDescriptor };
      const board = { session: reply.session.id, handle: reply.bound.handle };
      const source: BoardSource = (make, limits = PATIENT) =>
        this.link.call("board", { ...board, make }, limits);
      return new DirectAccess(memory, state, remote, region, stores, source);
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
      region?.access.held.lose(region.state.error("no"));
    }
  }

  /** The state word says it already; here the mappings go, so that views do not outlive the session. */
  #onLost(sessionId: number, connections: readonly number[]): void {
    const session = this.#sessions.get(sessionId);
    this.#lose(sessionId);
    for (const { access, state } of session?.regions.values() ?? []) {
      access.close();
      access.held.lose(state.error("no"));
    }
    this.#sessions.delete(sessionId);
    this.link.post({ kind: "detached", session: sessionId });
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
    if (!this.#closed) this.#remoteLink(reply, this.#session(reply));
    this.#unbind(reply);
  }

  #unbind(reply: BindReply): void {
    const unbind = { session: reply.session.id, handle: reply.bound.handle };
    this.link.call("unbind", unbind, PATIENT).catch(() => {
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
      const closed = new DidafsError("ERR_CLOSED", "the cluster is closed");
      for (const { access } of session.regions.values()) access.held.lose(closed);
    }
    this.#sessions.clear();
    for (const id of [...this.#connections.keys()]) this.#drop(id);
  }
}
