import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { type LogPlan, openLog, settleLogs } from "../../src/runtime/logs.ts";
import { DidafsError } from "../../src/std/errors.ts";
import { errorFields, LOG_LEVELS } from "../../src/std/logger.ts";
import { scratch, until } from "./scratch.ts";

type Line = Record<string, unknown>;

const linesOf = (file: string): Line[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);

function planIn(dir: string, more: Partial<LogPlan> = {}): LogPlan {
  return { ...settleLogs({}, {}), file: path.join(dir, "some.log"), ...more };
}

test("a line is one JSON object: when, how bad, who, what, and its fields", () => {
  using place = scratch();
  const plan = planIn(place.dir);
  const log = openLog(plan, "target-0");
  const beforeMs = Date.now();
  log.warn("a thing happened", { session: 7, text: "two\nlines", big: 2n ** 60n, nothing: undefined });
  log.error("another", errorFields(new DidafsError("ERR_NO_SPACE", "full", { cause: new Error("disk") })));
  log.close();
  const [first, second] = linesOf(plan.file);
  const { time, ...rest } = first ?? {};
  assert.ok(Date.parse(String(time)) >= beforeMs - 1 && Date.parse(String(time)) <= Date.now());
  assert.deepEqual(rest, {
    level: "warn",
    service: "target-0",
    pid: process.pid,
    msg: "a thing happened",
    session: 7,
    text: "two\nlines",
    big: String(2n ** 60n),
  });
  assert.deepEqual([second?.code, second?.errno, second?.cause], ["ERR_NO_SPACE", -28, "disk"]);
  assert.equal(statSync(plan.file).mode & 0o777, 0o600);
});

test("what is below the level is not written, and a field that is not JSON does not cost the line", () => {
  using place = scratch();
  for (const level of LOG_LEVELS) {
    const plan = planIn(place.dir, { level, file: path.join(place.dir, `${level}.log`) });
    const log = openLog(plan, "meta");
    for (const each of LOG_LEVELS) log[each](each);
    log.close();
    assert.deepEqual(
      linesOf(plan.file).map(({ msg }) => msg),
      LOG_LEVELS.slice(LOG_LEVELS.indexOf(level)),
    );
  }
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const plan = planIn(place.dir);
  openLog(plan, "meta").info("round", { circle });
  assert.equal(linesOf(plan.file)[0]?.msg, "round");
});

test("a log that has grown large is put aside while it is written, and no line is lost or torn", () => {
  using place = scratch();
  const plan = planIn(place.dir, { bytesMax: 4096, filesMax: 4 });
  const log = openLog(plan, "meta");
  const count = 100;
  for (let number = 0; number < count; number += 1) log.info("line", { number, filler: "x".repeat(20) });
  log.close();
  const files = ["some.log.3", "some.log.2", "some.log.1", "some.log"];
  assert.deepEqual(readdirSync(place.dir).sort(), [...files].sort());
  const numbers = files.flatMap((name) => linesOf(path.join(place.dir, name)).map(({ number }) => number));
  assert.deepEqual(
    numbers,
    Array.from({ length: count }, (_, at) => at),
  );
  for (const name of files) {
    const { size, mode } = statSync(path.join(place.dir, name));
    assert.ok(size <= 4096, `${name} has ${size} bytes`);
    assert.equal(mode & 0o777, 0o600);
  }
});

test("only so many files are kept", () => {
  using place = scratch();
  const plan = planIn(place.dir, { bytesMax: 4096, filesMax: 2 });
  const log = openLog(plan, "meta");
  for (let number = 0; number < 300; number += 1) log.info("line", { number });
  log.close();
  assert.deepEqual(readdirSync(place.dir).sort(), ["some.log", "some.log.1"]);
  assert.equal(linesOf(plan.file).at(-1)?.number, 299);
});

test("on a full drive nothing is thrown; when there is room again, what waited is written", async () => {
  using place = scratch();
  const plan = planIn(place.dir);
  symlinkSync("/dev/full", plan.file);
  const log = openLog(plan, "meta");
  log.info("one");
  log.info("two");
  rmSync(plan.file);
  // Nobody says anything more: it is written all the same.
  await until(() => statSync(plan.file, { throwIfNoEntry: false }) !== undefined);
  log.info("three");
  log.close();
  assert.deepEqual(
    linesOf(plan.file).map(({ msg }) => msg),
    ["one", "two", "three"],
  );
});

test("a drive that stays full costs the oldest lines but not memory, and the log says how many", () => {
  using place = scratch();
  const plan = planIn(place.dir);
  symlinkSync("/dev/full", plan.file);
  const log = openLog(plan, "meta");
  const count = 2000;
  for (let number = 0; number < count; number += 1) log.info("line", { number, filler: "x".repeat(500) });
  rmSync(plan.file);
  log.info("room again");
  log.close();
  const lines = linesOf(plan.file);
  const kept = lines.filter(({ msg }) => msg === "line");
  const lost = lines.find(({ level }) => level === "error");
  assert.equal(kept.length + Number(lost?.count), count);
  assert.equal(kept.at(-1)?.number, count - 1);
  assert.ok(statSync(plan.file).size < 300_000);
});

test("half a line that an earlier life left on a full drive does not spoil the next", () => {
  using place = scratch();
  const plan = planIn(place.dir);
  writeFileSync(plan.file, '{"msg":"hal');
  const log = openLog(plan, "meta");
  log.info("whole");
  log.close();
  const [half, whole] = readFileSync(plan.file, "utf8").trim().split("\n");
  assert.equal(half, '{"msg":"hal');
  assert.equal(JSON.parse(whole ?? "").msg, "whole");
});

test("settings: what is wished, else the environment, else the defaults; nonsense is told", () => {
  const env = { DIDAFS_LOG_LEVEL: "debug", DIDAFS_LOG_BYTES: "64K", DIDAFS_LOG_FILES: "9" };
  assert.deepEqual(settleLogs({}, {}), { level: "info", bytesMax: 8 << 20, filesMax: 5 });
  assert.deepEqual(settleLogs({}, env), { level: "debug", bytesMax: 65_536, filesMax: 9 });
  assert.deepEqual(settleLogs({ level: "error", filesMax: 2 }, env), {
    level: "error",
    bytesMax: 65_536,
    filesMax: 2,
  });
  for (const [name, value] of [
    ["DIDAFS_LOG_LEVEL", "loud"],
    ["DIDAFS_LOG_BYTES", "12"],
    ["DIDAFS_LOG_FILES", "1"],
  ] as const) {
    assert.throws(() => settleLogs({}, { [name]: value }), { code: "ERR_INVALID_ARGUMENT" });
  }
});
