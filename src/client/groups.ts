import { createHash } from "node:crypto";
import { GROUP_LIMITS } from "../epoch/group-limits.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import type { GroupKey, GroupLink } from "../transport/group-link.ts";
import type { Group, GroupOptions, Transport } from "./api.ts";
import { callLimits } from "./call-limits.ts";
import { ClusterGroup } from "./group.ts";
import type { Origin } from "./origin.ts";

const NAME_BYTES_MAX = 255;
/** Of its home, every group is at this worker. */
const HOME_WORKER = 0;
/** How often is looked whether all have left the last life of a name. */
const LOOK_MS_MIN = 2;
const LOOK_MS_MAX = 100;

export interface GroupsParts {
  readonly origin: Origin;
  readonly transport: Transport;
  readonly timeoutMs: number;
}

/** The groups that one client is a member of, or joins. */
export class Groups {
  readonly #parts: GroupsParts;
  /** By name; undefined while it joins. */
  readonly #byName = new Map<string, ClusterGroup | undefined>();

  constructor(parts: GroupsParts) {
    this.#parts = parts;
  }

  /** See Cluster.group. */
  async join(name: string, options: GroupOptions): Promise<Group> {
    const limits = callLimits(options, this.#parts.timeoutMs);
    check(name, options);
    if (this.#byName.has(name)) {
      throw new DidafsError(
        "ERR_GROUP_TAKEN",
        `this client is a member of group ${name} already, or joins it`,
      );
    }
    this.#byName.set(name, undefined);
    try {
      const group = await this.#join(name, options, limits);
      this.#byName.set(name, group);
      return group;
    } catch (error) {
      this.#byName.delete(name);
      throw failure(error, name, options);
    }
  }

  async #join(name: string, { size, rank }: GroupOptions, limits: CallLimits): Promise<ClusterGroup> {
    const { origin, transport, timeoutMs } = this.#parts;
    const deadlineMs = origin.nowMs() + limits.timeoutMs;
    const left = (): CallLimits => ({ ...limits, timeoutMs: Math.max(deadlineMs - origin.nowMs(), 1) });
    const { hex, key } = keyOf(name);
    const { endpoint } = await origin.meta.call("meta.groupHome", { name: hex }, left());
    // No bytes of it are mapped anywhere, so nobody insists on that.
    const path = transport === "tcp" ? "tcp" : "auto";
    const link: GroupLink = await origin.groupLink(endpoint, path, HOME_WORKER, left());
    for (let lookMs = LOOK_MS_MIN; ; lookMs = Math.min(2 * lookMs, LOOK_MS_MAX)) {
      try {
        const place = await link.join(key, size, rank, left());
        return new ClusterGroup({
          ...place,
          name,
          key,
          size,
          link,
          timeoutMs,
          onEnd: () => this.#byName.delete(name),
        });
      } catch (error) {
        // A former life that not all have left yet: they may be about to.
        if (!isDidafsError(error, "ERR_GROUP_ENDED") || origin.nowMs() + lookMs >= deadlineMs) throw error;
      }
      await origin.sleep(lookMs);
    }
  }

  /** Leaves all. Best effort: the end of the sessions does the rest. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#byName.values()].map((group) => group?.leave()));
  }
}

function check(name: string, { size, rank }: GroupOptions): void {
  const isName = typeof name === "string" && name.isWellFormed();
  const bytes = isName ? Buffer.byteLength(name) : 0;
  if (bytes === 0 || bytes > NAME_BYTES_MAX) {
    throw invalid(
      `a group's name has 1 to ${NAME_BYTES_MAX} bytes of UTF-8, and is not ${JSON.stringify(name)}`,
    );
  }
  if (!(Number.isInteger(size) && size >= 2 && size <= GROUP_LIMITS.sizeMax)) {
    throw invalid(`a group has 2 to ${GROUP_LIMITS.sizeMax} members, not ${size}`);
  }
  if (rank !== undefined && !(Number.isInteger(rank) && rank >= 0 && rank < size)) {
    throw invalid(`the ranks of a group of ${size} are 0 to ${size - 1}, not ${rank}`);
  }
}

function invalid(message: string): DidafsError {
  return new DidafsError("ERR_INVALID_ARGUMENT", message);
}

function keyOf(name: string): { hex: string; key: GroupKey } {
  const hash = createHash("sha256").update(name).digest().subarray(0, 16);
  const key = [hash.readInt32LE(0), hash.readInt32LE(4), hash.readInt32LE(8), hash.readInt32LE(12)] as const;
  return { hex: hash.toString("hex"), key };
}

/** The same error, saying what it means here. */
function failure(error: unknown, name: string, { size, rank }: GroupOptions): unknown {
  if (!isDidafsError(error)) return error;
  const { code, target, applied, value } = error;
  const what = {
    ERR_TIMEOUT: `not all ${size} members of group ${name} came in time`,
    ERR_GROUP_ENDED: `the last group ${name} was ended by its member of rank ${value}, and not all have left it`,
    ERR_GROUP_TAKEN: `group ${name} has all its members${rank === undefined ? "" : `, or another one of rank ${rank}`}`,
    ERR_INVALID_ARGUMENT: `group ${name} has another size than ${size}`,
    ERR_TOO_MANY: `group ${name}: its home, target ${target}, or this client have as many groups as they may have`,
  }[code as string];
  return new DidafsError(code, what ?? `group ${name}: ${error.message}`, {
    target,
    applied,
    value,
    cause: error,
  });
}
