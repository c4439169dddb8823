import { DidafsError, isDidafsError } from "../std/errors.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import type { GroupKey, GroupLink, GroupPlace } from "../transport/group-link.ts";
import type { CallOptions, Group } from "./api.ts";
import { callLimits } from "./call-limits.ts";

export interface ClusterGroupParts extends GroupPlace {
  readonly name: string;
  readonly key: GroupKey;
  readonly size: number;
  readonly link: GroupLink;
  readonly timeoutMs: number;
  /** Called once, when this client may join the name anew. */
  readonly onEnd: () => void;
}

/** See Group in api.ts. */
export class ClusterGroup implements Group {
  readonly name: string;
  readonly rank: number;
  readonly size: number;
  readonly #parts: ClusterGroupParts;
  /** Barriers passed. */
  #round = 0;
  #isAtBarrier = false;
  /** Once it has ended: what calls throw. */
  #ended: DidafsError | undefined;
  #leaving: Promise<void> | undefined;

  constructor(parts: ClusterGroupParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.rank = parts.rank;
    this.size = parts.size;
  }

  async barrier(options?: CallOptions): Promise<void> {
    await this.#pass(callLimits(options, this.#parts.timeoutMs));
  }

  /** A barrier behind `flush`, both within the same time. */
  async fence(flush: (limits: CallLimits) => Promise<void>, limits: CallLimits): Promise<void> {
    this.#checkOpen();
    const { clock } = this.#parts.link.link;
    const deadlineMs = clock.nowMs() + limits.timeoutMs;
    await flush(limits);
    await this.#pass({ ...limits, timeoutMs: Math.max(deadlineMs - clock.nowMs(), 1) });
  }

  async #pass(limits: CallLimits): Promise<void> {
    this.#checkOpen();
    if (this.#isAtBarrier) {
      const message = `this member is at a barrier of group ${this.name} already; it comes to one after the other`;
      throw new DidafsError("ERR_INVALID_ARGUMENT", message);
    }
    const { link, key, number } = this.#parts;
    this.#isAtBarrier = true;
    try {
      await link.barrier(key, number, this.#round, limits);
      this.#round += 1;
    } catch (error) {
      throw isDidafsError(error) ? this.#failure(error) : error;
    } finally {
      this.#isAtBarrier = false;
    }
  }

  #checkOpen(): void {
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#leaving !== undefined) throw this.#left();
  }

  #left(cause?: unknown): DidafsError {
    return new DidafsError("ERR_CLOSED", `group ${this.name} was left`, { cause });
  }

  /** The same error, saying what it means here: most are the end of it. */
  #failure(error: DidafsError): DidafsError {
    if (this.#leaving !== undefined && this.#ended === undefined) return this.#left(error);
    const { code, target, applied, value } = error;
    const details = { target, applied, value, cause: error };
    switch (code) {
      case "ERR_GROUP_ENDED": {
        const message = `group ${this.name} has ended: its member of rank ${value} left, ended or did not come in time; join anew to go on`;
        // So that the name is free once all have heard of it.
        this.#parts.link.leaveLater(this.#parts.key);
        return this.#end(new DidafsError(code, message, details));
      }
      case "ERR_SESSION_LOST": {
        const message = `group ${this.name} is lost: the session with its home, target ${target}, has ended; join anew to go on`;
        return this.#end(new DidafsError(code, message, details));
      }
      case "ERR_ABORTED":
      case "ERR_TIMEOUT":
        if (applied === "unknown") this.#end(this.#left(error));
        return error;
      default:
        return new DidafsError(code, `group ${this.name}: ${error.message}`, details);
    }
  }

  #end(error: DidafsError): DidafsError {
    this.#ended = error;
    this.#leaving ??= Promise.resolve();
    this.#parts.onEnd();
    return error;
  }

  leave(): Promise<void> {
    if (this.#leaving === undefined) {
      const { link, key, timeoutMs, onEnd } = this.#parts;
      this.#leaving = link.leave(key, { timeoutMs, signal: undefined });
      onEnd();
    }
    return this.#leaving;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }
}

/** What window.fence() needs of it. @throws ERR_INVALID_ARGUMENT for what is no group of Cluster.group */
export function ownGroup(group: Group): ClusterGroup {
  if (group instanceof ClusterGroup) return group;
  throw new DidafsError("ERR_INVALID_ARGUMENT", "fence() takes a group that cluster.group() gave");
}
