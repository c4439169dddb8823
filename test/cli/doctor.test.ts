import assert from "node:assert/strict";
import { mkdirSync, readdirSync, statfsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { test } from "node:test";
import { examine, type Finding, finding } from "../../src/cli/doctor/finding.ts";
import { Home } from "./didafs.ts";

interface Report {
  readonly code: number | null;
  readonly problems: number;
  readonly find: (check: string) => Finding | undefined;
}

async function doctor(home: Home, ...args: string[]): Promise<Report> {
  const { code, stdout, stderr } = await home.run(["doctor", "--json", ...args]);
  assert.equal(stderr, "");
  const { problems, findings } = JSON.parse(stdout) as { problems: number; findings: Finding[] };
  assert.equal(code, problems === 0 ? 0 : 21);
  return { code, problems, find: (check) => findings.find((one) => one.check === check) };
}

const NOBODY = "didafs://127.0.0.1:1";

test("without data, key and cluster it looks at everything, names what is not there, and leaves nothing behind", async () => {
  await using home = new Home();
  const { find } = await doctor(home, "--url", NOBODY);
  const looked = ["system", "kernel", "node", "libc", "memfd", "userfaultfd", "io_uring", "pidfd", "fuse"];
  looked.push("fusermount3", "open files", "locked memory", "mappings", "pids", "memory", "/dev/shm", "data");
  looked.push(
    "file system",
    "free space",
    "reservation",
    "key",
    "port",
    "cluster",
    "clock",
    "C compiler",
    "fio",
  );
  for (const check of looked) assert.ok(find(check), check);
  assert.match(find("data")?.message ?? "", /does not exist yet/);
  assert.deepEqual([find("key")?.outcome, find("cluster")?.outcome], ["note", "note"]);
  assert.match(find("cluster")?.wayOut ?? "", /didafs up/);
  assert.deepEqual(readdirSync(home.dir), []);
});

test("for people each finding is a line with its way out, and the last line counts them", async () => {
  await using home = new Home();
  writeFileSync(home.data, "");
  const { code, stdout } = await home.run(["doctor", "--url", NOBODY]);
  assert.equal(code, 21);
  assert.match(stdout, /^problem +data +\S+ is no directory\. Way out: .*--data/m);
  assert.match(stdout, /^ok +node +Node \d+/m);
  assert.match(stdout, /\n\d+ problems, \d+ warnings, \d+ notes\n$/);
});

test("a key that others may read, or that is not there, is a problem", async () => {
  await using home = new Home();
  const key = path.join(home.dir, "key");
  const missing = await doctor(home, "--url", NOBODY, "--key-file", key);
  assert.equal(missing.find("key")?.outcome, "problem");
  writeFileSync(key, "ab".repeat(32), { mode: 0o644 });
  const open = await doctor(home, "--url", NOBODY, "--key-file", key);
  assert.match(open.find("key")?.message ?? "", /chmod 600/);
  mkdirSync(home.data);
  writeFileSync(path.join(home.data, "service-key"), "x", { mode: 0o640 });
  const service = (await doctor(home, "--url", NOBODY)).find("service key");
  assert.deepEqual([service?.outcome, /chmod 600/.test(service?.wayOut ?? "")], ["problem", true]);
});

test("a port that another program has is told with that program", async () => {
  await using home = new Home();
  const key = path.join(home.dir, "key");
  writeFileSync(key, "ab".repeat(32), { mode: 0o600 });
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.end("no cluster\n");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const { find } = await doctor(
    home,
    "--url",
    `didafs://127.0.0.1:${port}`,
    "--key-file",
    key,
    "--timeout",
    "2",
  );
  server.close();
  const cluster = find("cluster");
  assert.deepEqual([cluster?.outcome, find("port")?.outcome], ["problem", "ok"]);
  assert.match(cluster?.message ?? "", new RegExp(`process ${process.pid} `));
});

test("a cluster that serves is told, with the process that serves the data", async () => {
  await using home = new Home();
  const { pid, id, url } = await home.up("--targets", "2");
  const { find } = await doctor(home);
  assert.match(
    find("cluster")?.message ?? "",
    new RegExp(`cluster ${id} answers at ${url}: 2 of 2 targets up`),
  );
  assert.match(
    find("data")?.message ?? "",
    new RegExp(`holds cluster ${id}, 2 file target.*process ${pid} serves it`),
  );
  assert.deepEqual([find("key")?.outcome, find("version")], ["ok", undefined]);
});

test("data in memory is a warning", async () => {
  await using home = new Home();
  assert.equal(statfsSync("/dev/shm").type, 0x01021994, "a Linux machine has a tmpfs there");
  const { find } = await doctor(home, "--url", NOBODY, "--data", "/dev/shm/didafs-nothing");
  assert.deepEqual([find("file system")?.outcome, find("reservation")?.outcome], ["warning", "ok"]);
});

test("a probe that fails or never ends is a finding, and keeps no other one from it", async () => {
  const found = await examine([
    { check: "hangs", look: () => new Promise<never>(() => {}), withinMs: 10 },
    {
      check: "fails",
      look: () => {
        throw new Error("broken");
      },
    },
    { check: "works", look: () => [finding("works", "ok", "fine")] },
  ]);
  assert.deepEqual(
    found.map(({ check, outcome, message }) => [check, outcome, message]),
    [
      ["hangs", "warning", "no answer within 0.01 s"],
      ["fails", "warning", "cannot be looked at: broken"],
      ["works", "ok", "fine"],
    ],
  );
});
