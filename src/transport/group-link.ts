import { codeOf, DidafsError, ERROR_TABLE, isDidafsError } from "../std/errors.ts";
import { OPCODE } from "../wire/header.ts";
import type { CallLimits } from "./call-limits.ts";
import type { RemoteLink } from "./remote-link.ts";
import { Transfer } from "./transfer.ts";

/** The target ends a wait in time; this much later an origin stops believing that it answers. */
const GRACE_MS = 1000;
/** How long a leave may take that nobody waits for. */
const LEAVE_MS = 10_000;
const TWO_16 = 2 ** 16;
const TWO_32 = 2 ** 32;

/** What a group is called on the wire: the first 128 bits of the SHA-256 of its name. */
export type GroupKey = readonly [number, number, number, number];

/** A member's place in one life of a group. */
export interface GroupPlace {
  readonly number: number;
  readonly rank: number;
}

/** What members of groups say to the worker that the groups are at home at. */
export class GroupLink {
  readonly link: RemoteLink;

  constructor(link: RemoteLink) {
    this.link = link;
  }

  /**
   * Resolves when all have come. Who gives up before takes it back.
   * @param rank undefined: any
   * @throws ERR_TIMEOUT, ERR_GROUP_ENDED, ERR_GROUP_TAKEN, ERR_INVALID_ARGUMENT, ERR_TOO_MANY, ERR_ABORTED, ERR_SESSION_LOST
   */
  async join(key: GroupKey, size: number, rank: number | undefined, limits: CallLimits): Promise<GroupPlace> {
    const offset = size + ((rank ?? -1) + 1) * TWO_32;
    const transfer = named(OPCODE.GROUP_JOIN, key, offset, Math.ceil(limits.timeoutMs));
    await this.#wait(transfer, key, limits);
    const { valueLow, valueHigh } = transfer;
    const number = (valueLow >>> 0) + (valueHigh >>> 16) * TWO_32;
    const own = (valueHigh >>> 0) % TWO_16;
    if (own < size && (rank ?? own) === own) return { number, rank: own };
    this.leaveLater(key);
    const { target } = this.link.session;
    const asked = rank === undefined ? `a rank below ${size}` : `rank ${rank}`;
    throw new DidafsError("ERR_PROTOCOL", `target ${target} gives rank ${own} to who asked for ${asked}`, {
      target,
    });
  }

  /**
   * Resolves when all members have come. Who gives up before leaves the group, and so ends it: `applied` is "unknown" then.
   * @param round barriers that the member has passed
   * @throws ERR_GROUP_ENDED, ERR_ABORTED, ERR_TIMEOUT, ERR_SESSION_LOST
   */
  async barrier(key: GroupKey, number: number, round: number, limits: CallLimits): Promise<void> {
    const transfer = new Transfer().reset(OPCODE.GROUP_BARRIER, 0, round, 0);
    transfer.operandLow = number | 0;
    transfer.operandHigh = (number / TWO_32) | 0;
    transfer.compareLow = Math.ceil(limits.timeoutMs);
    await this.#wait(transfer, key, limits);
  }

  /** Also where there is nothing to leave, or no session any more. @throws ERR_TIMEOUT */
  async leave(key: GroupKey, limits: CallLimits): Promise<void> {
    const { session, connection, pump } = this.link;
    if (session.isLost) return;
    const transfer = named(OPCODE.GROUP_LEAVE, key, 0, 0);
    await pump.run(connection, transfer, limits, (settled) =>
      settled.lost ? undefined : this.#failureOf(settled),
    );
  }

  /** Nobody waits for it; behind it the name can be joined anew. */
  leaveLater(key: GroupKey): void {
    this.leave(key, { timeoutMs: LEAVE_MS, signal: undefined }).catch(() => {
      // The end of the session ends it too.
    });
  }

  async #wait(transfer: Transfer, key: GroupKey, { timeoutMs, signal }: CallLimits): Promise<void> {
    const { session, connection, pump } = this.link;
    if (session.isLost) throw session.error("no");
    const limits = { timeoutMs: timeoutMs + GRACE_MS, signal };
    try {
      await pump.run(connection, transfer, limits, (settled) => this.#failureOf(settled));
    } catch (error) {
      // It may be decided at this moment: whatever became of it ends.
      if (isDidafsError(error, "ERR_TIMEOUT", "ERR_ABORTED") && transfer.abandoned) this.leaveLater(key);
      throw error;
    }
  }

  #failureOf({ status, lost, valueLow }: Transfer): DidafsError | undefined {
    const { session } = this.link;
    if (status === 0) return lost ? session.error("unknown") : undefined;
    const code = codeOf(status);
    const [, , , meaning] = ERROR_TABLE[code];
    const { target } = session;
    const value = code === "ERR_GROUP_ENDED" ? BigInt(valueLow >>> 0) : undefined;
    return new DidafsError(code, `target ${target} says of the group: ${meaning}`, { target, value });
  }
}

function named(opcode: number, key: GroupKey, offset: number, length: number): Transfer {
  const transfer = new Transfer().reset(opcode, 0, offset, length);
  [transfer.operandLow, transfer.operandHigh, transfer.compareLow, transfer.compareHigh] = key;
  return transfer;
}
