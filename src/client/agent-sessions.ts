import { type Address, DESCRIPTOR_LOST, type Stream } from "../ports/network.ts";
import type { RpcChannel } from "../rpc/channel.ts";
import type { Handlers } from "../rpc/handlers.ts";
import type { OriginKey, Transcript } from "../rpc/proofs.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import { isLineEntries } from "../structs/line-counts.ts";
import { BOARD_LANES } from "../structs/notice-board.ts";
import { SessionState } from "../transport/session-state.ts";
import type { Endpoint } from "../wire/control.ts";
import type { EpochSession } from "../wire/epoch-name.ts";
import { TOKEN_BYTES } from "../wire/header.ts";
import type { BindReply, BindRequest, BoardReply, LinesReply } from "./agent-messages.ts";
import { type AgentConnection, AgentSession } from "./agent-session.ts";
import type { Transport } from "./api.ts";
import type { ChannelPorts, ControlChannels, Limits } from "./control-channels.ts";
import { joinOpening } from "./join-opening.ts";
import type { LockCycle } from "./lock-cycle.ts";

export interface SessionPorts extends ChannelPorts {
  /** A number that no other session or stream on the same poller has; from 1. */
  readonly newId: () => number;
}

/** What becomes of sessions; their state words say so already. */
export interface SessionEvents {
  lost(session: AgentSession): void;
  revoked(session: AgentSession, handles: readonly number[]): void;
}

export interface SessionTerms {
  /** What the capabilities name that windows are bound with. */
  readonly originKey: OriginKey;
  /** To ask for. */
  readonly leaseMs: number;
}

/** How long a target may take to answer what nobody waits for any more. */
const PATIENCE_MS = 10_000;

/** The sessions of one origin with targets, at most one a target and path, and the data streams that belong to them. */
export class AgentSessions {
  readonly #ports: SessionPorts;
  readonly #channels: ControlChannels;
  readonly #terms: SessionTerms;
  readonly #events: SessionEvents;
  /** By target and path; a promise, so that two windows opened at once share the session. */
  readonly #byPlace = new Map<string, Promise<AgentSession>>();
  readonly #byId = new Map<number, AgentSession>();
  readonly #connections = new Map<number, AgentConnection>();

  constructor(ports: SessionPorts, channels: ControlChannels, terms: SessionTerms, events: SessionEvents) {
    this.#ports = ports;
    this.#channels = channels;
    this.#terms = terms;
    this.#events = events;
  }

