import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import type { TopReport } from "../../src/cli/top/view.ts";
import { BIN, Home } from "./didafs.ts";

async function look(home: Home, ...args: string[]): Promise<TopReport> {
  return JSON.parse(await home.ok("top", "--once", "--json", "--interval-ms", "200", ...args)) as TopReport;
}

/** `top --json` as it runs, a report at a time, until the test has seen what it waits for. */
async function watch(home: Home, enough: (report: TopReport) => boolean): Promise<number> {
  const child = spawn(process.execPath, [BIN, "top", "--json", "--interval-ms", "200"], {
    env: home.env,
    timeout: 60_000,
  });
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (enough(JSON.parse(line) as TopReport)) break;
    }
  } finally {
    child.kill("SIGINT");
  }
  const [code] = await once(child, "exit");
  return code as number;
}

/** Puts over a socket, again and again, until `done` settles. */
async function busy(home: Home, done: Promise<unknown>): Promise<void> {
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  done.then(end, end);
  while (!ended) await home.run(["--transport", "tcp", "put", "-", ":/hot"], { input: "x".repeat(5000) });
}

test("top tells rates, latencies and the hot file by its path, and ends by a signal in good order", async () => {
  await using home = new Home();
  await home.up("--targets", "2");
  writeFileSync(path.join(home.dir, "file"), "y".repeat(10_000));
  await home.ok("mkdir", ":/dir");
  await home.ok("cp", "file", ":/hot");
  let seen: TopReport | undefined;
  const watching = watch(home, (report) => {
    seen = report;
    return report.files.some((file) => file.path === "/hot" && file.writtenBytes > 0);
  });
  await Promise.all([watching, busy(home, watching)]);
  assert.equal(await watching, 0);
  const [hot] = seen?.files ?? [];
  const target = seen?.targets.find(({ name }) => name === hot?.targets[0]);
  assert.equal(target?.state, "serving");
  assert.equal(target?.problem, null);
  assert.ok((target?.perSecond?.puts ?? 0) > 0);
  assert.ok((target?.perSecond?.tcpBytesIn ?? 0) > 0);
  assert.equal(target?.perSecond?.unixBytesIn, 0);
  const { p50Ms = 0, p999Ms = 0, count = 0 } = target?.commands ?? {};
  assert.ok(count > 0 && p50Ms > 0 && p50Ms <= p999Ms);

  const text = await home.ok("top", "--once", "--interval-ms", "100");
  assert.match(text, /target-0 +serving/);
  assert.match(text, /mappings were passed/);
});

test("a target that hangs or was killed is told of without being asked; its next life keeps what it had counted", async () => {
  await using home = new Home();
  const { pid: supervisor } = await home.up();
  await home.run(["--transport", "tcp", "put", "--create", "-", ":/f"], { input: "x".repeat(100) });
  const [target] = (await look(home)).targets;
  const pid = target?.pid as number;
  const operations = target?.totals.operations as number;
  assert.ok(pid > 0 && operations > 0);
  process.kill(pid, "SIGSTOP");
  let [hung] = (await look(home)).targets;
  while (hung?.state === "serving") [hung] = (await look(home)).targets;
  assert.equal(hung?.state, "hung");
  assert.match(hung?.problem ?? "", new RegExp(`process ${pid} is there, but has done nothing for \\d`));

  process.kill(supervisor, "SIGSTOP");
  process.kill(pid, "SIGKILL");
  let [gone] = (await look(home)).targets;
  while (gone?.state === "hung") [gone] = (await look(home)).targets;
  assert.equal(gone?.state, "gone");
  assert.match(gone?.problem ?? "", /has ended; its last sign of life was \d/);
  assert.equal(gone?.totals.operations, operations);

  process.kill(supervisor, "SIGCONT");
  let [again] = (await look(home)).targets;
  while (again?.pid === pid) [again] = (await look(home)).targets;
  assert.equal(again?.state, "serving");
  const former = JSON.parse(await home.ok("top", "--former", "--json")) as TopReport;
  assert.equal(former.targets[0]?.pid, pid);
  assert.equal(former.targets[0]?.totals.operations, operations);
});

test("where there is nothing to read it says why, and what to do", async () => {
  await using home = new Home();
  const none = await home.run(["top", "--once"]);
  assert.equal(none.code, 6);
  assert.match(none.stderr, /holds no cluster; counters are read on the machine that serves.*--data/);
  await home.up();
  const other = await home.run(["--url", "didafs://192.0.2.1:7420", "top", "--once"]);
  assert.equal(other.code, 2);
  assert.match(other.stderr, /serves didafs:.*, not didafs:\/\/192\.0\.2\.1:7420;.*on the machine/);
  const former = await home.run(["top", "--former", "--json"]);
  assert.equal(former.code, 6);
  assert.equal(JSON.parse(former.stderr).error.code, "ERR_NOT_RUNNING");
  await home.ok("down");
  const down = await home.run(["top", "--once"]);
  assert.equal(down.code, 6);
  assert.match(down.stderr, /the target does not run/);
});
