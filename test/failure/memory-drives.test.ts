/** What a memory drive loses with its target, and what does not suffer from it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cluster, connect, type DidafsWindow, isDidafsError, type Transport } from "../../src/index.ts";
import { type Service, Services } from "./services.ts";

const BYTES = 64 * 1024;
const CALL_MS = 5000;
const TURN_MS = 20;

async function write(cluster: Cluster, path: string, drive: "file" | "memory", targets: number) {
  const file = await cluster.open(path, { create: true, size: BYTES, drive, targets, stripeUnit: 4096 });
  const window = await file.window({ rights: "rw" });
  await window.put(0, new Uint8Array(BYTES).fill(7));
  await window.flush(drive === "file" ? "stable" : "memory");
  return { file, window };
}

async function isSeven(window: DidafsWindow): Promise<void> {
  const bytes = await window.get(0, new Uint8Array(BYTES));
  assert.ok(bytes.every((byte) => byte === 7));
}

/** Tries until `body` ends in another way than with one of the errors that say: not now. */
async function settled<T>(body: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + 6 * CALL_MS;
  for (;;) {
    try {
      return await body();
    } catch (error) {
      const passes = isDidafsError(
        error,
        "ERR_UNREACHABLE",
        "ERR_SESSION_LOST",
        "ERR_TIMEOUT",
        "ERR_NO_TARGET",
      );
      if (!passes || performance.now() > endMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, TURN_MS));
  }
}

for (const transport of ["direct", "tcp"] as const satisfies Transport[]) {
  test(`${transport}: a memory drive's target dies: its regions are lost, all others are as they were`, async () => {
    const target = new URL("./fixtures/mixed-target.ts", import.meta.url);
    await using services = await Services.start({ targets: 3, target });
    const { url, keyFile } = services;
    await using cluster = await connect(url, { keyFile, transport, timeoutMs: CALL_MS });
    const lost = await write(cluster, "/lost", "memory", 1);
    const kept = await write(cluster, "/kept", "file", 2);
    const victims = (await services.list()).filter(({ name }) => name === "target-0");
    services.kill(victims);
    await assert.rejects(
      async () => {
        for (const endMs = performance.now() + CALL_MS; performance.now() < endMs; )
          await isSeven(lost.window);
      },
      (error) => isDidafsError(error, "ERR_SESSION_LOST"),
      "a window that is open says that its session has ended",
    );
    assert.throws(
      () => lost.window.getSync(0, new Uint8Array(8)),
      (error) => isDidafsError(error, "ERR_SESSION_LOST"),
    );
    await isSeven(kept.window);
    await assert.rejects(
      settled(() => lost.file.window()),
      { code: "ERR_DATA_LOST", path: "/lost" },
    );
    await isSeven(kept.window);
    await services.whole(victims);
    const reopened = await settled(() => cluster.open("/lost"));
    await assert.rejects(reopened.window({ rights: "rw" }), { code: "ERR_DATA_LOST" });
    await isSeven(kept.window);
    await isSeven((await write(cluster, "/new", "memory", 1)).window);
    await restartAll(services);
    await isSeven(await settled(async () => (await cluster.open("/kept")).window()));
    for (const path of ["/lost", "/new"]) {
      const file = await settled(() => cluster.open(path));
      await assert.rejects(
        settled(() => file.window()),
        { code: "ERR_DATA_LOST" },
      );
      await settled(() => cluster.remove(path));
    }
    assert.deepEqual(services.complaints(), []);
  });
}

async function restartAll(services: Services): Promise<void> {
  const all: Service[] = await services.list();
  services.kill(all);
  await services.whole(all);
}
