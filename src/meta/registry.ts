import type { Channel } from "../rpc/handlers.ts";
import { DidafsError } from "../std/errors.ts";
import type { Endpoint, Layout, Params, TargetStatus } from "../wire/control.ts";
import { LEASE_GRACE, LEASE_MS_MAX, TARGET_LEASE_MS } from "../wire/leases.ts";

export const HEARTBEAT_MS = 2000;
const LEASE_WAIT_MS = TARGET_LEASE_MS * LEASE_GRACE;
/** A target is down when nothing came from it for this long. */
const LATE_MS = 3 * HEARTBEAT_MS;

type Report = Params<"meta.heartbeat">;

interface Target {
  readonly endpoint: Endpoint;
  readonly name: string;
  readonly pid: number;
  readonly incarnation: string;
  readonly medium: string;
  /** Undefined once it has ended. */
  channel: Channel | undefined;
  heardMs: number;
  report: Report;
}

/** A target that the cluster has, and that may not have registered yet. */
export interface KnownTarget {
  readonly id: string;
  readonly name: string;
  readonly drive: Endpoint["drive"];
}

/** Which targets there are, and which of them live. Kept in memory: targets register again with a new service. */
export class TargetRegistry {
  readonly #targets = new Map<string, Target>();
  readonly #known: readonly KnownTarget[];
  #startedMs: number | undefined;
  #listenedMs = 0;

  constructor(known: readonly KnownTarget[] = []) {
    this.#known = known;
  }

  /**
   * Everything that had come by `nowMs` was taken in. A target's silence counts up to here: while a commit blocks the
   * service its heartbeats wait to be read, which is no fault of the target.
   */
  listened(nowMs: number): void {
    this.#startedMs ??= nowMs;
    this.#listenedMs = nowMs;
  }

