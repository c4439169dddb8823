import type { Processes, ProcessWatch } from "../ports/process.ts";
import type { Logger } from "../std/logger.ts";
import { isSameToken } from "./same-token.ts";
import type { WorkerLink } from "./worker-link.ts";

/** Between two looks whether a process that may still store to a region lives. */
const LOOK_MS = 50;

/** See Processes. */
export interface OriginProcess {
  readonly pid: number;
  readonly start: string;
}

/** A session that has ended and holds locks still. */
export interface Orphan {
  readonly session: number;
  readonly token: Uint8Array;
  /** Until then its origin may believe in it. */
  readonly leaseEndMs: number;
  /** Its origin, where that is a process of this machine that is known. */
  readonly process: OriginProcess | undefined;
  /** Regions that the origin has mapped for storing, as far as we know. */
  readonly mapped: readonly string[];
}

interface Waiting extends Omit<Orphan, "mapped" | "process"> {
  mapped: readonly string[];
  readonly process: Watched | undefined;
  /** Only what lies on `mapped` is held still. */
  isReduced: boolean;
}

/** One descriptor a process, however many sessions it has left behind. */
interface Watched {
  readonly name: string;
  readonly watch: ProcessWatch;
  sessions: number;
}

/**
 * What ended sessions hold, until it may pass on: when the lease has ended, for until then the origin may believe that it
 * holds it, or when the origin's process has. On regions that the origin can store to without asking, the end of the lease
 * does not help: there it must have given its mapping back, or have ended.
 */
export class LockOrphans {
  readonly #workers: readonly WorkerLink[];
  readonly #log: Logger;
  readonly #processes: Processes | undefined;
  readonly #waiting = new Set<Waiting>();
  readonly #watched = new Map<string, Watched>();
  #nowMs = 0;

  constructor(workers: readonly WorkerLink[], processes: Processes | undefined, log: Logger) {
    this.#workers = workers;
    this.#processes = processes;
    this.#log = log;
  }

  get count(): number {
    return this.#waiting.size;
  }

  add(orphan: Orphan): void {
    this.#waiting.add({ ...orphan, process: this.#watch(orphan.process), isReduced: false });
    this.#log.debug("an ended session holds locks still", { session: orphan.session });
  }

  #watch(origin: OriginProcess | undefined): Watched | undefined {
    if (origin === undefined || this.#processes === undefined) return undefined;
    const { pid, start } = origin;
    const name = `${pid} ${start}`;
    const watched = this.#watched.get(name) ?? {
      name,
      watch: this.#processes.watch(pid, start),
      sessions: 0,
    };
    watched.sessions += 1;
    this.#watched.set(name, watched);
    return watched;
  }

  #leave(watched: Watched | undefined): void {
    if (watched === undefined) return;
    watched.sessions -= 1;
    if (watched.sessions > 0) return;
    watched.watch.close();
    this.#watched.delete(watched.name);
  }

  /** The origin has let go of its mappings, if that is its token. */
  detached(session: number, token: Uint8Array): void {
    for (const orphan of this.#waiting) {
      if (orphan.session === session && isSameToken(token, orphan.token)) orphan.mapped = [];
    }
  }

  /** @returns sessions that hold less than before */
  doWork(nowMs: number): number {
    this.#nowMs = nowMs;
    let work = 0;
    for (const orphan of this.#waiting) if (this.#pass(orphan, nowMs)) work += 1;
    return work;
  }

  #pass(orphan: Waiting, nowMs: number): boolean {
    const hasEnded = orphan.process?.watch.ended === true;
    if (!hasEnded && nowMs < orphan.leaseEndMs) return false;
    const kept = hasEnded ? [] : orphan.mapped;
    if (kept.length > 0 && orphan.isReduced) return false;
    for (const worker of this.#workers) worker.forgetLocks(orphan.session, kept);
    if (kept.length > 0) {
      orphan.isReduced = true;
      this.#log.warn("an origin whose lease has ended may still store to regions that it has locked", {
        session: orphan.session,
        regions: kept.join(" "),
      });
    } else {
      this.#waiting.delete(orphan);
      this.#leave(orphan.process);
    }
    return true;
  }

  /** When it is to be stepped though nothing came. */
  dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const { process, leaseEndMs, isReduced } of this.#waiting) {
      if (process !== undefined) return this.#nowMs + LOOK_MS;
      if (!isReduced) dueMs = Math.min(dueMs, leaseEndMs);
    }
    return dueMs;
  }

  close(): void {
    for (const { watch } of this.#watched.values()) watch.close();
    this.#watched.clear();
    this.#waiting.clear();
  }
}
