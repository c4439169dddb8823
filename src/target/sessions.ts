import { regionKey } from "../epoch/commit-records.ts";
import { READ, WRITE } from "../iommu/domain.ts";
import type { Clock } from "../ports/clock.ts";
import type { Processes } from "../ports/process.ts";
import type { Random } from "../ports/random.ts";
import type { CallContext, Channel, Handlers } from "../rpc/handlers.ts";
import { originProofHolds, type Transcript } from "../rpc/proofs.ts";
import { codeOf, DidafsError } from "../std/errors.ts";
import type { Logger } from "../std/logger.ts";
import { REGION_HEADER_BYTES } from "../structs/region-header.ts";
import type { Params, Result } from "../wire/control.ts";
import { EPOCH_SECRET_BYTES } from "../wire/epoch-name.ts";
import { TOKEN_BYTES } from "../wire/header.ts";
import { LEASE_GRACE, LEASE_MS_MAX, LEASE_MS_MIN } from "../wire/leases.ts";
import type { BoardGrants } from "./board-grants.ts";
import { type CapabilityChecks, revoked } from "./capability-checks.ts";
import type { DirectGrants } from "./direct-grants.ts";
import type { LeaseRecord } from "./lease-record.ts";
import type { LineGrants } from "./line-grants.ts";
import type { LockOrphans } from "./lock-orphans.ts";
import type { LockDescription } from "./messages.ts";
import type { OpenRegion, OpenRegions } from "./open-regions.ts";
import { isSameToken } from "./same-token.ts";
import type { ServiceLease } from "./service-lease.ts";
import type { WorkerLink } from "./worker-link.ts";

const LEASE_MS_DEFAULT = 10_000;
const BINDINGS_MAX = 65_536;

/** What a window has bound, and under which generation of its file. */
interface Bound {
  readonly region: OpenRegion;
  readonly gen: number;
  /** The origin was given the region to map, and to store to. */
  direct: boolean;
  stores: boolean;
}

interface Session {
  readonly number: number;
  readonly channel: Channel;
  /** The origin's public key. */
  readonly originKey: string;
  readonly leaseMs: number;
  leaseEndMs: number;
  ended: boolean;
  nextHandle: number;
  readonly bindings: Map<number, Bound>;
  readonly token: Uint8Array;
  /** When its process started, where that is one of this machine. */
  readonly start: string | undefined;
  /** Regions that it was given to map for storing, by handle, until it says that it has let go. */
  readonly mapped: Map<number, string>;
  /** Of its last wait that was part of a circle. */
  cycle: readonly LockDescription[];
}

export interface SessionsParts {
  readonly regions: OpenRegions;
  readonly workers: readonly WorkerLink[];
  readonly random: Random;
  readonly clock: Clock;
  /** Without it nothing is served. */
  readonly lease: ServiceLease;
  readonly checks: CapabilityChecks;
  readonly grants: DirectGrants;
  readonly lines: LineGrants;
  readonly boards: BoardGrants;
  readonly processes: Processes | undefined;
  readonly orphans: LockOrphans;
  readonly leases: LeaseRecord;
  /** Tells the metadata service of the longest lease; resolves when it knows. */
  readonly announce: () => Promise<unknown>;
  /** Of this life of the target: what epochs are named after that it decides. */
  readonly incarnation: string;
  readonly durable: boolean;
  readonly log: Logger;
}

