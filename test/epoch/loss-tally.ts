import { EPOCH_LOG_HEADER_BYTES } from "../../src/structs/epoch-log-header.ts";

/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512;

/** A record that no sync had covered when the power went. */
export interface UnsyncedRecord {
  readonly position: number;
  readonly end: number;
}

/** A log's object at one loss of power. */
export interface Loss {
  /** In the order of appending. */
  readonly records: readonly UnsyncedRecord[];
  /** As the last sync left it, as the machine saw it at the end, and what is there behind the loss. */
  readonly synced: Uint8Array;
  readonly live: Uint8Array;
  readonly left: Uint8Array;
}

/** Counts what losses of power did to records between their write and their sync. */
export class LossTally {
  losses = 0;
  /** Of these: some record was written that no sync had covered. */
  unsynced = 0;
  /** Of these: of some record there is nothing; some is there in part; a later one is there whole where an earlier one is not. */
  lost = 0;
  torn = 0;
  reordered = 0;

  count({ records, ...images }: Loss): void {
    this.losses += 1;
    if (records.length === 0) return;
    this.unsynced += 1;
    const states = records.map((record) => stateOf(record, images));
    if (states.includes("lost")) this.lost += 1;
    if (states.includes("torn")) this.torn += 1;
    const firstMissing = states.findIndex((state) => state !== "whole");
    if (firstMissing >= 0 && states.lastIndexOf("whole") > firstMissing) this.reordered += 1;
  }

  describe(): string {
    const { losses, unsynced, lost, torn, reordered } = this;
    return `${losses} losses of power, ${unsynced} between a write and its sync: ${lost} lost records, ${torn} tore some, ${reordered} left a later one without an earlier one`;
  }
}

/** Sector by sector: of what the record changed there all is left, or nothing. */
function stateOf({ position, end }: UnsyncedRecord, { synced, live, left }: Omit<Loss, "records">): string {
  const ringBytes = live.length - EPOCH_LOG_HEADER_BYTES;
  let there = 0;
  let gone = 0;
  for (let from = position; from < end; ) {
    const at = EPOCH_LOG_HEADER_BYTES + (from % ringBytes);
    const bytes = Math.min(end - from, SECTOR_BYTES - (at % SECTOR_BYTES), live.length - at);
    const part = (of: Uint8Array): Uint8Array => of.subarray(at, at + bytes);
    if (Buffer.compare(part(synced), part(live)) !== 0) {
      if (Buffer.compare(part(left), part(live)) === 0) there += 1;
      else gone += 1;
    }
    from += bytes;
  }
  if (gone === 0) return "whole";
  return there === 0 ? "lost" : "torn";
}
