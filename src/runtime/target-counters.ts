import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  openSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import path from "node:path";
import type { Memory } from "../ports/memory.ts";
import { isDidafsError } from "../std/errors.ts";
import { errorFields, type Logger } from "../std/logger.ts";
import { CONTROL_BLOCK_BYTES, createControlCounters } from "../structs/control-counters.ts";
import {
  CONTROL_BLOCK_AT,
  type CountersHeader,
  countersBytes,
  encodeCountersHeader,
  workerBlockAt,
} from "../structs/counters-header.ts";
import { COUNTER_NAMES, createWorkerCounters, WORKER_BLOCK_BYTES } from "../structs/worker-counters.ts";
import { reserve } from "../system/drive-object.ts";
import { fromNodeError, systemError } from "../system/errno.ts";
import { systemMemory } from "../system/memory.ts";
import { lookAtCounters } from "./counters-look.ts";

/** Memory that has names: what is stored there is never written to a drive, so no store waits for one. */
const MEMORY_DIRECTORY = "/dev/shm";
const FILE_NAME = /^didafs-[0-9a-f]{32}-[0-9a-f]{8}$/;

/** In the target's folder: links to the counters of this life, and to those of the last one that ended without a word. */
const LINK = "counters";
const FORMER_LINK = "counters.1";

/** Where a worker's thread finds its block: in memory of this process, or at a place of an open file. */
export type CountersPlace = SharedArrayBuffer | { readonly descriptor: number; readonly at: number };

/** The counters of one life of a target. */
export interface TargetCounters {
  readonly control: Float64Array;
  readonly workers: readonly Float64Array[];
  readonly places: readonly CountersPlace[];
  /** @param keep whether others may go on reading what was counted */
  close(keep: boolean): void;
}

/** Where the counters of a target are found. @param former those of its life before */
export function countersFile(dir: string, former = false): string {
  return path.join(dir, former ? FORMER_LINK : LINK);
}

/** Makes counters that every process of this user can read; private ones, and a warning, where that cannot be. */
export function openTargetCounters(
  dir: string,
  header: CountersHeader,
  log: Logger,
  directory: string = MEMORY_DIRECTORY,
): TargetCounters {
  try {
    putFormerAside(dir, log);
    return publish(dir, header, directory);
  } catch (error) {
    log.warn("nobody outside can read what this target counts", errorFields(error));
    return privateCounters(header.workerCount);
  }
}

/** Counters that only this process sees. */
export function privateCounters(workerCount: number): TargetCounters {
  const workers = Array.from({ length: workerCount }, createWorkerCounters);
  return {
    control: createControlCounters(),
    workers,
    places: workers.map(({ buffer }) => buffer),
    close() {},
  };
}

/** @throws ERR_NO_SPACE, EACCES, ENOENT, ERR_IO */
function publish(dir: string, header: CountersHeader, directory: string): TargetCounters {
  // Short enough for a link that takes no room on a full drive.
  const file = path.join(directory, `didafs-${header.target}-${randomBytes(4).toString("hex")}`);
  let made: ReturnType<typeof makeFile> | undefined;
  try {
    made = makeFile(file, header);
    const draft = path.join(dir, `${LINK}.new`);
    rmSync(draft, { force: true });
    symlinkSync(file, draft);
    renameSync(draft, countersFile(dir));
    return sharedCounters(dir, header.workerCount, made.descriptor, made.memory);
  } catch (error) {
    if (made !== undefined) {
      systemMemory.free(made.memory);
      closeSync(made.descriptor);
    }
    rmSync(file, { force: true });
    throw fromNodeError(`make ${file}`, error);
  }
}

/** Its room is reserved, so that no store can lack it. */
function makeFile(file: string, header: CountersHeader): { descriptor: number; memory: Memory } {
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const descriptor = openSync(file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    const byteLength = countersBytes(header.workerCount);
    const errno = reserve(descriptor, 0, byteLength);
    if (errno !== 0) throw systemError(`reserve ${byteLength} bytes for ${file}`, errno);
    const memory = systemMemory.map(descriptor, 0, byteLength, true);
    encodeCountersHeader(memory.u8, header);
    return { descriptor, memory };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function sharedCounters(
  dir: string,
  workerCount: number,
  descriptor: number,
  memory: Memory,
): TargetCounters {
  const { buffer } = memory.u8;
  const at = Array.from({ length: workerCount }, (_, index) => workerBlockAt(index));
  return {
    control: new Float64Array(buffer, CONTROL_BLOCK_AT, CONTROL_BLOCK_BYTES / 8),
    workers: at.map((begin) => new Float64Array(buffer, begin, WORKER_BLOCK_BYTES / 8)),
    places: at.map((begin) => ({ descriptor, at: begin })),
    close(keep) {
      systemMemory.free(memory);
      closeSync(descriptor);
      if (!keep) for (const link of [countersFile(dir), countersFile(dir, true)]) removeLinked(link);
    },
  };
}

/** A worker's block in its own thread; `release` unmaps it. */
export function openCounters(place: CountersPlace): { words: Float64Array; release(): void } {
  if (place instanceof SharedArrayBuffer) return { words: new Float64Array(place), release() {} };
  const memory = systemMemory.map(place.descriptor, place.at, WORKER_BLOCK_BYTES, true);
  const words = new Float64Array(memory.u8.buffer, 0, WORKER_BLOCK_BYTES / 8);
  return { words, release: () => systemMemory.free(memory) };
}

/** What is still there belongs to a life that ended without a word. Memory ends with the machine's run, a log does not. */
function putFormerAside(dir: string, log: Logger): void {
  const link = countersFile(dir);
  if (linkedFile(link) === undefined) return;
  removeLinked(countersFile(dir, true));
  if (isOfAnother(link)) {
    unlinkSync(link);
    return;
  }
  try {
    const { header, workers } = lookAtCounters(link, 0);
    const sums = COUNTER_NAMES.map((name) => [
      name,
      workers.reduce((sum, { counts }) => sum + counts[name], 0),
    ]);
    log.info("what the process before this one had counted", {
      former: header.pid,
      ...Object.fromEntries(sums),
    });
  } catch (error) {
    if (!isDidafsError(error)) throw error;
  }
  renameSync(link, countersFile(dir, true));
}

/** Removes a link of ours, and what it leads to. */
function removeLinked(link: string): void {
  const file = linkedFile(link);
  if (file === undefined) return;
  if (!isOfAnother(link)) rmSync(file, { force: true });
  unlinkSync(link);
}

/** A folder that was copied brings the links of one that is still served. */
function isOfAnother(link: string): boolean {
  try {
    const { header, state } = lookAtCounters(link, 0);
    return state !== "gone" && header.pid !== process.pid;
  } catch {
    return false;
  }
}

/** Where a link leads; undefined where it is none of ours. */
function linkedFile(link: string): string | undefined {
  try {
    const file = readlinkSync(link);
    return FILE_NAME.test(path.basename(file)) ? file : undefined;
  } catch {
    return undefined;
  }
}
