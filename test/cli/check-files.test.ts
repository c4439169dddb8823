import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { LmdbEngine } from "../../src/meta/engines/lmdb.ts";
import { FILE_TYPES } from "../../src/meta/entry-record.ts";
import { entryKey, ROOT_INODE } from "../../src/meta/keys.ts";
import { encodeRegionHeader } from "../../src/structs/region-header.ts";
import { Home } from "./didafs.ts";

interface Report {
  readonly inodes: number;
  readonly findings: readonly { readonly kind: string; readonly where: string }[];
  readonly notChecked: readonly { readonly what: string }[];
  readonly repairs: readonly { readonly refused?: string }[];
}

async function check(home: Home, exitCode: number, ...args: string[]): Promise<Report> {
  const { code, stdout, stderr } = await home.run(["check", "--json", ...args]);
  assert.equal(code, exitCode, `${stderr}${stdout}`);
  return JSON.parse(stdout) as Report;
}

const kinds = ({ findings }: Report): string[] => findings.map(({ kind }) => kind).sort();

test("check finds what happened to a stopped cluster, says what it will do, does it, and checks again", async () => {
  await using home = new Home();
  await home.up("--targets", "2");
  await home.run(["cp", "-", ":/kept"], { input: "kept" });
  await home.run(["cp", "-", ":/lost"], { input: "lost" });
  assert.deepEqual(kinds(await check(home, 0)), []);
  assert.match(await home.ok("check"), /^3 inodes: nothing wrong\n$/);
  const { inode, layout } = JSON.parse(await home.ok("stat", "--json", ":/lost"));
  const { targets } = JSON.parse(await home.ok("status", "--json"));
  const nameOf = (id: string): string => targets.find((target: { id: string }) => target.id === id).name;
  await home.ok("down");

  const regions = path.join(home.data, nameOf(layout.regions[0].target), "regions");
  rmSync(path.join(regions, `${inode}.0`));
  const page = new Uint8Array(8192);
  encodeRegionHeader(page, { inode: 900, index: 9, byteLength: 100, written: true, sequence: 0 });
  writeFileSync(path.join(regions, "900.9"), page, { mode: 0o600 });
  writeFileSync(path.join(regions, "notes.txt"), "");
  // A log of epochs whose making was cut off, and where one lies beside regions in memory.
  writeFileSync(path.join(regions, "epochs.0"), "", { mode: 0o600 });
  const logs = path.join(home.data, "target-0", "logs");
  mkdirSync(logs, { mode: 0o700 });
  for (const name of ["epochs.1", "1.0"]) writeFileSync(path.join(logs, name), "", { mode: 0o600 });
  chmodSync(path.join(home.data, "target-0", "target.json"), 0o644);
  const draft = path.join(home.data, "cluster.json.new");
  writeFileSync(draft, "{", { mode: 0o600 });
  utimesSync(draft, 1, 1);
  const engine = new LmdbEngine({ path: path.join(home.data, "meta", "meta.mdb"), freeBytes: () => 1e9 });
  const value = Buffer.alloc(9);
  value.writeBigUInt64LE(1_000_000n);
  value[8] = FILE_TYPES.indexOf("file");
  await engine.transact((transaction) => transaction.set(entryKey(ROOT_INODE, "ghost"), value));
  await engine.close();

  await home.up();
  for (const file of ["meta/meta.mdb", "logs/target-1.log"]) chmodSync(path.join(home.data, file), 0o640);
  const planted = ["dangling-entry", "foreign-file", "foreign-file", "leftover-draft", "missing-region"];
  planted.push("open-to-others", "open-to-others", "open-to-others", "orphan-region");
  assert.deepEqual(kinds(await check(home, 22)), planted);
  assert.deepEqual(kinds(await check(home, 22, ":/lost")), ["missing-region"]);
  assert.equal((await home.run(["check", ":/nowhere"])).code, 8);

  const unasked = await home.run(["check", "--repair"]);
  assert.equal(unasked.code, 2);
  assert.match(unasked.stderr, /add --yes/);
  assert.match(
    unasked.stdout,
    /To be done:\n1\. .*900\.9 on target-\d \(100 B, written to\): remove the region/s,
  );
  assert.deepEqual(kinds(await check(home, 22)), planted);

  const plan = /To be done:\n1\. .*remove the region/s;
  const unaskedJson = await home.run(["check", "--json", "--repair"]);
  assert.deepEqual([unaskedJson.code, unaskedJson.stdout, plan.test(unaskedJson.stderr)], [2, "", true]);

  const json = await home.run(["check", "--json", "--repair", "--yes"]);
  assert.equal(json.code, 22);
  assert.match(json.stderr, plan, "a program's answer and a person's plan go different ways");
  const repaired = JSON.parse(json.stdout) as Report;
  assert.deepEqual(kinds(repaired), ["foreign-file", "foreign-file", "missing-region"]);
  assert.deepEqual(
    repaired.repairs.map(({ refused }) => refused),
    new Array(6).fill(undefined),
  );
  assert.ok(!readdirSync(regions).includes("900.9"));
  for (const file of ["target-0/target.json", "meta/meta.mdb", "logs/target-1.log"]) {
    assert.equal(statSync(path.join(home.data, file)).mode & 0o777, 0o600);
  }

  await home.ok("rm", ":/lost");
  rmSync(path.join(regions, "notes.txt"));
  rmSync(path.join(logs, "1.0"));
  assert.deepEqual(kinds(await check(home, 0)), []);
  assert.equal(await home.ok("cat", ":/kept"), "kept");

  const other = await home.run(["check", "--data", home.dir]);
  assert.equal(other.code, 2);
  assert.match(other.stderr, /is not the data directory of the cluster/);

  const pid = await pidOf(home, "target-1");
  process.kill(pid, "SIGSTOP");
  try {
    for (let tries = 0; (await stateOf(home, "target-1")) !== "down"; tries += 1) assert.ok(tries < 100);
    const partly = await check(home, 23);
    assert.deepEqual(
      partly.notChecked.map(({ what }) => what),
      ["target-1"],
    );
  } finally {
    process.kill(pid, "SIGCONT");
  }
});

async function targetOf(home: Home, name: string): Promise<{ pid: number; state: string }> {
  const { targets } = JSON.parse(await home.ok("status", "--json"));
  return targets.find((target: { name: string }) => target.name === name);
}

const pidOf = async (home: Home, name: string): Promise<number> => (await targetOf(home, name)).pid;
const stateOf = async (home: Home, name: string): Promise<string> => (await targetOf(home, name)).state;
