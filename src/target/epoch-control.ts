import type { Clock } from "../ports/clock.ts";
import type { Drive } from "../ports/drive.ts";
import type { MemoryPort } from "../ports/memory.ts";
import type { Random } from "../ports/random.ts";
import { isDidafsError, statusOf } from "../std/errors.ts";
import { errorFields, type Logger } from "../std/logger.ts";
import { EpochEnquiries, type EpochEnquiriesParts } from "./epoch-enquiries.ts";
import { EpochLogs } from "./epoch-logs.ts";
import { EpochRecovery } from "./epoch-recovery.ts";
import type { EpochLogGrant, RegionGrant } from "./messages.ts";
import type { OpenRegions } from "./open-regions.ts";
import type { RegionStore } from "./region-store.ts";
import type { RoomLog } from "./room-log.ts";
import type { SyncClient } from "./sync-client.ts";
import type { WorkerLink } from "./worker-link.ts";

export interface EpochControlParts {
  /** The target's identity, and what people call it. */
  readonly id: string;
  readonly name: string;
  /** Of this life of the target. */
  readonly incarnation: string;
  readonly workers: readonly WorkerLink[];
  /** Where logs lie. */
  readonly logs: Drive;
  readonly logBytes: number | undefined;
  readonly store: RegionStore;
  readonly regions: OpenRegions;
  readonly sync: SyncClient;
  readonly memory: MemoryPort;
  readonly random: Random;
  readonly clock: Clock;
  readonly room: RoomLog;
  readonly call: EpochEnquiriesParts["call"];
  readonly onFault: (error: unknown, what: string) => void;
  readonly log: Logger;
}

/** What the control thread does for the epochs of its workers: recovers, gives logs, and carries questions. Stepped. */
export class EpochControl {
  readonly enquiries: EpochEnquiries;
  readonly #parts: EpochControlParts;
  readonly #logs: EpochLogs;
  /** Workers whose log is being made. */
  readonly #making = new Set<number>();
  #started = false;
  /** All that former lives have left is in place, and the workers know it: nothing is served before. */
  recovered = false;
  /** What kept it from that, for good. */
  failure: Error | undefined;

  constructor(parts: EpochControlParts) {
    this.#parts = parts;
    this.enquiries = new EpochEnquiries(parts);
    this.#logs = new EpochLogs({
      ...parts,
      drive: parts.logs,
      durable: parts.store.durable,
      target: parts.name,
    });
  }

  /** @returns work done */
  doWork(nowMs: number): number {
    const work = this.enquiries.doWork(nowMs);
    if (this.#started) return work;
    this.#started = true;
    this.#recover();
    return work + 1;
  }

  dueMs(): number {
    return this.#started ? this.enquiries.dueMs() : 0;
  }

  #recover(): void {
    try {
      const former = this.#logs.workers();
      if (former.length === 0) {
        this.#begin([]);
        return;
      }
      const { workers, name: target } = this.#parts;
      const own = { logs: this.#logs, workers: workers.length, target };
      const recovery = new EpochRecovery({ ...this.#parts, ...own });
      recovery.run(former).then(
        (regions) => this.#begin(regions),
        (error: Error) => {
          this.failure = error;
        },
      );
    } catch (error) {
      this.failure = error as Error;
    }
  }

  /** @param regions by worker */
  #begin(regions: readonly RegionGrant[][]): void {
    const { id, incarnation, workers } = this.#parts;
    for (const [worker, link] of workers.entries()) {
      link.epochSelf({
        self: { target: id, worker },
        incarnation,
        log: this.#logs.grant(worker),
        regions: regions[worker] ?? [],
      });
    }
    this.recovered = true;
  }

  /** The worker wants a log. */
  giveLog(worker: number): void {
    if (this.#making.has(worker)) return;
    this.#making.add(worker);
    const give = (log: EpochLogGrant | undefined, status: number): void => {
      this.#making.delete(worker);
      this.#parts.workers[worker]?.epochLog(log, status);
    };
    const made = this.#parts.regions.withRoom(() => this.#logs.make(worker));
    this.#parts.room.noting(made, { epochsOfWorker: worker }).then(
      (log) => give(log, 0),
      (error: unknown) => {
        const { onFault, log } = this.#parts;
        if (!isDidafsError(error)) onFault(error, "epoch-log-wanted");
        else if (error.code !== "ERR_NO_SPACE") {
          log.warn("no log for epochs could be made", { worker, ...errorFields(error) });
        }
        give(undefined, statusOf(isDidafsError(error) ? error.code : "ERR_INTERNAL"));
      },
    );
  }

  /** After the workers have stopped. */
  close(): void {
    this.#logs.closeAll();
  }
}