/** The sessions of origins with this target: their leases and what they have bound. */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly #byChannel = new Map<Channel, Session>();
  /** Until it is known which locks they leave behind. */
  readonly #ending = new Set<Session>();
  /** Until every holder knows. */
  readonly #revoking = new Set<Promise<unknown>>();
  /** The longest lease that a session may have been given, and what of that the metadata service knows for sure. */
  longestLeaseMs: number = LEASE_MS_DEFAULT;
  #announcedMs: number = LEASE_MS_DEFAULT;
  #nextNumber = 1;
  #nowMs = 0;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#byChannel.size;
  }

  /** When the next lease runs out. */
  dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const { leaseEndMs } of this.#byChannel.values()) dueMs = Math.min(dueMs, leaseEndMs);
    return dueMs;
  }

  /** Ends sessions whose lease has run out. @returns sessions ended */
  doWork(nowMs: number): number {
    this.#nowMs = nowMs;
    let ended = 0;
    for (const [channel, session] of this.#byChannel) {
      if (nowMs < session.leaseEndMs) continue;
      this.#parts.log.warn("a session's lease ran out", {
        session: session.number,
        leaseMs: session.leaseMs,
      });
      // Ends the session through `channelEnded`.
      channel.close(new DidafsError("ERR_SESSION_LOST", `no renewal for ${session.leaseMs} ms`));
      ended += 1;
    }
    return ended;
  }

  /** The calls of an origin that has made that handshake. */
  handlers(transcript: Transcript): Handlers {
    return {
      "session.open": (params, { channel }) => {
        const granted = grantedMs(params.leaseMs);
        if (granted <= this.#announcedMs) return this.#open(params, granted, channel, transcript);
        return this.#announce(granted).then(() => this.#open(params, granted, channel, transcript));
      },
      "session.renew": (_, { channel }) => {
        const session = this.#of(channel);
        session.leaseEndMs = this.#nowMs + session.leaseMs * LEASE_GRACE;
        return {};
      },
      "window.bind": (params, context) => this.#bind(params, context),
      "window.unbind": ({ handle }, { channel }) => {
        const session = this.#of(channel);
        // Whoever says so has let go of the mapping.
        if (session.mapped.delete(handle)) this.#parts.boards.letGo(session.number, handle);
        return this.#unbind(handle, session);
      },
      "window.lines": ({ handle }, context) => this.#shareLines(handle, context),
      "window.board": ({ handle, make }, context) => this.#shareBoard(handle, make, context),
      "session.detached": ({ session, token }) => {
        this.#detached(session, Buffer.from(token, "hex"));
        return {};
      },
      "lock.cycle": (_, { channel }) => ({ cycle: [...this.#of(channel).cycle] }),
    };
  }

  /** Ends all sessions, with the lease that they were given under. */
  endAll(): void {
    for (const channel of this.#byChannel.keys()) {
      channel.close(new DidafsError("ERR_SESSION_LOST", "the target's lease has run out"));
    }
  }

  /** The session ends with its channel; its regions are released when nothing of it is left at any worker. */
  channelEnded(channel: Channel, reason: DidafsError): void {
    const session = this.#byChannel.get(channel);
    if (session === undefined) return;
    this.#byChannel.delete(channel);
    session.ended = true;
    this.#ending.add(session);
    const { workers, regions, log } = this.#parts;
    log.debug("session ended", { session: session.number, reason: reason.message });
    // The workers answer in the order they were asked, so a binding that is under way is there before the end of it.
    void Promise.all(workers.map((worker) => worker.closeSession(session.number))).then((locks) => {
      this.#ending.delete(session);
      if (locks.some((count) => count > 0)) this.#orphan(session);
      for (const { region } of session.bindings.values()) regions.release(region);
      session.bindings.clear();
    });
  }

  /** The origin has lost the session, which we may not have noticed, and has let go of all that it had mapped in it. */
  #detached(number: number, token: Uint8Array): void {
    for (const session of [...this.#byChannel.values(), ...this.#ending]) {
      if (session.number !== number || !isSameToken(token, session.token)) continue;
      session.mapped.clear();
      session.channel.close(new DidafsError("ERR_SESSION_LOST", "its origin has given it up"));
    }
    this.#parts.orphans.detached(number, token);
    this.#parts.boards.detached(number, token);
  }

  #orphan(session: Session): void {
    const { number, token, leaseEndMs, mapped } = session;
    this.#parts.orphans.add({
      session: number,
      token,
      leaseEndMs,
      process: processOf(session),
      mapped: [...new Set(mapped.values())],
    });
  }

  /** A wait of the session was part of that circle. */
  deadlocked(number: number, cycle: readonly LockDescription[]): void {
    for (const session of this.#byChannel.values()) if (session.number === number) session.cycle = cycle;
  }

  /**
   * Ends what capabilities below `gen` have bound on a region, and refuses them from now on. Resolves when every holder
   * has confirmed that, or has lost its session.
   */
  async revoke(inode: number, index: number, gen: number): Promise<void> {
    this.#parts.checks.revoke(inode, index, gen);
    for (const session of this.#byChannel.values()) {
      const handles = [...session.bindings]
        .filter(([, { region, gen: own }]) => region.inode === inode && region.index === index && own < gen)
        .map(([handle]) => handle);
      if (handles.length === 0) continue;
      const revoking = this.#revokeHandles(session, handles).finally(() => this.#revoking.delete(revoking));
      this.#revoking.add(revoking);
    }
    // Also of an earlier call, whose caller may have given up.
    await Promise.all(this.#revoking);
  }

  async #revokeHandles(session: Session, handles: number[]): Promise<void> {
    const { channel, leaseMs } = session;
    const homes = handles.map((handle) => ({
      handle,
      worker: session.bindings.get(handle)?.region.worker ?? 0,
    }));
    const unbound = Promise.all(handles.map((handle) => this.#unbind(handle, session, true)));
    const confirmed = channel.call("window.revoked", { handles }, { timeoutMs: leaseMs * LEASE_GRACE }).then(
      async () => {
        // A worker is not asked for the same twice at a time.
        await unbound;
        await this.#releaseLocks(session, homes);
      },
      // One that does not confirm must not go on with what it has mapped.
      () => channel.close(new DidafsError("ERR_SESSION_LOST", "revoking was not confirmed")),
    );
    await Promise.all([unbound, confirmed]);
  }

  /** The origin knows that it has lost these windows, and with them its locks. */
  async #releaseLocks(
    session: Session,
    homes: readonly { readonly handle: number; readonly worker: number }[],
  ): Promise<void> {
    // Where it could store to the mapping, it says itself when that is gone.
    const free = homes.filter(({ handle }) => !session.mapped.has(handle));
    await Promise.all(
      free.map(({ handle, worker }) =>
        (this.#parts.workers[worker] as WorkerLink).unbind(session.number, handle),
      ),
    );
  }

  /** A worker saw the session break the protocol. */
  violated(number: number, reason: string): void {
    for (const session of this.#byChannel.values()) {
      if (session.number === number) session.channel.close(new DidafsError("ERR_PROTOCOL", reason));
    }
  }

  /** Who takes access back without reaching this target waits for the longest lease that he has heard of. */
  async #announce(leaseMs: number): Promise<void> {
    this.longestLeaseMs = Math.max(this.longestLeaseMs, leaseMs);
    await this.#parts.announce();
    this.#announcedMs = Math.max(this.#announcedMs, leaseMs);
  }

  #open(
    { originKey, proof }: Params<"session.open">,
    granted: number,
    channel: Channel,
    transcript: Transcript,
  ): Result<"session.open"> {
    this.#checkServing();
    if (channel.ended !== undefined) throw channel.ended;
    if (this.#byChannel.has(channel)) {
      throw new DidafsError("ERR_INVALID_ARGUMENT", "this channel already has its session");
    }
    if (!originProofHolds(originKey, proof, transcript)) {
      throw new DidafsError(
        "ERR_AUTH",
        "the origin does not prove the key that it names, on this connection",
      );
    }
    const { random, workers, processes, leases, incarnation, log } = this.#parts;
    // Before anybody holds one that long.
    leases.raise(granted);
    const { credentials } = channel;
    const token = random.bytes(TOKEN_BYTES);
    const session: Session = {
      number: this.#nextNumber,
      channel,
      originKey,
      leaseMs: granted,
      leaseEndMs: this.#nowMs + granted * LEASE_GRACE,
      ended: false,
      nextHandle: 1,
      bindings: new Map(),
      token,
      start: credentials === undefined ? undefined : processes?.startOf(credentials.pid),
      mapped: new Map(),
      cycle: [],
    };
    this.#nextNumber += 1;
    this.#byChannel.set(channel, session);
    log.debug("session opened", { session: session.number, leaseMs: granted, uid: credentials?.uid });
    // Not the token: all who take part in an epoch learn its name.
    const epochSecret = Buffer.from(random.bytes(EPOCH_SECRET_BYTES)).toString("hex");
    for (const worker of workers) {
      worker.openSession({ session: session.number, owner: originKey, token, epochSecret });
    }
    return {
      session: session.number,
      token: Buffer.from(token).toString("hex"),
      leaseMs: granted,
      uid: channel.credentials?.uid,
      workers: workers.length,
      incarnation,
      epochSecret,
    };
  }

  #checkServing(): void {
    const { lease, clock } = this.#parts;
    if (lease.holds(clock.nowMs())) return;
    throw new DidafsError(
      "ERR_UNREACHABLE",
      "the target may not serve until the metadata service knows it again",
    );
  }

  #of(channel: Channel): Session {
    const session = this.#byChannel.get(channel);
    if (session === undefined) throw new DidafsError("ERR_SESSION_LOST", "this channel has no session");
    return session;
  }

  async #bind(params: Params<"window.bind">, context: CallContext): Promise<Result<"window.bind">> {
    const session = this.#of(context.channel);
    this.#checkServing();
    if (session.bindings.size >= BINDINGS_MAX) {
      throw new DidafsError("ERR_TOO_MANY", `a session may have ${BINDINGS_MAX} windows open`);
    }
    const { regions, workers, grants, durable, checks } = this.#parts;
    const { at, byteLength, rights, sharing } = params;
    const { inode, index, gen } = checks.check(params, session.originKey);
    const region = await regions.acquire(inode, index, sharing);
    const isRevoked = checks.isRevoked({ inode, index, gen });
    if (session.ended || isRevoked || at > region.byteLength || byteLength > region.byteLength - at) {
      regions.release(region);
      if (session.ended) throw new DidafsError("ERR_SESSION_LOST", "the session ended meanwhile");
      if (isRevoked) throw revoked();
      throw new DidafsError("ERR_RANGE", `the region has ${region.byteLength} bytes`);
    }
    // From here on the end of the session releases it.
    const handle = session.nextHandle;
    session.nextHandle += 1;
    const bound: Bound = { region, gen, direct: false, stores: false };
    session.bindings.set(handle, bound);
    const { object } = region;
    const status = await (workers[region.worker] as WorkerLink).bind({
      session: session.number,
      handle,
      region: { inode, index, descriptor: object.descriptor, byteLength: region.byteLength, durable },
      at,
      byteLength,
      rights: rights === "rw" ? READ | WRITE : READ,
    });
    if (session.ended) throw new DidafsError("ERR_SESSION_LOST", "the session ended meanwhile");
    if (!session.bindings.has(handle)) throw revoked();
    if (status !== 0) {
      session.bindings.delete(handle);
      regions.release(region);
      throw new DidafsError(codeOf(status), "the worker could not map the region");
    }
    const answer = {
      handle,
      worker: region.worker,
      regionBytes: region.byteLength,
      dataOffset: REGION_HEADER_BYTES,
    };
    try {
      if (rights === "rw") regions.written(region);
      const granted = grants.grant(params, region, context);
      bound.direct = granted.direct;
      bound.stores = granted.direct && sharing === "raw" && rights === "rw";
      if (bound.stores) session.mapped.set(handle, regionKey(inode, index));
      return { ...answer, ...granted };
    } catch (error) {
      await this.#unbind(handle, session);
      throw error;
    }
  }

  async #shareLines(handle: number, context: CallContext): Promise<Result<"window.lines">> {
    const session = this.#of(context.channel);
    const bound = session.bindings.get(handle);
    if (bound === undefined) throw noWindow(handle);
    if (!bound.direct) throw new DidafsError("ERR_NOT_DIRECT", `window ${handle} is not mapped`);
    const entries = await this.#parts.lines.grant(bound.region, context, () => {
      if (session.bindings.get(handle) !== bound) throw noWindow(handle);
    });
    return { entries };
  }

  async #shareBoard(handle: number, make: boolean, context: CallContext): Promise<Result<"window.board">> {
    const session = this.#of(context.channel);
    const bound = session.bindings.get(handle);
    if (bound === undefined) throw noWindow(handle);
    if (!bound.stores)
      throw new DidafsError("ERR_NOT_DIRECT", `window ${handle} does not store to a mapping`);
    const { number, token, originKey: source } = session;
    const owner = { source, session: number, token, handle, process: processOf(session) };
    return this.#parts.boards.grant(bound.region, owner, make, context, () => {
      if (session.ended) throw new DidafsError("ERR_SESSION_LOST", "the session ended meanwhile");
      if (session.bindings.get(handle) !== bound) throw noWindow(handle);
    });
  }

  async #unbind(handle: number, session: Session, isRevoked = false): Promise<Record<string, never>> {
    const { region } = session.bindings.get(handle) ?? {};
    if (region === undefined) throw noWindow(handle);
    // Out of the table first: neither a second unbind nor the session's end will release it again.
    session.bindings.delete(handle);
    await (this.#parts.workers[region.worker] as WorkerLink).unbind(session.number, handle, isRevoked);
    this.#parts.regions.release(region);
    return {};
  }
}

/** Where it is one of this machine. */
function processOf({
  channel,
  start,
}: Session): { readonly pid: number; readonly start: string } | undefined {
  const pid = channel.credentials?.pid;
  return pid === undefined || start === undefined ? undefined : { pid, start };
}

function noWindow(handle: number): DidafsError {
  return new DidafsError("ERR_BAD_HANDLE", `there is no window ${handle}`);
}

/** What an origin gets that asks for a lease of that length; 0: it leaves it to the target. */
function grantedMs(leaseMs: number): number {
  return leaseMs === 0 ? LEASE_MS_DEFAULT : Math.min(Math.max(leaseMs, LEASE_MS_MIN), LEASE_MS_MAX);
}
