import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { DidafsError } from "../std/errors.ts";
import {
  CONTROL_BLOCK_BYTES,
  type ControlCounts,
  controlAliveMs,
  readControlCounts,
} from "../structs/control-counters.ts";
import {
  CONTROL_BLOCK_AT,
  COUNTERS_BYTES_MAX,
  type CountersHeader,
  decodeCountersHeader,
  workerBlockAt,
} from "../structs/counters-header.ts";
import { type Latency, readLatency } from "../structs/latency.ts";
import {
  COMMAND_LATENCY,
  COUNTER,
  COUNTER_NAMES,
  type CounterName,
  FLUSH_LATENCY,
  HEAT_SLOTS,
  type Heat,
  holdsCounts,
  isCount,
  readHeat,
  readOpcodes,
  readRefusals,
  WORKER_BLOCK_BYTES,
  workerAliveMs,
} from "../structs/worker-counters.ts";
import { fromNodeError } from "../system/errno.ts";
import { WAIT_MS } from "./loop.ts";
import { isAlive } from "./run-file.ts";

/** What one data-plane worker has counted. */
export interface WorkerLook {
  readonly aliveMs: number;
  readonly counts: Readonly<Record<CounterName, number>>;
  /** By opcode. */
  readonly opcodes: Float64Array;
  /** By status. */
  readonly refusals: Float64Array;
  readonly commands: Latency;
  readonly flushes: Latency;
  /** Regions that have a slot; with inode 0 those that have none, together. */
  readonly heat: readonly Heat[];
}

/** What a target has counted, at one instant. */
export interface CountersLook {
  readonly header: CountersHeader;
  /** When it was read, on the clock of the target. */
  readonly nowMs: number;
  /** Serving; hung: the process is there, and a thread of it has not moved for `ageMs`; gone: the process has ended. */
  readonly state: "serving" | "hung" | "gone";
  /** Since the last sign of life: of the thread that was silent longest, of one that is gone of any. */
  readonly ageMs: number;
  /** When that was. */
  readonly lastSignMs: number;
  readonly control: ControlCounts;
  readonly workers: readonly WorkerLook[];
}

/** A thread that has not moved for so long hangs: it takes steps also when nobody asks anything of it. */
const SILENCE_MS = 2.5 * WAIT_MS;

/**
 * Reads what a target counts, without asking it.
 * @param nowMs of the clock that the target goes by
 * @throws ERR_NOT_RUNNING where nothing is published, EACCES, ERR_VERSION, ERR_CORRUPT
 */
export function lookAtCounters(file: string, nowMs: number): CountersLook {
  const descriptor = openFile(file);
  try {
    const first = readWhole(descriptor, file);
    const header = decodeCountersHeader(first, file);
    // Twice, so that a slot of heat that changes hands meanwhile is noticed.
    return look(file, header, first, readWhole(descriptor, file), nowMs);
  } catch (error) {
    throw fromNodeError(`read ${file}`, error);
  } finally {
    closeSync(descriptor);
  }
}

function openFile(file: string): number {
  try {
    // Not waiting for the other end of a pipe, should it be one.
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw fromNodeError(`read ${file}`, error);
    const isThere = lstatSync(file, { throwIfNoEntry: false }) !== undefined;
    const message = isThere
      ? `what ${file} leads to is not there: the machine was started anew, or the target runs in another container, where \`didafs top\` can read it`
      : `there is no ${file}: the target does not run, or its log says why nobody can read its counters`;
    throw new DidafsError("ERR_NOT_RUNNING", message);
  }
}

/** Read and not mapped: a mapping of a file that others cut short would end this process. */
function readWhole(descriptor: number, file: string): Uint8Array<ArrayBuffer> {
  const stat = fstatSync(descriptor);
  if (!stat.isFile() || stat.size > COUNTERS_BYTES_MAX) {
    throw new DidafsError("ERR_CORRUPT", `${file} is no file of counters`);
  }
  const bytes = new Uint8Array(new ArrayBuffer(stat.size));
  let at = 0;
  while (at < bytes.length) {
    const count = readSync(descriptor, bytes, at, bytes.length - at, at);
    if (count === 0) throw new DidafsError("ERR_CORRUPT", `${file} became shorter while it was read`);
    at += count;
  }
  return bytes;
}

function look(
  file: string,
  header: CountersHeader,
  first: Uint8Array<ArrayBuffer>,
  second: Uint8Array<ArrayBuffer>,
  nowMs: number,
): CountersLook {
  if (second.length !== first.length) throw corrupt(file);
  const controlWords = new Float64Array(second.buffer, CONTROL_BLOCK_AT, CONTROL_BLOCK_BYTES / 8);
  if (!controlWords.every(isCount)) throw corrupt(file);
  const workers = Array.from({ length: header.workerCount }, (_, index) =>
    workerLook(file, first.buffer, second.buffer, workerBlockAt(index)),
  );
  const alive = [controlAliveMs(controlWords), ...workers.map(({ aliveMs }) => aliveMs)];
  const runs = isAlive({ pid: header.pid, startTicks: String(header.startTicks) });
  // One that has just started has made no step yet.
  const signs = alive.map((ms) => Math.max(ms, header.startedMs));
  const lastSignMs = runs ? Math.min(...signs) : Math.max(...signs);
  const ageMs = Math.max(0, nowMs - lastSignMs);
  const state = runs ? (ageMs > SILENCE_MS ? "hung" : "serving") : "gone";
  return { header, nowMs, state, ageMs, lastSignMs, control: readControlCounts(controlWords), workers };
}

function workerLook(file: string, first: ArrayBuffer, second: ArrayBuffer, at: number): WorkerLook {
  const words = new Float64Array(second, at, WORKER_BLOCK_BYTES / 8);
  if (!holdsCounts(words)) throw corrupt(file);
  const counts = Object.fromEntries(COUNTER_NAMES.map((name) => [name, words[COUNTER[name]] as number]));
  return {
    aliveMs: workerAliveMs(words),
    counts: counts as Record<CounterName, number>,
    opcodes: readOpcodes(words),
    refusals: readRefusals(words),
    commands: readLatency(words, COMMAND_LATENCY),
    flushes: readLatency(words, FLUSH_LATENCY),
    heat: settledHeat(first, second, at),
  };
}

function settledHeat(first: ArrayBuffer, second: ArrayBuffer, at: number): Heat[] {
  const slots = (buffer: ArrayBuffer): Heat[] => {
    const words = new Float64Array(buffer, at, WORKER_BLOCK_BYTES / 8);
    const halves = new Uint32Array(buffer, at, WORKER_BLOCK_BYTES / 4);
    return Array.from({ length: HEAT_SLOTS }, (_, slot) => readHeat(words, halves, slot));
  };
  const before = slots(first);
  return slots(second).filter(({ inode, stamp }, slot) => {
    if (slot === 0) return true;
    return inode !== 0 && inode === before[slot]?.inode && stamp === before[slot].stamp;
  });
}

function corrupt(file: string): DidafsError {
  return new DidafsError("ERR_CORRUPT", `${file} holds what no target counts`);
}
