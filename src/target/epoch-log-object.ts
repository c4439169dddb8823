import { EpochLog } from "../epoch/log.ts";
import { type Replayed, replay } from "../epoch/replay.ts";
import type { Memory, MemoryPort } from "../ports/memory.ts";
import type { EpochLogGrant } from "./messages.ts";
import type { WorkerSyncs } from "./worker-syncs.ts";

/** What EpochLogObject tells its owner. */
export interface EpochLogEvents {
  /** More of the log is durable than before, or it is open now. */
  synced(): void;
  /** A sync failed: what the log says and what is on the drive may differ, so nothing can be promised any more. */
  failed(errno: number): void;
}

/** The log of one worker as an object on a drive: mapped, and synced, one sync at a time, as long as somebody wants it. */
export class EpochLogObject {
  readonly log: EpochLog;
  /** What the lives before have left. */
  readonly replayed: Replayed;
  readonly #grant: EpochLogGrant;
  readonly #memoryPort: MemoryPort;
  readonly #memory: Memory;
  readonly #syncs: WorkerSyncs;
  readonly #events: EpochLogEvents;
  #syncing = false;
  #failed = false;

  /** @throws ERR_CORRUPT, ERR_VERSION, ERR_IO */
  constructor(grant: EpochLogGrant, memoryPort: MemoryPort, syncs: WorkerSyncs, events: EpochLogEvents) {
    this.#grant = grant;
    this.#memoryPort = memoryPort;
    this.#syncs = syncs;
    this.#events = events;
    this.#memory = memoryPort.map(grant.descriptor, 0, grant.byteLength, true);
    try {
      this.log = new EpochLog(this.#memory.u8, grant.name, grant.secret);
      this.replayed = replay(this.log.recover());
    } catch (error) {
      memoryPort.free(this.#memory);
      throw error;
    }
  }

  /** Half of the ring is taken: time to give some of it back. */
  get isFilling(): boolean {
    return this.log.isOpen && this.log.roomBytes < this.#grant.byteLength / 2;
  }

  get isSyncing(): boolean {
    return this.#syncing;
  }

  /** Syncs what no sync has covered, unless one runs; then whoever wants more asks again when it is done. */
  sync(): void {
    if (this.#syncing || this.#failed || !this.log.needsSync) return;
    this.#syncing = true;
    const begins = (): void => void this.log.syncing();
    const done = (errno: number): void => {
      this.#syncing = false;
      if (errno === 0) {
        this.log.synced();
        this.#events.synced();
      } else {
        this.#failed = true;
        this.#events.failed(errno);
      }
    };
    if (this.#grant.durable) {
      this.#syncs.request(this.#grant.descriptor, begins, done);
    } else {
      // Nobody counts on more than that it outlasts the process.
      begins();
      done(0);
    }
  }

  /** The descriptor stays with whoever granted it. */
  close(): void {
    this.#memoryPort.free(this.#memory);
  }
}
