import { crc32 } from "node:zlib";
import { DidafsError } from "../std/errors.ts";
import { CONTROL_BLOCK_BYTES } from "./control-counters.ts";
import { WORKER_BLOCK_BYTES } from "./worker-counters.ts";

/**
 * What a target counts, in a file that any process of its user may read at any time. Little-endian; the counts are f64,
 * whole numbers up to 2^53, because one store writes one whole. Each block has one writer, begins a page, and is only
 * added to by it.
 *
 *        0  header, written once, before the file has its name
 *     4096  block of the control thread (control-counters.ts)
 *     8192  blocks of the data-plane workers, in their order (worker-counters.ts)
 *
 * The header; the rest of its page is zero:
 *
 *        0  u8[8] magic "DIDAFSCT"
 *        8  u32 version | u32 headerBytes (4096)
 *       16  u32 controlBytes (of that block) | u32 workerBytes (of one block)
 *       24  u32 workerCount | u32 pid
 *       32  u64 startTicks: when that process started, in clock ticks since the machine did (/proc/PID/stat)
 *       40  f64 startedMs: when the target did, on the clock of `aliveMs`
 *       48  f64 startedWallMs: the same since 1970
 *       56  u8[16] identity of the target
 *       72  u8[32] its name in UTF-8, zeros behind it
 *      104  zero ...
 *      124  u32 crc32 of everything before it
 *
 * Nothing of it outlives the machine's run. Another layout of the blocks is another version.
 */
const COUNTERS_HEADER_BYTES = 4096;
const COUNTERS_VERSION = 2;
/** More than a target can have (`up --workers`). */
const WORKERS_MAX = 64;

const MAGIC = new TextEncoder().encode("DIDAFSCT");
const VERSION_AT = 8;
const HEADER_BYTES_AT = 12;
const CONTROL_BYTES_AT = 16;
const WORKER_BYTES_AT = 20;
const WORKER_COUNT_AT = 24;
const PID_AT = 28;
const START_TICKS_AT = 32;
const STARTED_MS_AT = 40;
const STARTED_WALL_MS_AT = 48;
const IDENTITY_AT = 56;
const IDENTITY_BYTES = 16;
const NAME_AT = 72;
const NAME_BYTES = 32;
const CHECKSUM_AT = 124;

/** Whose counters they are. */
export interface CountersHeader {
  /** The target's identity, 32 hex digits. */
  readonly target: string;
  /** What people call it; cut after 32 bytes. */
  readonly name: string;
  readonly pid: number;
  readonly startTicks: number;
  readonly startedMs: number;
  readonly startedWallMs: number;
  readonly workerCount: number;
}

/** Bytes of the whole file. */
export function countersBytes(workerCount: number): number {
  return COUNTERS_HEADER_BYTES + CONTROL_BLOCK_BYTES + workerCount * WORKER_BLOCK_BYTES;
}

/** No file of counters is longer. */
export const COUNTERS_BYTES_MAX: number = countersBytes(WORKERS_MAX);

/** Where the control thread's block begins. */
export const CONTROL_BLOCK_AT: number = COUNTERS_HEADER_BYTES;

/** Where the block of worker `index` begins. */
export function workerBlockAt(index: number): number {
  return COUNTERS_HEADER_BYTES + CONTROL_BLOCK_BYTES + index * WORKER_BLOCK_BYTES;
}

/** Writes the header into the first bytes of `file`, which are zero. */
export function encodeCountersHeader(file: Uint8Array, header: CountersHeader): void {
  const view = new DataView(file.buffer, file.byteOffset, COUNTERS_HEADER_BYTES);
  file.set(MAGIC);
  view.setUint32(VERSION_AT, COUNTERS_VERSION, true);
  view.setUint32(HEADER_BYTES_AT, COUNTERS_HEADER_BYTES, true);
  view.setUint32(CONTROL_BYTES_AT, CONTROL_BLOCK_BYTES, true);
  view.setUint32(WORKER_BYTES_AT, WORKER_BLOCK_BYTES, true);
  view.setUint32(WORKER_COUNT_AT, header.workerCount, true);
  view.setUint32(PID_AT, header.pid, true);
  view.setBigUint64(START_TICKS_AT, BigInt(header.startTicks), true);
  view.setFloat64(STARTED_MS_AT, header.startedMs, true);
  view.setFloat64(STARTED_WALL_MS_AT, header.startedWallMs, true);
  file.set(Buffer.from(header.target, "hex").subarray(0, IDENTITY_BYTES), IDENTITY_AT);
  new TextEncoder().encodeInto(header.name, file.subarray(NAME_AT, NAME_AT + NAME_BYTES));
  view.setUint32(CHECKSUM_AT, crc32(file.subarray(0, CHECKSUM_AT)), true);
}

/**
 * Reads the header of a whole file of counters.
 * @param name of the file, for the message
 * @throws ERR_VERSION for another layout, ERR_CORRUPT for anything else that is no such file
 */
export function decodeCountersHeader(file: Uint8Array, name: string): CountersHeader {
  if (file.length < COUNTERS_HEADER_BYTES) throw corrupt(name, "it is shorter than its header");
  const view = new DataView(file.buffer, file.byteOffset, COUNTERS_HEADER_BYTES);
  if (!MAGIC.every((byte, at) => file[at] === byte)) throw corrupt(name, "it does not begin as one");
  const version = view.getUint32(VERSION_AT, true);
  if (version !== COUNTERS_VERSION) {
    throw new DidafsError(
      "ERR_VERSION",
      `${name} counts in layout ${version}; this program knows layout ${COUNTERS_VERSION}. Use the didafs that serves the cluster.`,
    );
  }
  if (view.getUint32(CHECKSUM_AT, true) !== crc32(file.subarray(0, CHECKSUM_AT))) {
    throw corrupt(name, "its header is damaged");
  }
  const workerCount = view.getUint32(WORKER_COUNT_AT, true);
  const fits =
    view.getUint32(HEADER_BYTES_AT, true) === COUNTERS_HEADER_BYTES &&
    view.getUint32(CONTROL_BYTES_AT, true) === CONTROL_BLOCK_BYTES &&
    view.getUint32(WORKER_BYTES_AT, true) === WORKER_BLOCK_BYTES &&
    workerCount >= 1 &&
    workerCount <= WORKERS_MAX &&
    file.length === countersBytes(workerCount);
  if (!fits) throw corrupt(name, "its sizes contradict each other");
  const startTicks = Number(view.getBigUint64(START_TICKS_AT, true));
  const startedMs = view.getFloat64(STARTED_MS_AT, true);
  const startedWallMs = view.getFloat64(STARTED_WALL_MS_AT, true);
  if (!Number.isSafeInteger(startTicks) || !(startedMs >= 0) || !(startedWallMs >= 0)) {
    throw corrupt(name, "it says no time at which its target started");
  }
  return {
    target: Buffer.from(file.subarray(IDENTITY_AT, IDENTITY_AT + IDENTITY_BYTES)).toString("hex"),
    name: textIn(file.subarray(NAME_AT, NAME_AT + NAME_BYTES)),
    pid: view.getUint32(PID_AT, true),
    startTicks,
    startedMs,
    startedWallMs,
    workerCount,
  };
}

function textIn(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function corrupt(name: string, why: string): DidafsError {
  return new DidafsError("ERR_CORRUPT", `${name} is no file of counters: ${why}`);
}
