import { LATENCY_WORDS } from "./latency.ts";

/**
 * What one data-plane worker counts, in its block of the counters (counters-header.ts). It alone writes, by plain
 * additions; readers see each count whole, some of an instant before the others.
 *
 *     f64 words
 *        0  aliveMs: its clock at its last round, which comes once a second at least | 7 zero
 *        8  the counts of COUNTER                               | zero up to the commands
 *       64  commands by opcode, 64
 *      128  refusals by the answer's status, 128
 *      256  durations of commands (latency.ts): from the step that received one whole until its answer was handed over
 *      712  durations of stable flushes: from the command until the sync that serves it was done
 *     1168  heat of regions, 256 slots                          | zero up to the page's end
 *
 * A slot of heat, one line. The first slot is that of all regions that have none of their own:
 *
 *        0  inode; 0: the slot is free, or changing hands
 *        1  u32 index | u32 stamp: grows with each region that gets the slot
 *        2  gets | 3  their bytes | 4  puts and accumulates | 5  their bytes
 *        6  fetch-and-ops and compare-and-swaps | 7  flushes
 *
 * A slot changes hands in this order: inode 0, counts 0, index and stamp, inode. Whoever copies it twice, and finds the
 * same inode and stamp both times, has counts of that region.
 */
export const WORKER_BLOCK_BYTES = 28_672;
const WORKER_BLOCK_WORDS = WORKER_BLOCK_BYTES / 8;

const ALIVE = 0;
const COUNTS = 8;
const COMMANDS = 64;
const OPCODES = 64;
const REFUSALS = 128;
export const STATUSES = 128;
export const COMMAND_LATENCY = 256;
export const FLUSH_LATENCY: number = COMMAND_LATENCY + LATENCY_WORDS;
const HEAT: number = FLUSH_LATENCY + LATENCY_WORDS;
export const HEAT_SLOTS = 256;
const SLOT_WORDS = 8;

/** Only added to at the end. */
const NAMES = [
  "operations",
  "tcpBytesIn",
  "tcpBytesOut",
  "unixBytesIn",
  "unixBytesOut",
  "refused",
  "protocolErrors",
  "syncs",
  /** Those that are open. */
  "connections",
  "syncFailures",
  /** Those that are held, and requests that wait. */
  "locksHeld",
  "locksWaiting",
  "locksGranted",
  /** Waits that were ended because they were part of a circle. */
  "deadlocks",
  /** Epochs that have taken effect at this worker, or were confirmed by it where they wrote nothing. */
  "epochsCommitted",
  /** What was refused because somebody held a line, or had written what was read. */
  "epochConflicts",
  /** What this worker had let begin, and dropped. */
  "epochsAborted",
  /** Those of this moment: not ended here, in doubt among them, or decided here and not finished everywhere. */
  "epochsUnderWay",
  /** What the log of epochs holds at this moment. */
  "epochLogBytes",
  /** Notifications that have had room in every queue that they match. */
  "notified",
  /** Queues that are open, and places in which notifications wait for room. */
  "queues",
  "notificationsWaiting",
  /** Those of this moment, and their members that wait for others. */
  "groups",
  "groupsWaiting",
] as const;

export type CounterName = (typeof NAMES)[number];

/** Where each count lies. */
export const COUNTER = Object.fromEntries(NAMES.map((name, at) => [name, COUNTS + at])) as Readonly<
  Record<CounterName, number>
>;
export const COUNTER_NAMES: readonly CounterName[] = NAMES;

/** The columns of a slot of heat. */
export const HEAT_COLUMN = { gets: 2, gotBytes: 3, puts: 4, putBytes: 5, atomics: 6, flushes: 7 } as const;
export type HeatColumn = keyof typeof HEAT_COLUMN;

/** Private counters, for who has none to share. */
export function createWorkerCounters(): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer(WORKER_BLOCK_BYTES));
}

export function workerAlive(words: Float64Array, nowMs: number): void {
  words[ALIVE] = nowMs;
}

export function workerAliveMs(words: Float64Array): number {
  return words[ALIVE] as number;
}

/** @param opcode below 64 */
export function countOpcode(words: Float64Array, opcode: number): void {
  const at = COMMANDS + (opcode & (OPCODES - 1));
  words[at] = (words[at] as number) + 1;
}

export function countRefusal(words: Float64Array, status: number): void {
  const at = REFUSALS + (status & (STATUSES - 1));
  words[at] = (words[at] as number) + 1;
}

/** Commands by opcode. */
export function readOpcodes(words: Float64Array): Float64Array {
  return words.slice(COMMANDS, COMMANDS + OPCODES);
}

/** Refusals by status. */
export function readRefusals(words: Float64Array): Float64Array {
  return words.slice(REFUSALS, REFUSALS + STATUSES);
}

/** Where a slot of heat begins; slot 0 is that of all regions without one. */
export function heatAt(slot: number): number {
  return HEAT + slot * SLOT_WORDS;
}

/** Where regions without a slot of their own are counted. */
export const SHARED_HEAT: number = heatAt(0);

/** Gives a slot to a region, with counts of 0. @param halves the same memory as 32-bit words */
export function claimHeat(
  words: Float64Array,
  halves: Uint32Array,
  slot: number,
  inode: number,
  index: number,
): void {
  const at = heatAt(slot);
  words[at] = 0;
  for (const column of Object.values(HEAT_COLUMN)) words[at + column] = 0;
  halves[2 * (at + 1)] = index;
  halves[2 * (at + 1) + 1] = (halves[2 * (at + 1) + 1] as number) + 1;
  words[at] = inode;
}

export interface Heat extends Readonly<Record<HeatColumn, number>> {
  readonly inode: number;
  readonly index: number;
  readonly stamp: number;
}

/** One slot as it is now. @param halves the same memory as 32-bit words */
export function readHeat(words: Float64Array, halves: Uint32Array, slot: number): Heat {
  const at = heatAt(slot);
  return {
    inode: words[at] as number,
    index: halves[2 * (at + 1)] as number,
    stamp: halves[2 * (at + 1) + 1] as number,
    gets: words[at + HEAT_COLUMN.gets] as number,
    gotBytes: words[at + HEAT_COLUMN.gotBytes] as number,
    puts: words[at + HEAT_COLUMN.puts] as number,
    putBytes: words[at + HEAT_COLUMN.putBytes] as number,
    atomics: words[at + HEAT_COLUMN.atomics] as number,
    flushes: words[at + HEAT_COLUMN.flushes] as number,
  };
}

/** @returns whether all that lies there besides index and stamp are counts */
export function holdsCounts(words: Float64Array): boolean {
  for (let at = 0; at < WORKER_BLOCK_WORDS; at += 1) {
    const isPacked = at >= HEAT && (at - HEAT) % SLOT_WORDS === 1 && at < heatAt(HEAT_SLOTS);
    if (!isPacked && !isCount(words[at] as number)) return false;
  }
  return true;
}

/** A number that we have counted, or a time. */
export function isCount(value: number): boolean {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}
