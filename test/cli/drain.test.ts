/** `didafs down` while clients are at work: what was acknowledged is there after the next `up`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { type Cluster, connect, isDidafsError } from "../../src/index.ts";
import { until } from "../runtime/scratch.ts";
import { Home } from "./didafs.ts";

const FILE_BYTES = 64 * 1024;

/** What one client has been told is done. */
interface Acknowledged {
  /** By path, the number that every word of the file holds at least. */
  readonly flushed: Map<string, number>;
  readonly made: string[];
}

function keyFile(home: Home): string {
  return path.join(home.dir, ".config/didafs/key");
}

interface LogLine {
  readonly msg: string;
  readonly pid: number;
}

function log(home: Home, service: string): LogLine[] {
  const text = readFileSync(path.join(home.data, "logs", `${service}.log`), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** The last thing that a service says which was asked to end and did, and was not killed. */
function assertLeft(home: Home, service: string): void {
  assert.equal(log(home, service).at(-1)?.msg, "stopped", service);
}

/** Writes ever larger numbers over a whole file, each durable before the next. */
async function write(cluster: Cluster, name: string, { flushed }: Acknowledged): Promise<never> {
  const file = await cluster.open(name, { create: true, size: FILE_BYTES, targets: 2, stripeUnit: 4096 });
  const window = await file.window({ rights: "rw" });
  for (let number = 1; ; number += 1) {
    await window.put(0, new BigInt64Array(FILE_BYTES / 8).fill(BigInt(number)));
    await window.flush("stable");
    flushed.set(name, number);
  }
}

async function make(cluster: Cluster, prefix: string, { made }: Acknowledged): Promise<never> {
  for (let number = 0; ; number += 1) {
    const name = `${prefix}-${number}`;
    const file = await cluster.open(name, { create: "exclusive", size: 4096, targets: 2 });
    made.push(name);
    await file.close();
  }
}

for (const transport of ["direct", "tcp"] as const) {
  test(`${transport}: stopped under load, nothing that was acknowledged is lost and every client gets a typed error`, async () => {
    await using home = new Home();
    const { url } = await home.up("--targets", "2");
    const acknowledged: Acknowledged = { flushed: new Map(), made: [] };
    const clients = await Promise.all(
      Array.from({ length: 3 }, () => connect(url, { transport, keyFile: keyFile(home), timeoutMs: 5000 })),
    );
    const work = clients.flatMap((cluster, at) => [
      write(cluster, `/written-${at}`, acknowledged),
      make(cluster, `/made-${at}`, acknowledged),
    ]);
    const ends = Promise.allSettled(work);
    await until(() => acknowledged.flushed.size === 3 && acknowledged.made.length > 20);
    assert.match(await home.ok("down"), /stopped the cluster/);
    for (const service of ["meta", "target-0", "target-1"]) assertLeft(home, service);
    assert.ok(!log(home, "supervisor").some(({ msg }) => msg.includes("killed")));
    for (const end of await ends) {
      assert.ok(end.status === "rejected" && isDidafsError(end.reason), String(end));
    }
    await Promise.all(clients.map((cluster) => cluster.close()));
    const again = await home.up();
    await using cluster = await connect(again.url, { transport, keyFile: keyFile(home) });
    for (const [name, number] of acknowledged.flushed) {
      const file = await cluster.open(name);
      const window = await file.window({ rights: "r" });
      const words = new BigInt64Array(FILE_BYTES / 8);
      await window.get(0, words);
      assert.ok(
        words.every((word) => word >= BigInt(number)),
        `${name} has words below ${number}, which was flushed`,
      );
    }
    for (const name of acknowledged.made) assert.equal((await cluster.stat(name)).size, 4096);
  });
}

test("SIGTERM to one target drains it: its log says that it left, what it acknowledged is there, and it is back", async () => {
  await using home = new Home();
  const { url } = await home.up("--targets", "1");
  await using cluster = await connect(url, { transport: "tcp", keyFile: keyFile(home), timeoutMs: 5000 });
  const file = await cluster.open("/f", { create: true, size: FILE_BYTES });
  const window = await file.window({ rights: "rw" });
  let flushed = 0;
  const writing = (async () => {
    for (let number = 1; ; number += 1) {
      await window.put(0, new BigInt64Array(FILE_BYTES / 8).fill(BigInt(number)));
      await window.flush("stable");
      flushed = number;
    }
  })();
  const ended = assert.rejects(writing, (error) => isDidafsError(error, "ERR_SESSION_LOST"));
  await until(() => flushed > 3);
  const pid = log(home, "target-0").at(-1)?.pid as number;
  process.kill(pid, "SIGTERM");
  await ended;
  await until(() => log(home, "target-0").some((line) => line.pid !== pid && line.msg === "ready"));
  const ofFirst = log(home, "target-0").filter((line) => line.pid === pid);
  assert.equal(ofFirst.at(-1)?.msg, "stopped");
  await using again = await connect(url, { transport: "tcp", keyFile: keyFile(home), timeoutMs: 20_000 });
  await using reopened = await again.open("/f");
  await using reader = await reopened.window();
  assert.ok(reader.loadSync(0) >= flushed);
});