  /**
   * A target that registers again takes the place of its former self, whose channel is closed.
   * @throws ERR_ALREADY_RUNNING while another process may serve under that identity, be it in reach or not: what one
   *   of them acknowledged, the other does not have
   */
  register(channel: Channel, params: Params<"meta.register">, nowMs: number): void {
    const { endpoint, name, pid, incarnation, medium, former, report } = params;
    const known = this.#targets.get(endpoint.target);
    // The name has a random part, so it tells processes apart.
    const isSame = known?.endpoint.unix.control.name === endpoint.unix.control.name;
    const hasEnded = known?.incarnation === former;
    if (known !== undefined && !isSame && !hasEnded && nowMs - known.heardMs < LEASE_WAIT_MS) {
      throw new DidafsError(
        "ERR_ALREADY_RUNNING",
        `target ${endpoint.target} is served already, by process ${known.pid}; is one folder a copy of the other?`,
        { target: endpoint.target },
      );
    }
    const heardMs = nowMs;
    this.#targets.set(endpoint.target, {
      endpoint,
      name,
      pid,
      incarnation,
      medium,
      channel,
      heardMs,
      report,
    });
    if (known?.channel !== channel) {
      known?.channel?.close(new DidafsError("ERR_CLOSED", "the target has registered on another connection"));
    }
  }

  /** @throws ERR_INVALID_ARGUMENT when no target has registered on this channel */
  heartbeat(channel: Channel, report: Report, nowMs: number): void {
    const target = this.#on(channel);
    if (target === undefined) throw new DidafsError("ERR_INVALID_ARGUMENT", "meta.heartbeat: register first");
    target.report = report;
    target.heardMs = nowMs;
  }

  /** The channel of a target has ended: it is down from now on. @returns its name, if the channel was a target's */
  lost(channel: Channel): string | undefined {
    const target = this.#on(channel);
    if (target !== undefined) target.channel = undefined;
    return target?.name;
  }

  /** A target lives on this channel. */
  has(channel: Channel): boolean {
    return this.#on(channel) !== undefined;
  }

  #on(channel: Channel): Target | undefined {
    for (const target of this.#targets.values()) if (target.channel === channel) return target;
    return undefined;
  }

  /** Of the life that the target has, or had last. */
  incarnationOf(id: string): string | undefined {
    return this.#targets.get(id)?.incarnation;
  }

  /**
   * True once no life of the target that has registered so far may serve any more, and no origin believes in a session that
   * one of them has renewed at its end: what it has mapped it reaches without the target. After a restart of the service it
   * knows nothing of earlier leases, and waits for the longest.
   */
  accessHasEnded(id: string, nowMs: number): boolean {
    const target = this.#targets.get(id);
    const heardMs = target?.heardMs ?? this.#startedMs;
    const sessionMs = (target?.report.leaseMs ?? LEASE_MS_MAX) * LEASE_GRACE;
    return heardMs !== undefined && nowMs - heardMs >= LEASE_WAIT_MS + sessionMs;
  }

  /** Targets that live. */
  liveIds(): string[] {
    return [...this.#targets].filter(([, target]) => this.#isLive(target)).map(([id]) => id);
  }

  /** The channel to call a target on, if it lives. */
  channelOf(id: string): Channel | undefined {
    const target = this.#targets.get(id);
    return target !== undefined && this.#isLive(target) ? target.channel : undefined;
  }

  /** Living targets that a new file may be placed on; without `drive`, those with files before those with memory. */
  candidates(
    drive: Endpoint["drive"] | undefined,
  ): { id: string; drive: Endpoint["drive"]; weight: number }[] {
    const live = [...this.#targets.values()].filter((target) => this.#isLive(target));
    const durable = live.some(({ endpoint }) => endpoint.drive === "file");
    const kind = drive ?? (durable ? "file" : "memory");
    return live
      .filter(({ endpoint }) => endpoint.drive === kind)
      .map(({ endpoint, report }) => ({ id: endpoint.target, drive: kind, weight: report.totalBytes }));
  }

  /** How to reach a target, if it lives. */
  endpointOf(id: string): Endpoint | undefined {
    const target = this.#targets.get(id);
    return target !== undefined && this.#isLive(target) ? target.endpoint : undefined;
  }

  /** How to reach those targets of a layout that live. */
  endpointsOf(layout: Layout | undefined): Endpoint[] {
    const ids = new Set(layout?.regions.map(({ target }) => target));
    return [...ids].flatMap((id) => this.endpointOf(id) ?? []);
  }

  /** Room on the drives of the targets that live; what several of them lie on counts once. */
  capacity(): { totalBytes: number; freeBytes: number } {
    const media = new Map<string, Report>();
    for (const target of this.#targets.values()) {
      if (!this.#isLive(target)) continue;
      const { medium, report } = target;
      const known = media.get(medium);
      // They asked at different moments: promise no more than any of them has found.
      if (known === undefined || report.freeBytes < known.freeBytes) media.set(medium, report);
    }
    const sum = (of: "totalBytes" | "freeBytes") =>
      [...media.values()].reduce((bytes, report) => bytes + report[of], 0);
    return { totalBytes: sum("totalBytes"), freeBytes: sum("freeBytes") };
  }

  /** In the order of their names; those that have not registered are down. */
  status(): TargetStatus[] {
    const missing = this.#known.filter(({ id }) => !this.#targets.has(id));
    const unknown = {
      pid: 0,
      state: "down",
      address: "",
      totalBytes: 0,
      freeBytes: 0,
      regions: 0,
      sessions: 0,
    } as const;
    return [...this.#registered(), ...missing.map((known) => ({ ...known, ...unknown, counters: {} }))].sort(
      (a, b) => a.name.localeCompare(b.name, "en", { numeric: true }),
    );
  }

  #registered(): TargetStatus[] {
    return [...this.#targets.values()].map((target) => {
      const { endpoint, name, pid, medium, report } = target;
      const { host, port } = endpoint.tcp.control;
      const state = this.#isLive(target) ? "up" : "down";
      const address = `${host}:${port}`;
      return { id: endpoint.target, name, pid, drive: endpoint.drive, medium, state, address, ...report };
    });
  }

  #isLive(target: Target): boolean {
    return target.channel !== undefined && this.#listenedMs - target.heardMs <= LATE_MS;
  }
}
