/** `didafs down` while clients are at work: what was acknowledged is there after the next `up`. */
import assert from "node:assert/strict";
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