  /** When a lease is to be renewed, or ends. */
  dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const session of this.#byId.values()) dueMs = Math.min(dueMs, session.dueMs);
    return dueMs;
  }

  /** @param another a lease is due (see Renewal.isDue) */
  keepLeases(nowMs: number, another: boolean): void {
    for (const session of this.#byId.values()) {
      if (!session.keepLease(nowMs, another)) session.channel.close();
    }
  }

  connection(id: number): AgentConnection | undefined {
    return this.#connections.get(id);
  }

  end(id: number): void {
    this.#byId.get(id)?.channel.close();
  }

  /** Takes a stream that the main thread will use, until it drops it. */
  keep(stream: Stream): AgentConnection {
    const connection = { id: this.#ports.newId(), stream };
    this.#connections.set(connection.id, connection);
    return connection;
  }

  /** Closes a stream that the main thread has let go of. */
  drop(id: number): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    this.#connections.delete(id);
    this.#ports.poller.unwatch(connection.stream);
    connection.stream.close();
  }

  /**
   * The target's answer is waited for also when the caller has given up: what it bound is known only from there, and
   * would stay bound, in the way of windows of the other kind, as long as the session lives.
   */
  async bind(request: BindRequest, limits: Limits): Promise<BindReply> {
    const session = await this.#sessionFor(request.endpoint, request.transport, limits);
    const direct = session.path === "unix";
    const { result: bound, descriptor } = await session.channel.callWithDescriptor(
      "window.bind",
      { ...request.window, direct },
      { timeoutMs: Math.max(limits.timeoutMs, PATIENCE_MS) },
    );
    try {
      const state = session.bound(bound.handle);
      if (descriptor === DESCRIPTOR_LOST) throw noDescriptorLeft(session.state.target);
      const { at, byteLength } = request.window;
      const whole = at === 0 && bound.regionBytes >= byteLength;
      if (bound.direct !== (descriptor !== undefined) || (bound.direct && !whole)) {
        throw new DidafsError(
          "ERR_PROTOCOL",
          `target ${session.state.target} gave another range than was asked for`,
        );
      }
      if (request.transport === "direct" && !bound.direct) {
        throw new DidafsError(
          "ERR_NOT_DIRECT",
          "the target maps only whole files, and writable ones only for its own user; open all of the file, or use transport auto",
        );
      }
      const { rights, sharing } = request.window;
      if (bound.direct && rights === "rw" && sharing === "raw") session.mapsForStoring = true;
      const connection = this.#connect(session, bound.worker, session.connections);
      return {
        session: described(session),
        state,
        path: session.path,
        connection: { id: connection.id, descriptor: connection.stream.descriptor },
        bound,
        descriptor,
      };
    } catch (error) {
      session.unbound(bound.handle);
      if (descriptor !== undefined && descriptor !== DESCRIPTOR_LOST) this.#ports.closeDescriptor(descriptor);
      session.channel
        .call("window.unbind", { handle: bound.handle }, { timeoutMs: PATIENCE_MS })
        .catch(() => {
          // The session's end frees the binding too.
        });
      throw error;
    }
  }

  /** Opens a session where there is none, for whoever needs no window. @throws ERR_UNREACHABLE, ERR_AUTH, ERR_TIMEOUT */
  async session(endpoint: Endpoint, transport: Transport, limits: Limits): Promise<BindReply["session"]> {
    return described(await this.#sessionFor(endpoint, transport, limits));
  }

  /** Where the lines of a mapped region are counted. @throws ERR_SESSION_LOST, ERR_PROTOCOL, and what the target refuses with */
  async lines(sessionId: number, handle: number, limits: Limits): Promise<LinesReply> {
    const { channel, state } = this.#session(sessionId);
    const { result, descriptor } = await channel.callWithDescriptor("window.lines", { handle }, limits);
    if (descriptor === DESCRIPTOR_LOST) throw noDescriptorLeft(state.target);
    const { entries } = result;
    if (descriptor !== undefined && isLineEntries(entries)) return { entries, descriptor };
    if (descriptor !== undefined) this.#ports.closeDescriptor(descriptor);
    throw new DidafsError(
      "ERR_PROTOCOL",
      `target ${state.target} tells the versions of lines in no way that there is`,
    );
  }

  /** The board of a mapped region. @throws ERR_SESSION_LOST, ERR_PROTOCOL, and what the target refuses with */
  async board(sessionId: number, handle: number, make: boolean, limits: Limits): Promise<BoardReply> {
    const { channel, state } = this.#session(sessionId);
    const { result, descriptor } = await channel.callWithDescriptor("window.board", { handle, make }, limits);
    if (descriptor === DESCRIPTOR_LOST) throw noDescriptorLeft(state.target);
    const { generation, lane } = result;
    const isThere = descriptor !== undefined;
    if (isThere === (generation !== 0) && (lane ?? 0) < BOARD_LANES) return { lane, descriptor };
    if (isThere) this.#ports.closeDescriptor(descriptor);
    throw new DidafsError("ERR_PROTOCOL", `target ${state.target} gives a board in no way that there is`);
  }

  /** A session that has ended meanwhile has no bindings left, so that is no error. */
  async unbind(sessionId: number, handle: number, limits: Limits): Promise<void> {
    this.#byId.get(sessionId)?.unbound(handle);
    try {
      await this.#byId.get(sessionId)?.channel.call("window.unbind", { handle }, limits);
    } catch (error) {
      if (!isDidafsError(error, "ERR_UNREACHABLE", "ERR_SESSION_LOST")) throw error;
    }
  }

  async lockCycle(sessionId: number, limits: Limits): Promise<LockCycle> {
    const session = this.#byId.get(sessionId);
    if (session === undefined) return [];
    const { cycle } = await session.channel.call("lock.cycle", {}, limits);
    return cycle;
  }

  /** The stream for what epochs say to that worker. @throws ERR_SESSION_LOST */
  epochs(sessionId: number, worker: number): AgentConnection {
    const session = this.#session(sessionId);
    return this.#connect(session, worker, session.epochConnections);
  }

  #session(id: number): AgentSession {
    const session = this.#byId.get(id);
    if (session !== undefined) return session;
    throw new DidafsError("ERR_SESSION_LOST", "the session has ended; open a new window to go on");
  }

  #connect(
    session: AgentSession,
    worker: number,
    connections: Map<number, AgentConnection>,
  ): AgentConnection {
    const known = connections.get(worker);
    if (known !== undefined) return known;
    const address = session.workerAddresses[worker];
    if (address === undefined) {
      throw new DidafsError(
        "ERR_PROTOCOL",
        `target ${session.state.target} names a worker ${worker} that it has not`,
      );
    }
    const connection = this.keep(this.#ports.network.connect(address));
    connections.set(worker, connection);
    return connection;
  }

  /** `auto` takes the unix name where it answers: that is the proof of being on the same machine. */
  async #sessionFor(endpoint: Endpoint, transport: Transport, limits: Limits): Promise<AgentSession> {
    if (transport === "tcp") return this.#sessionOver("tcp", endpoint, limits);
    try {
      return await this.#sessionOver("unix", endpoint, limits);
    } catch (error) {
      if (!isDidafsError(error, "ERR_UNREACHABLE")) throw error;
    }
    // What TCP does not reach either is down, and not elsewhere.
    const overTcp = await this.#sessionOver("tcp", endpoint, limits);
    if (transport === "auto") return overTcp;
    try {
      // What was in the way may be over: a target whose lease runs out ends all sessions, and takes new ones at once.
      return await this.#sessionOver("unix", endpoint, limits);
    } catch (error) {
      if (!isDidafsError(error, "ERR_UNREACHABLE")) throw error;
      throw new DidafsError("ERR_NOT_DIRECT", `target ${endpoint.target} is not reached on this machine`, {
        cause: error,
        target: endpoint.target,
      });
    }
  }

  #sessionOver(path: "unix" | "tcp", endpoint: Endpoint, limits: Limits): Promise<AgentSession> {
    // The address is part of the name: a target that was restarted listens elsewhere.
    const place = JSON.stringify([endpoint.target, endpoint[path].control]);
    const known = this.#byPlace.get(place);
    if (known !== undefined) {
      const again = (left: Limits) => this.#sessionOver(path, endpoint, left);
      return joinOpening(known, limits, this.#ports.clock, again);
    }
    const opening = this.#open(path, place, endpoint, limits);
    this.#byPlace.set(place, opening);
    opening.catch(() => this.#byPlace.delete(place));
    return opening;
  }

  async #open(
    path: "unix" | "tcp",
    place: string,
    endpoint: Endpoint,
    limits: Limits,
  ): Promise<AgentSession> {
    const { control, workers }: { control: Address; workers: readonly Address[] } = endpoint[path];
    let session: AgentSession | undefined;
    const { target } = endpoint;
    const expect = { service: "target" as const, id: target };
    const handlers: Handlers = {
      "window.revoked": ({ handles }) => {
        session?.revoke(handles);
        if (session !== undefined) this.#events.revoked(session, handles);
        return {};
      },
    };
    const { channel, transcript } = await this.#channels.open(
      control,
      `target ${target}`,
      expect,
      limits,
      () => {
        if (session !== undefined) this.#lose(session, place);
      },
      handlers,
    );
    const openedMs = this.#ports.clock.nowMs();
    const opened = await this.#openSession(channel, transcript, limits);
    const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    session = new AgentSession({
      id: this.#ports.newId(),
      path,
      channel,
      shared,
      state: new SessionState(shared, target),
      number: opened.session,
      token: opened.token,
      epochs: opened.epochs,
      address: control,
      workerAddresses: workers,
      leaseMs: opened.leaseMs,
      openedMs,
    });
    this.#byId.set(session.id, session);
    return session;
  }

  /** On failure the channel is closed: nobody else would. */
  async #openSession(
    channel: RpcChannel,
    transcript: Transcript,
    limits: Limits,
  ): Promise<{ session: number; token: Uint8Array; leaseMs: number; epochs: EpochSession }> {
    try {
      const { originKey } = this.#terms;
      const terms = {
        leaseMs: this.#terms.leaseMs,
        originKey: originKey.publicKey,
        proof: originKey.prove(transcript),
      };
      const opened = await channel.call("session.open", terms, limits);
      const { session, token, leaseMs, incarnation, epochSecret: secret } = opened;
      // It may have ended right behind its answer, when there was no session yet that could be lost.
      if (channel.ended !== undefined) {
        throw new DidafsError("ERR_UNREACHABLE", `${channel.peer} ended the session`, {
          cause: channel.ended,
        });
      }
      const bytes = Uint8Array.from(Buffer.from(token, "hex"));
      if (bytes.byteLength !== TOKEN_BYTES) {
        throw new DidafsError("ERR_PROTOCOL", `${channel.peer} gave a token of ${bytes.byteLength} bytes`);
      }
      return { session, token: bytes, leaseMs, epochs: { incarnation, session, secret } };
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  #lose(session: AgentSession, place: string): void {
    this.#byId.delete(session.id);
    this.#byPlace.delete(place);
    session.lose();
    this.#events.lost(session);
  }

  close(): void {
    for (const id of [...this.#connections.keys()]) this.drop(id);
  }
}

/** What the main thread is told of it. */
function described({ id, shared, state, number, token, epochs }: AgentSession): BindReply["session"] {
  return { id, state: shared, target: state.target, number, token, epochs };
}

function noDescriptorLeft(target: string): DidafsError {
  return new DidafsError(
    "ERR_TOO_MANY",
    "this process has no descriptor left to map the window with: close windows, or allow it more (ulimit -n)",
    { target },
  );
}
