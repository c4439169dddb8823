import { EPOCH_ACTION, type EpochAction } from "../epoch/epoch-actions.ts";
import { EpochJournal } from "../epoch/epoch-journal.ts";
import { NO_ROOM } from "../epoch/log.ts";
import type { Replayed } from "../epoch/replay.ts";
import type { MemoryPort } from "../ports/memory.ts";
import { DidafsError } from "../std/errors.ts";
import { type Failpoint, reach } from "../std/failpoints.ts";
import type { ClaimContent } from "./epoch-claims.ts";
import { EpochLogObject } from "./epoch-log-object.ts";
import { GroupCommit } from "./group-commit.ts";
import type { EpochLogGrant } from "./messages.ts";
import type { WorkerRegion } from "./worker-region.ts";
import type { WorkerSyncs } from "./worker-syncs.ts";

const EIO = 5;

/** What WorkerJournal needs of its worker. */
export interface JournalWorker {
  readonly memoryPort: MemoryPort;
  readonly syncs: WorkerSyncs;
  /** A region that is mapped, by regionKey. */
  region(key: string): WorkerRegion | undefined;
  /** See StableFlushes.sync. */
  syncRegion(region: WorkerRegion, done: (errno: number) => void): void;
}

/** What WorkerJournal tells its owner. */
export interface JournalEvents {
  /** It is open now, or more of it is durable than before. */
  progressed(): void;
  /** A sync of the log failed: nothing can be promised any more in this life. */
  failed(errno: number): void;
}

/** What a region's flush waits for: what the log says of it. */
interface Settling {
  readonly settled: (errno: number) => void;
  readonly region: WorkerRegion;
  /** See EpochJournal.noteFlushed. */
  readonly upTo: number;
  /** Where the note ends in the log, once there was room for it. */
  end: number;
}

/** Where a process may end once that is appended. */
const STEPS: Readonly<Record<number, Failpoint>> = {
  [EPOCH_ACTION.LOG_PREPARED]: "prepared",
  [EPOCH_ACTION.LOG_COMMITTED]: "decided",
  [EPOCH_ACTION.LOG_FINISHED]: "finished",
  [EPOCH_ACTION.LOG_OVER]: "over",
};

/** The journal of one worker and the log object that it lies in: opened, recovered, synced, trimmed. */
export class WorkerJournal {
  readonly #worker: JournalWorker;
  readonly #events: JournalEvents;
  #object: EpochLogObject | undefined;
  #journal: EpochJournal<unknown, ClaimContent> | undefined;
  readonly #group = new GroupCommit();
  #settling: Settling[] = [];
  /** It says what regions have from now on. */
  #noted = false;
  isOpen = false;
  hasFailed = false;
  /** An old log says what regions are to have; until that is settled nothing may be written to them. */
  recovering = false;

  constructor(worker: JournalWorker, events: JournalEvents) {
    this.#worker = worker;
    this.#events = events;
  }

  /**
   * What an old log says has been put into its regions, durably.
   * @param isOld another life may have written it
   * @returns what the lives before have left; `isOpen` comes later
   * @throws ERR_CORRUPT, ERR_VERSION, ERR_IO
   */
  open(grant: EpochLogGrant, isOld: boolean): Replayed {
    const { memoryPort, syncs } = this.#worker;
    const object = new EpochLogObject(grant, memoryPort, syncs, {
      synced: () => this.#synced(),
      failed: (errno) => this.#fail(errno),
    });
    this.#object = object;
    const journal = new EpochJournal<unknown, ClaimContent>(object.log);
    this.#journal = journal;
    for (const decision of object.replayed.decisions) journal.recoveredDecision(decision);
    this.recovering = isOld;
    object.sync();
    return object.replayed;
  }

  /** An epoch in doubt is an entry of the table again. */
  recovered(key: string, doubt: Replayed["inDoubt"][number]): void {
    this.#journal?.recovered(key, doubt);
  }

  hasRoomFor(content: ClaimContent): boolean {
    return this.#journal?.hasRoomFor(content) === true;
  }

  /** See EpochJournal.carryOut; of a journal that is open. */
  carryOut(action: EpochAction<unknown, ClaimContent>): void {
    this.#journal?.carryOut(action);
    const step = STEPS[action.kind];
    if (step !== undefined) reach(step);
  }

