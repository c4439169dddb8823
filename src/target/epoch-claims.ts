import type { EpochWrite, RegionLine } from "../epoch/commit-records.ts";
import type { EpochClaim } from "../epoch/epoch-entry.ts";
import { READ, WRITE } from "../iommu/domain.ts";
import {
  EPOCH_BYTES_MAX,
  type EpochMessage,
  type EpochReadEntry,
  type EpochWriteEntry,
  LINE_BYTES,
} from "../wire/epoch-message.ts";
import { type EpochName, nameKey } from "../wire/epoch-name.ts";
import { lineEnd, type RegionLines } from "./region-lines.ts";
import { INPUT_OUTPUT, NOT_DURABLE, OK, TOO_MANY } from "./statuses.ts";
import type { WorkerRegion } from "./worker-region.ts";
import type { WorkerSession } from "./worker-session.ts";

/** What an entry takes in memory besides its bytes: a message may be full of writes of nothing. */
const ENTRY_BYTES = 160;
/** The same for an epoch that messages of nothing have come of. */
const PART_BYTES = 512;
/** What the epochs of a session that are not prepared yet may have together, and those of all sessions. */
const SESSION_BYTES_MAX = 32 << 20;
const ALL_BYTES_MAX = 512 << 20;

/** What an epoch does at this worker. */
export interface ClaimContent {
  readonly shared: readonly RegionLine[];
  readonly writes: readonly EpochWrite[];
  readonly stable: boolean;
}

/** A claim that was understood; `status` says why not. */
export type Claimed =
  | { readonly status: 0; readonly claim: EpochClaim; readonly content: ClaimContent }
  | { readonly status: number; readonly claim?: undefined };

interface Part {
  readonly reads: EpochReadEntry[];
  readonly writes: EpochWriteEntry[];
  bytes: number;
}

/** What has come of the epochs of one session. */
interface SessionParts {
  /** By epoch. */
  readonly parts: Map<string, Part>;
  bytes: number;
}

/** What origins have sent of epochs so far, in bounded memory, until they ask for something to be done with it. */
export class EpochClaims {
  readonly #sessions = new Map<number, SessionParts>();
  #bytes = 0;
  readonly #linesOf: (region: WorkerRegion) => RegionLines;

  constructor(linesOf: (region: WorkerRegion) => RegionLines) {
    this.#linesOf = linesOf;
  }

  /** Keeps a MORE. @returns OK or TOO_MANY; then what came before is dropped, too */
  add(session: number, { name, reads, writes }: EpochMessage, payloadBytes: number): number {
    const held = this.#sessions.get(session) ?? { parts: new Map<string, Part>(), bytes: 0 };
    const key = nameKey(name);
    const part = held.parts.get(key) ?? { reads: [], writes: [], bytes: 0 };
    const bytes = payloadBytes + PART_BYTES + (reads.length + writes.length) * ENTRY_BYTES;
    if (
      part.bytes + bytes > EPOCH_BYTES_MAX ||
      held.bytes + bytes > SESSION_BYTES_MAX ||
      this.#bytes + bytes > ALL_BYTES_MAX
    ) {
      this.drop(session, name);
      return TOO_MANY;
    }
    for (const read of reads) part.reads.push(read);
    for (const write of writes) part.writes.push(write);
    part.bytes += bytes;
    held.bytes += bytes;
    this.#bytes += bytes;
    held.parts.set(key, part);
    this.#sessions.set(session, held);
    return OK;
  }

  drop(session: number, name: EpochName): void {
    this.#take(session, name);
  }

  /** @returns what had come of it, which is forgotten */
  #take(session: number, name: EpochName): Part | undefined {
    const held = this.#sessions.get(session);
    const part = held?.parts.get(nameKey(name));
    if (held === undefined || part === undefined) return undefined;
    held.bytes -= part.bytes;
    this.#bytes -= part.bytes;
    held.parts.delete(nameKey(name));
    if (held.parts.size === 0) this.#sessions.delete(session);
    return part;
  }

  sessionEnded(session: number): void {
    this.#bytes -= this.#sessions.get(session)?.bytes ?? 0;
    this.#sessions.delete(session);
  }

  /** All that came of the epoch, each access checked as any access of the session is. */
  take(session: WorkerSession, message: EpochMessage): Claimed {
    const part = this.#take(session.number, message.name);
    const { name, decider, stable } = message;
    const reads = new Map<number, RegionLine>();
    const versions: number[] = [];
    const writes: EpochWrite[] = [];
    const written = new Set<number>();
    for (const { handle, at, version } of [...(part?.reads ?? []), ...message.reads]) {
      const position = session.domain.translate(handle, at, 1, READ);
      if (position < 0) return { status: session.refusalStatus(handle, position) };
      const region = session.domain.region as WorkerRegion;
      if (region.failed) return { status: INPUT_OUTPUT };
      const line = Math.floor(position / LINE_BYTES);
      const number = this.#linesOf(region).numberOf(line);
      if (reads.has(number)) continue;
      reads.set(number, { inode: region.inode, index: region.index, line });
      versions.push(version);
    }
    for (const { handle, at, bytes } of [...(part?.writes ?? []), ...message.writes]) {
      const position = session.domain.translate(handle, at, bytes.length, WRITE);
      if (position < 0) return { status: session.refusalStatus(handle, position) };
      const region = session.domain.region as WorkerRegion;
      if (region.failed) return { status: INPUT_OUTPUT };
      if (stable && !region.durable) return { status: NOT_DURABLE };
      if (bytes.length === 0) continue;
      const lines = this.#linesOf(region);
      const end = lineEnd(position, bytes.length);
      for (let line = Math.floor(position / LINE_BYTES); line < end; line += 1)
        written.add(lines.numberOf(line));
      writes.push({ inode: region.inode, index: region.index, at: position, bytes });
    }
    const claim = {
      name,
      decider,
      session: session.number,
      reads: [...reads.keys()],
      versions,
      writes: [...written],
    };
    const shared = [...reads].filter(([number]) => !written.has(number)).map(([, line]) => line);
    return { status: OK, claim, content: { shared, writes, stable } };
  }
}
