import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { lookAtCounters } from "../../src/runtime/counters-look.ts";
import { startTicks } from "../../src/runtime/run-file.ts";
import {
  countersFile,
  openCounters,
  openTargetCounters,
  type TargetCounters,
} from "../../src/runtime/target-counters.ts";
import { type ErrorCode, isDidafsError } from "../../src/std/errors.ts";
import { controlAlive, writeControlCounts } from "../../src/structs/control-counters.ts";
import { type CountersHeader, countersBytes } from "../../src/structs/counters-header.ts";
import { COUNTER, claimHeat, HEAT_COLUMN, heatAt, workerAlive } from "../../src/structs/worker-counters.ts";
import { CapturedLog } from "../support/captured-log.ts";
import { scratch } from "./scratch.ts";

const STARTED_MS = 1000;
const PIPE_MAKER = "mkfifo";
const NO_COUNTS = {
  sessions: 0,
  mappings: 0,
  mappedBytes: 0,
  failedRegions: 0,
  violations: 0,
  faults: 0,
  capabilitiesRefused: 0,
  capabilitiesExpired: 0,
  capabilitiesRevoked: 0,
  capabilitiesExceeded: 0,
};

function header(more: Partial<CountersHeader> = {}): CountersHeader {
  return {
    target: "ab".repeat(16),
    name: "target-0",
    pid: process.pid,
    startTicks: Number(startTicks(process.pid)),
    startedMs: STARTED_MS,
    startedWallMs: Date.now(),
    workerCount: 2,
    ...more,
  };
}

/** A target's folder, and one that stands for the machine's memory. */
function folders() {
  const { dir, [Symbol.dispose]: dispose } = scratch();
  const [target, memory] = [path.join(dir, "target-0"), path.join(dir, "shm")];
  mkdirSync(target);
  mkdirSync(memory);
  const log = new CapturedLog();
  const open = (more: Partial<CountersHeader> = {}): TargetCounters =>
    openTargetCounters(target, header(more), log.logger, memory);
  const look = (nowMs = STARTED_MS, former = false) => lookAtCounters(countersFile(target, former), nowMs);
  return { target, memory, log, open, look, [Symbol.dispose]: dispose };
}

const hasCode =
  (...codes: ErrorCode[]) =>
  (error: unknown): boolean =>
    isDidafsError(error, ...codes);

test("what a target and its workers count is read by others, and no other user may", () => {
  using home = folders();
  const counters = home.open();
  const worker = openCounters(counters.places[1] as TargetCounters["places"][number]);
  const halves = new Uint32Array(worker.words.buffer);
  worker.words[COUNTER.operations] = 5;
  claimHeat(worker.words, halves, 1, 77, 0);
  worker.words[heatAt(1) + HEAT_COLUMN.gotBytes] = 4096;
  // The control thread sees the same words.
  assert.equal(counters.workers[1]?.[COUNTER.operations], 5);
  writeControlCounts(counters.control, { ...NO_COUNTS, sessions: 3 });
  const { header: read, workers, control, state } = home.look();
  assert.equal(read.name, "target-0");
  assert.equal(state, "serving");
  assert.equal(control.sessions, 3);
  assert.deepEqual(
    workers.map(({ counts }) => counts.operations),
    [0, 5],
  );
  assert.deepEqual(
    workers.map(({ heat }) => heat.map(({ inode, gotBytes }) => [inode, gotBytes])),
    [
      [[0, 0]],
      [
        [0, 0],
        [77, 4096],
      ],
    ],
  );
  assert.equal(statSync(countersFile(home.target)).mode & 0o777, 0o600);
  worker.release();
  assert.equal(worker.words.length, 0);
  counters.close(false);
});

test("an orderly end leaves nothing; any other leaves what was counted, until the life after the next", () => {
  using home = folders();
  home.open().close(false);
  assert.deepEqual([readdirSync(home.target), readdirSync(home.memory)], [[], []]);
  const former = home.open();
  (former.workers[0] as Float64Array)[COUNTER.protocolErrors] = 9;
  former.close(true);
  const next = home.open();
  assert.equal(home.look().workers[0]?.counts.protocolErrors, 0);
  assert.equal(home.look(STARTED_MS, true).workers[0]?.counts.protocolErrors, 9);
  assert.equal(readdirSync(home.memory).length, 2);
  assert.match(home.log.text(), /the process before this one had counted.*"protocolErrors":9/);
  next.close(true);
  const last = home.open();
  assert.equal(home.look(STARTED_MS, true).workers[0]?.counts.protocolErrors, 0);
  assert.equal(readdirSync(home.memory).length, 2);
  last.close(false);
  assert.deepEqual([readdirSync(home.target), readdirSync(home.memory)], [[], []]);
});

