import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { type ClusterOptions, type RunningCluster, startCluster } from "../../src/runtime/cluster.ts";
import { readRunRecord } from "../../src/runtime/run-file.ts";
import { readShape } from "../../src/runtime/shape.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import type { FakeOptions } from "./fixtures/fake-service.ts";
import { isProcess, scratch, until } from "./scratch.ts";

const FAKE = new URL("./fixtures/fake-service.ts", import.meta.url);
const ID = "0123456789abcdef0123456789abcdef";

function start(dir: string, options: Partial<ClusterOptions> = {}): Promise<RunningCluster> {
  const entries = { meta: FAKE, target: FAKE };
  return startCluster({ dir, key: new Uint8Array(32), port: 0, spawn: "process", entries, ...options });
}

function behave(dir: string, service: string, options: FakeOptions): void {
  mkdirSync(path.join(dir, service), { recursive: true });
  writeFileSync(path.join(dir, service, "fake.json"), JSON.stringify(options));
}

const journal = (dir: string): string[] => readFileSync(path.join(dir, "journal"), "utf8").trim().split("\n");
const starts = (dir: string, label: string): number =>
  existsSync(path.join(dir, "journal")) ? journal(dir).filter((line) => line === `start ${label}`).length : 0;
const supervisorLog = (dir: string): string => readFileSync(path.join(dir, "logs/supervisor.log"), "utf8");

for (const spawn of ["process", "thread"] as const) {
  test(`${spawn}: metadata service first, then the targets; down in reverse`, async () => {
    using at = scratch();
    const cluster = await start(at.dir, { spawn, targets: 2 });
    assert.equal(cluster.url, "didafs://127.0.0.1:45678");
    assert.deepEqual([cluster.id, cluster.targets, cluster.drive], [ID, 2, "file"]);
    assert.deepEqual(
      cluster.services().map(({ name }) => name),
      ["meta", "target-0", "target-1"],
    );
    assert.deepEqual(readShape(at.dir), { format: 1, id: ID, targets: 2, drive: "file" });
    assert.equal(readRunRecord(at.dir)?.url, cluster.url);
    await Promise.all([cluster.stop(), cluster.stop()]);
    assert.equal(existsSync(path.join(at.dir, "run.json")), false);
    const lines = journal(at.dir);
    assert.equal(lines[0], "start meta 0");
    assert.deepEqual(lines.slice(1, 3).sort(), ["start target-0", "start target-1"]);
    assert.deepEqual(lines.slice(3, 5).sort(), ["stop target-0", "stop target-1"]);
    assert.equal(lines[5], "stop meta 0");
  });

  test(`${spawn}: a directory is served once at a time`, async () => {
    using at = scratch();
    const cluster = await start(at.dir, { spawn });
    await assert.rejects(start(at.dir, { spawn }), (error) => {
      assert.ok(isDidafsError(error, "ERR_ALREADY_RUNNING"));
      assert.match(error.message, new RegExp(`process ${process.pid} at didafs://127.0.0.1:45678`));
      return true;
    });
    assert.equal(readRunRecord(at.dir)?.pid, process.pid, "the record of the one that serves is untouched");
    await cluster.stop();
    await (await start(at.dir, { spawn })).stop();
  });

  test(`${spawn}: one service that fails takes everything down, and its code is passed on`, async () => {
    using at = scratch();
    behave(at.dir, "target-1", { fail: { code: "ERR_PLATFORM", message: "not here" } });
    await assert.rejects(start(at.dir, { spawn, targets: 3 }), {
      code: "ERR_PLATFORM",
      message: "target-1: not here",
    });
    assert.equal(existsSync(path.join(at.dir, "run.json")), false);
    rmSync(path.join(at.dir, "target-1/fake.json"));
    await (await start(at.dir, { spawn })).stop();
  });
}

test("the recorded shape is used again, another one is refused, a first start that failed binds nobody", async () => {
  using at = scratch();
  behave(at.dir, "meta", { fail: { code: "ERR_PORT_IN_USE", message: "taken" } });
  await assert.rejects(start(at.dir, { targets: 3 }), { code: "ERR_PORT_IN_USE" });
  assert.equal(readShape(at.dir), undefined);
  rmSync(path.join(at.dir, "meta/fake.json"));
  await (await start(at.dir, { targets: 2, drive: "memory" })).stop();
  const again = await start(at.dir);
  assert.deepEqual([again.targets, again.drive], [2, "memory"]);
  await again.stop();
  await assert.rejects(start(at.dir, { targets: 3 }), { code: "ERR_INVALID_ARGUMENT" });
  await assert.rejects(start(at.dir, { drive: "file" }), { code: "ERR_INVALID_ARGUMENT" });
});

test("metadata of another cluster are refused", async () => {
  using at = scratch();
  await (await start(at.dir)).stop();
  const record = path.join(at.dir, "cluster.json");
  writeFileSync(record, readFileSync(record, "utf8").replace(ID, ID.replace("0", "f")));
  await assert.rejects(start(at.dir), { code: "ERR_CORRUPT" });
});

test("a metadata service that died comes back on its port", async () => {
  using at = scratch();
  const cluster = await start(at.dir);
  const pid = cluster.services()[0]?.pid as number;
  process.kill(pid, "SIGKILL");
  await until(() => /serves again","child":"meta"/.test(supervisorLog(at.dir)));
  assert.equal(journal(at.dir).at(-1), "start meta 45678");
  assert.notEqual(cluster.services()[0]?.pid, pid);
  await cluster.stop();
});

test("a start that takes too long, or is interrupted, leaves nothing running", async () => {
  using at = scratch();
  behave(at.dir, "target-0", { neverReady: true });
  await assert.rejects(start(at.dir, { timeoutMs: 700 }), { code: "ERR_TIMEOUT" });
  const stop = new AbortController();
  rmSync(path.join(at.dir, "journal"), { force: true });
  const starting = start(at.dir, { signal: stop.signal });
  await until(() => starts(at.dir, "target-0") > 0);
  stop.abort();
  await assert.rejects(starting, { code: "ERR_ABORTED" });
  assert.equal(existsSync(path.join(at.dir, "run.json")), false);
});

test("a service whose folder an orphan still holds is waited for", async () => {
  using at = scratch();
  const gone = path.join(at.dir, "orphan-gone");
  behave(at.dir, "meta", { fail: { code: "ERR_ALREADY_RUNNING", message: "held", until: gone } });
  const starting = start(at.dir);
  await until(() => starts(at.dir, "meta 0") > 1);
  writeFileSync(gone, "");
  await (await starting).stop();
});

test("services end when their supervisor is killed", async () => {
  using at = scratch();
  const script = `import { startCluster } from ${JSON.stringify(new URL("../../src/runtime/cluster.ts", import.meta.url).href)};
    const entry = new URL(${JSON.stringify(FAKE.href)});
    const cluster = await startCluster({ dir: ${JSON.stringify(at.dir)}, key: new Uint8Array(32), port: 0, spawn: "process", entries: { meta: entry, target: entry } });
    console.log(JSON.stringify(cluster.services().map(({ pid }) => pid)));`;
  const { spawn } = await import("node:child_process");
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await child.stdout.setEncoding("utf8").take(1).toArray();
  const pids = JSON.parse(line) as number[];
  assert.equal(pids.length, 2);
  assert.ok(pids.every(isProcess));
  child.kill("SIGKILL");
  await until(() => !pids.some(isProcess));
});
