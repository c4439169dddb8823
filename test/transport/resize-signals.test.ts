import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { DidafsFile } from "../../src/index.ts";
import { isDidafsError } from "../../src/index.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";
import { alsoWhereItMayMount, smallFileSystem } from "../support/small-file-system.ts";
import { type Child, startChild } from "../system/child.ts";

/** No access ends in a signal, whatever happens to the file under it: real processes on real mappings. */
const SIZE = 1 << 20;
const UNIT = 16_384;

interface Counts {
  readonly done: number;
  readonly refused: number;
  readonly lost: number;
  readonly detached: number;
}

async function usedByChild(t: TestContext, local: LocalCluster, targets: number) {
  const client = await local.attach("direct");
  const create = { create: "exclusive", size: SIZE, targets, stripeUnit: UNIT } as const;
  const files = [await client.open("/raw", create), await client.open("/managed", create)];
  const child = startChild(t, "../transport/resize-child.ts", [local.cluster.url, "/raw", "/managed"]);
  assert.equal(await child.said(), "ready");
  return { files, child };
}

/** What it has done since it began; it must go on for that. */
async function counted(child: Child): Promise<Counts> {
  child.tell("count");
  return (await child.said()) as Counts;
}

async function stop(child: Child): Promise<void> {
  const ended = once(child.process, "exit");
  child.tell("stop");
  await child.said();
  assert.deepEqual(await ended, [0, null], "it ends by itself, not by a signal");
}

async function until(reached: () => boolean | Promise<boolean>): Promise<void> {
  const signal = AbortSignal.timeout(40_000);
  while (!(await reached())) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The only target has so many. */
const sessionsAre = (local: LocalCluster, count: number) =>
  until(async () => (await local.cluster.status()).targets[0]?.sessions === count);

const resizeAll = (files: readonly DidafsFile[], size: number) =>
  Promise.all(files.map((file) => file.resize(size)));

for (const drive of ["file", "memory"] as const) {
  for (const targets of [1, 3]) {
    test(`windows and views outlive every resize and the removal, on ${targets} ${drive} targets`, async (t) => {
      await using local = await startLocalCluster({ drive, targets });
      const { files, child } = await usedByChild(t, local, targets);
      let refused = 0;
      for (let round = 0; round < 8; round += 1) {
        for (const size of [SIZE / 2, 5000, 0, 1, SIZE - 1, 3 * SIZE, 70_000]) await resizeAll(files, size);
        const counts = await counted(child);
        assert.ok(counts.refused > refused, "it goes on, and meets what is cut");
        ({ refused } = counts);
      }
      await resizeAll(files, SIZE);
      const { done } = await counted(child);
      await Promise.all(["/raw", "/managed"].map((name) => local.cluster.remove(name)));
      const after = await counted(child);
      assert.ok(after.done > done, "a removed file serves those who have it open");
      assert.equal(after.lost + after.detached, 0, "nothing ended under it");
      await stop(child);
    });
  }
}

const small = smallFileSystem(64 << 20);
if (small === undefined) alsoWhereItMayMount(import.meta.filename);
else {
  test("a process that was stopped while its files were cut goes on without a signal, on a drive that is full", (t) =>
    onFullDrive(t, small));
}

async function onFullDrive(t: TestContext, directory: string): Promise<void> {
  await using local = await startLocalCluster({}, directory);
  const { files, child } = await usedByChild(t, local, 1);
  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  };
  const filler = path.join(directory, "filler");
  await sessionsAre(local, 1);
  child.process.kill("SIGSTOP");
  await resizeAll(files, 4096);
  // Its lease ends, and with it everything that the target knows of it.
  await sessionsAre(local, 0);
  writeFileSync(filler, Buffer.alloc(freeBytes() - 65_536));
  await assert.rejects(resizeAll(files, 4 * SIZE), (error) => isDidafsError(error, "ERR_NO_SPACE"));
  writeFileSync(filler, Buffer.alloc(freeBytes()), { flag: "a" });
  assert.equal(freeBytes(), 0);
  child.process.kill("SIGCONT");
  const counts = await counted(child);
  assert.ok(counts.lost > 0, "it hears that its session has ended");
  await stop(child);
  rmSync(filler);
  // Nobody has them mapped now, so what was cut is free with their next use.
  const before = freeBytes();
  await resizeAll(files, 4000);
  await until(() => freeBytes() > before + SIZE);
}

test("a process that was stopped while its files were cut goes on without a signal, on a memory drive", async (t) => {
  await using local = await startLocalCluster({ drive: "memory" });
  const { files, child } = await usedByChild(t, local, 1);
  await sessionsAre(local, 1);
  child.process.kill("SIGSTOP");
  await resizeAll(files, 4096);
  await sessionsAre(local, 0);
  await resizeAll(files, 2 * SIZE);
  child.process.kill("SIGCONT");
  assert.ok((await counted(child)).lost > 0);
  await stop(child);
});