test("a link that is none of ours is replaced, and what it leads to is left alone", () => {
  using home = folders();
  const precious = path.join(home.memory, "precious");
  writeFileSync(precious, "x");
  symlinkSync(precious, countersFile(home.target));
  const counters = home.open();
  assert.equal(readFileSync(precious, "utf8"), "x");
  assert.notEqual(readlinkSync(countersFile(home.target)), precious);
  counters.close(false);
  assert.ok(existsSync(precious));
});

test("a copied folder takes nothing from the one that is still served", async () => {
  using home = folders();
  const other = spawn("sleep", ["60"]);
  try {
    const served = home.open({
      pid: other.pid as number,
      startTicks: Number(startTicks(other.pid as number)),
    });
    const copy = path.join(home.target, "..", "copy");
    mkdirSync(copy);
    symlinkSync(readlinkSync(countersFile(home.target)), countersFile(copy));
    openTargetCounters(copy, header(), home.log.logger, home.memory).close(false);
    assert.equal(home.look().header.pid, other.pid);
    assert.deepEqual(readdirSync(copy), []);
    served.close(false);
  } finally {
    other.kill();
  }
});

test("a target that cannot publish counts for itself, and says so", () => {
  using home = folders();
  const counters = openTargetCounters(home.target, header(), home.log.logger, path.join(home.memory, "gone"));
  assert.equal(counters.workers.length, 2);
  const place = openCounters(counters.places[0] as TargetCounters["places"][number]);
  place.words[COUNTER.syncs] = 1;
  assert.equal(counters.workers[0]?.[COUNTER.syncs], 1);
  assert.match(JSON.stringify(home.log.lines), /nobody outside can read.*ENOENT/);
  assert.throws(() => home.look(), hasCode("ERR_NOT_RUNNING"));
  counters.close(false);
});

test("a thread that has been silent for long hangs; a process that has ended is gone", () => {
  using home = folders();
  const counters = home.open();
  const alive = (controlMs: number, ...workerMs: number[]): void => {
    controlAlive(counters.control, controlMs);
    for (const [at, ms] of workerMs.entries()) workerAlive(counters.workers[at] as Float64Array, ms);
  };
  const seen = (nowMs: number): [string, number] => {
    const { state, ageMs } = home.look(nowMs);
    return [state, ageMs];
  };
  assert.deepEqual(seen(STARTED_MS + 500), ["serving", 500]);
  alive(5000, 5000, 5000);
  assert.deepEqual(seen(6000), ["serving", 1000]);
  alive(16_000, 16_000, 5000);
  assert.deepEqual(seen(16_000), ["hung", 11_000]);
  alive(5000, 16_000, 16_000);
  assert.deepEqual(seen(16_000), ["hung", 11_000]);
  counters.close(true);
  // Another process that had this number before.
  const ended = home.open({ startTicks: 1 });
  controlAlive(ended.control, 5000);
  workerAlive(ended.workers[0] as Float64Array, 6000);
  assert.deepEqual(seen(9000), ["gone", 3000]);
  ended.close(false);
});

test("whatever lies there instead is refused by name, and nothing is waited for", () => {
  using home = folders();
  const file = path.join(home.target, "counters");
  assert.throws(() => home.look(), hasCode("ERR_NOT_RUNNING"));
  for (const make of [
    () => symlinkSync(path.join(home.target, "nothing"), file),
    () => mkdirSync(file),
    () => execFileSync(PIPE_MAKER, [file]),
    () => symlinkSync("/dev/zero", file),
    () => symlinkSync("/dev/null", file),
    () => writeFileSync(file, ""),
    () => writeFileSync(file, "x".repeat(100_000)),
    () => truncateAt(file, 2 ** 40),
  ]) {
    make();
    assert.throws(() => home.look(), hasCode("ERR_NOT_RUNNING", "ERR_CORRUPT"), make.toString());
    execFileSync("rm", ["-r", file]);
  }
  assert.ok(lstatSync(home.target).isDirectory());
});

function truncateAt(file: string, byteLength: number): void {
  writeFileSync(file, "");
  truncateSync(file, byteLength);
}

test("random bytes anywhere in the blocks are counts, or a typed error", () => {
  using home = folders();
  const counters = home.open();
  const intact = readFileSync(countersFile(home.target));
  counters.close(false);
  const file = path.join(home.target, "counters");
  const place = fc.nat(countersBytes(2) - 1);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 600 }), place, (random, at) => {
      const bytes = new Uint8Array(intact);
      bytes.set(random.subarray(0, bytes.length - at), at);
      writeFileSync(file, bytes);
      try {
        const { workers, ageMs } = home.look();
        assert.ok(ageMs >= 0);
        for (const { counts, heat } of workers) {
          assert.ok(Object.values(counts).every((count) => count >= 0 && count <= Number.MAX_SAFE_INTEGER));
          for (const { inode, gets } of heat) assert.ok(inode >= 0 && gets >= 0);
        }
      } catch (error) {
        if (!isDidafsError(error, "ERR_CORRUPT", "ERR_VERSION")) throw error;
      }
    }),
  );
});
