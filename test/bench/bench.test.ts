/** The real bench, small: everything runs and is checked. What it measures never decides. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { findProgram } from "../../bench/harness/installed.ts";
import type { CaseReport } from "../../bench/report/case-report.ts";
import type { BenchReport } from "../../bench/report/report.ts";
import { ROWS } from "../../bench/rows/rows.ts";
import { Home } from "../cli/didafs.ts";

async function bench(home: Home, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const temporary = path.join(home.dir, "temporary");
  mkdirSync(temporary, { recursive: true });
  const ended = await home.run(["bench", "--quick", ...args], { env: { TMPDIR: temporary, ...env } });
  assert.equal(ended.code, 0, ended.stderr);
  assert.deepEqual(readdirSync(temporary), [], "nothing is left");
  return ended.stdout;
}

function checkMeasured({ name, moves, measured }: CaseReport, gets: Set<string>, puts: Set<string>): void {
  assert.ok(measured !== undefined, name);
  const { meanNs, p50Ns, operationsPerSecond, operations, rounds, hash } = measured;
  for (const figure of [meanNs, p50Ns, operationsPerSecond, operations]) assert.ok(figure > 0, name);
  assert.equal(rounds.length, 2, name);
  if (hash !== undefined) (moves === "get" ? gets : puts).add(hash);
}

test("--quick --json runs every case of every row, and all moved the same bytes", async () => {
  await using home = new Home();
  const report = JSON.parse(await bench(home, ["--json"])) as BenchReport;
  assert.match(report.environment.node, /^v\d+/);
  assert.ok(
    report.environment.cores > 0 && report.environment.cpu !== "" && report.environment.kernel !== "",
  );
  assert.deepEqual(
    report.rows.map(({ id, cases }) => [id, cases.map((one) => one.id)]),
    ROWS.map(({ id, cases }) => [id, cases.map((one) => one.id)]),
  );
  for (const row of report.rows) {
    const [gets, puts] = [new Set<string>(), new Set<string>()];
    for (const one of row.cases) {
      if (one.absent === undefined) checkMeasured(one, gets, puts);
      else assert.ok(one.role === "peer" || one.role === "limit", `${one.name} is never absent`);
    }
    assert.deepEqual(
      [gets.size, puts.size],
      [1, 1],
      `${row.id}: one hash for all that read, one for all that wrote`,
    );
    for (const { outcome, value } of row.targets) {
      if (outcome !== "unknown") assert.ok((value as number) > 0);
    }
  }
  const absent = report.rows.flatMap(({ cases }) => cases.filter((one) => one.absent !== undefined));
  const missing = (program: string): boolean => findProgram(program) === undefined;
  for (const { id, role } of absent) {
    if (role === "limit") assert.ok(missing("cc"), id);
    if (id.startsWith("redis")) assert.ok(missing("redis-server") || missing("redis-benchmark"), id);
  }
});

test("what is not installed is marked as absent, and what is measured against it as unknown", async () => {
  await using home = new Home();
  const nothing = { PATH: path.join(home.dir, "nothing") };
  const report = JSON.parse(await bench(home, ["--rows", "R1", "--json"], nothing)) as BenchReport;
  const [row] = report.rows;
  assert.equal(report.rows.length, 1);
  for (const { id, role, absent } of row?.cases ?? []) {
    const needsMore = role === "limit" || (role === "peer" && id !== "net-echo");
    assert.equal(absent !== undefined, needsMore, `${id}: ${absent}`);
  }
  assert.ok(row?.targets.every(({ outcome, value }) => outcome === "unknown" && value === undefined));
});

test("people get a table with machine, targets and hashes", async () => {
  await using home = new Home();
  const text = await bench(home, ["--rows", "l1"], { PATH: path.join(home.dir, "nothing") });
  assert.match(text, /cores, Linux .*, Node v/);
  assert.match(text, /getSync 8 B +managed .* [0-9a-f]{8}\n/);
  assert.match(text, /C load +mapped file +absent: no C compiler/);
  assert.match(text, /(not )?reached +getSync 8 B \(raw\): at most 60 ns on average: /);
});

test("Ctrl-C takes everything down, at whatever moment", async () => {
  await using home = new Home();
  const temporary = path.join(home.dir, "temporary");
  mkdirSync(temporary);
  const ended = await home.run(["bench", "--seconds", "30"], {
    env: { TMPDIR: temporary },
    watch: (child) => {
      // Once the cluster's data directory is there, cases are being opened soon.
      const timer = setInterval(() => {
        const [made] = readdirSync(temporary);
        if (made === undefined || !existsSync(path.join(temporary, made, "L1-get-raw"))) return;
        clearInterval(timer);
        child.kill("SIGINT");
      }, 20);
      child.once("exit", () => clearInterval(timer));
    },
  });
  assert.equal(ended.code, 130, ended.stderr);
  assert.deepEqual(readdirSync(temporary), []);
});

test("a row that does not exist is wrong usage, and the message names those that do", async () => {
  await using home = new Home();
  const { code, stderr } = await home.run(["bench", "--rows", "L9"]);
  assert.equal(code, 2);
  assert.match(stderr, /no row is called L9; there are L1, R1/);
});
