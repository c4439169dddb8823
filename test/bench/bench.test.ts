/** The real bench, small: everything runs and is checked. What it measures never decides. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { findProgram } from "../../bench/harness/installed.ts";
import { lineId, linesOf, type Row } from "../../bench/harness/row.ts";
import type { LineReport } from "../../bench/report/line-report.ts";
import type { BenchReport, RowReport } from "../../bench/report/report.ts";
import { QUICK_ROWS } from "../../bench/rows/rows.ts";
import { Home } from "../cli/didafs.ts";

/** A row has up to twenty processes to start, and the machine may be busy. */
const LIMIT_MS = 110_000;

async function bench(home: Home, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const temporary = path.join(home.dir, "temporary");
  mkdirSync(temporary, { recursive: true });
  const ended = await home.run(["bench", "--quick", ...args], {
    env: { TMPDIR: temporary, ...env },
    limitMs: LIMIT_MS,
  });
  assert.equal(ended.code, 0, ended.stderr);
  assert.deepEqual(readdirSync(temporary), [], "nothing is left");
  return ended.stdout;
}

function checkMeasured({ id, measured }: LineReport): void {
  assert.ok(measured !== undefined, id);
  const { meanNs, p50Ns, operationsPerSecond, operations, rounds } = measured;
  for (const figure of [meanNs, p50Ns, operationsPerSecond, operations]) assert.ok(figure > 0, id);
  assert.equal(rounds.length, 2, id);
}

for (const row of QUICK_ROWS) {
  test(`--quick --json runs every case of row ${row.id}, and all that do the same show the same hash`, async () => {
    await using home = new Home();
    const report = JSON.parse(await bench(home, ["--rows", row.id, "--json"])) as BenchReport;
    const { node, cores, cpu, kernel } = report.environment;
    assert.match(node, /^v\d+/);
    assert.ok(cores > 0 && cpu !== "" && kernel !== "");
    const [reported] = report.rows as [RowReport];
    assert.equal(report.rows.length, 1);
    checkRow(row, reported);
    if (row.id === "E1") checkSyncs(reported);
  });
}

function checkRow(row: Row, { id, lines, targets }: RowReport): void {
  assert.equal(id, row.id);
  assert.deepEqual(
    lines.map((line) => line.id),
    row.cases.flatMap((one) => linesOf(one).map(({ key }) => lineId(one.id, key))),
  );
  const hashes = new Map<string, string>();
  for (const line of lines) {
    if (line.absent === undefined) checkMeasured(line);
    else checkAbsent(line);
    const hash = line.measured?.hash;
    if (hash === undefined) continue;
    assert.equal(hash, hashes.get(line.does) ?? hash, line.id);
    hashes.set(line.does, hash);
  }
  assert.deepEqual([...hashes.keys()].sort(), [...new Set(row.cases.map(({ does }) => does))].sort());
  assert.equal(targets.length, row.targets.length);
  for (const { outcome, value } of targets) {
    if (outcome !== "unknown") assert.ok((value as number) >= 0);
  }
}

/** The target's own count: an origin that is alone waits for a sync of each epoch; many may share them. */
function checkSyncs({ lines }: RowReport): void {
  const stable = lines.filter(({ id }) => id.startsWith("stable-"));
  assert.ok(stable.length > 0);
  for (const { id, measured } of stable) {
    const [alone = 0, ...many] = Object.values(measured?.counts ?? {});
    assert.ok(alone >= 1, `${alone} syncs an epoch: ${id}`);
    for (const count of many) assert.ok(count > 0, id);
  }
}

function checkAbsent({ id, role }: LineReport): void {
  assert.ok(role === "peer" || role === "limit", `${id} is never absent`);
  const [, programs] = NEEDED.find(([line]) => line.test(id)) ?? [];
  if (programs !== undefined)
    assert.ok(
      programs.some((program) => findProgram(program) === undefined),
      id,
    );
  else assert.equal(role, "peer", `${id} is never absent`);
}

/** What lines need, by how their ids begin; others may be absent for other reasons. */
const NEEDED: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^c-/, ["cc"]],
  [/^redis/, ["redis-server", "redis-benchmark"]],
  [/^memcached/, ["memcached"]],
  [/^fio/, ["fio", "nbdkit"]],
  [/^(fs|lmdb|sqlite)/, []],
  [/^etcd/, ["etcd"]],
];

test("what is not installed is marked as absent, and what is measured against it as unknown", async () => {
  await using home = new Home();
  const nothing = { PATH: path.join(home.dir, "nothing") };
  const report = JSON.parse(await bench(home, ["--rows", "R1", "--json"], nothing)) as BenchReport;
  const [row] = report.rows;
  assert.equal(report.rows.length, 1);
  for (const { id, role, absent } of row?.lines ?? []) {
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
  assert.match(stderr, /no row is called L9; there are L1, L2, L3, R1, R2, R3, E1, E2, N1, M1/);
});