  /** See EpochJournal.logged. What waits for a sync gets one, once enough do. */
  logged(nowMs: number): string[] {
    const journal = this.#journal;
    if (journal === undefined) return [];
    const before = journal.syncWaiters;
    const logged = journal.logged();
    const waiting = journal.syncWaiters;
    if (waiting < before) this.#group.synced(before - waiting, waiting);
    const object = this.#object;
    if (waiting > 0 && object?.isSyncing === false && this.#group.isTime(waiting, nowMs)) object.sync();
    return logged;
  }

  /** When `logged` is to be called though nothing happened. */
  get dueMs(): number {
    return this.#group.dueMs;
  }

  /** @returns what of the epochs' writes a sync of a region that begins now covers */
  syncBegins(): number {
    return this.#journal?.appliedUpTo() ?? 0;
  }

  /** See FlushEvents.synced. */
  synced(region: WorkerRegion, covers: number, settled: (errno: number) => void): void {
    if (this.hasFailed || !this.needs(region)) {
      // What was not synced of the log may come back in the next life, over newer bytes.
      settled(this.needs(region) ? EIO : 0);
      return;
    }
    this.#journal?.flushed(region.inode, region.index, covers);
    this.#settling.push({ settled, region, upTo: covers, end: NO_ROOM });
    this.#settle();
  }

  /** Whether the log has writes to that region that no sync of it has covered. */
  needs({ inode, index }: WorkerRegion): boolean {
    return this.#journal?.needs(inode, index) === true;
  }

  /** The region outlasts nothing, or is gone: the log need not have anything for it. */
  forget(inode: number, index: number): void {
    this.#journal?.flushed(inode, index, Number.MAX_SAFE_INTEGER);
  }

  /** What the log holds. */
  get logBytes(): number {
    const { log } = this.#object ?? {};
    return log === undefined ? 0 : log.end - log.start;
  }

  /** Gives back of the log what can be given back, where half of it is taken. */
  reclaim(): void {
    if (this.#object?.isFilling !== true || this.hasFailed) return;
    const journal = this.#journal as EpochJournal<unknown, ClaimContent>;
    for (const key of [...journal.unsynced()]) {
      const region = this.#worker.region(key);
      if (region !== undefined && !region.syncing) this.#worker.syncRegion(region, () => {});
    }
    journal.trim();
    this.#object.sync();
  }

  close(): void {
    this.#object?.close();
  }

  #synced(): void {
    const object = this.#object as EpochLogObject;
    if (!this.isOpen) {
      if (object.log.isOpen && !this.#noted) this.#noteReplayed(object);
      if (!object.log.isOpen || (this.recovering && object.log.needsSync)) {
        object.sync();
        return;
      }
      this.isOpen = true;
      this.recovering = false;
    }
    this.#settle();
    this.#events.progressed();
  }

  /** A later life must not put it there again, over what is written from now on. */
  #noteReplayed({ log, replayed }: EpochLogObject): void {
    this.#noted = true;
    const journal = this.#journal as EpochJournal<unknown, ClaimContent>;
    const upTo = log.end;
    for (const { inode, index } of replayed.regions) {
      if (journal.noteFlushed(inode, index, upTo)) continue;
      throw new DidafsError(
        "ERR_NO_SPACE",
        "the epoch log has no room to say what was recovered: every byte of it belongs to epochs in doubt; start the targets that decide them",
      );
    }
    journal.trim();
  }

  /** Says of regions that were flushed what there is room for, and tells those for whom that is durable. */
  #settle(): void {
    if (this.#settling.length === 0 || !this.isOpen) return;
    const { log } = this.#object as EpochLogObject;
    for (const one of this.#settling) {
      if (one.end !== NO_ROOM) continue;
      const { inode, index } = one.region;
      if (this.#journal?.noteFlushed(inode, index, one.upTo) === true) one.end = log.end;
      else this.#journal?.trim();
    }
    const settled = this.#settling.filter(({ end }) => end !== NO_ROOM && log.isDurable(end));
    if (settled.length > 0) this.#settling = this.#settling.filter((one) => !settled.includes(one));
    for (const one of settled) one.settled(0);
    this.#object?.sync();
  }

  #fail(errno: number): void {
    this.hasFailed = true;
    for (const { settled } of this.#settling.splice(0)) settled(errno);
    this.#events.failed(errno);
  }
}
