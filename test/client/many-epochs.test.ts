/** After very many epochs of both kinds of origins, the processes of a cluster hold what they held before. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type DidafsWindow, type EpochOptions } from "../../src/index.ts";
import { type ProcessCluster, startProcessCluster, until } from "../support/process-cluster.ts";
import { retainedBytes } from "../support/retained-bytes.ts";

/** Of each origin, between two looks. */
const EPOCHS = Number(process.env.DIDAFS_REAL_EPOCHS ?? 25_000);
/** One in so many waits for a sync, locks a range, is given up, meets a conflict. */
const [STABLE, LOCKED, GIVEN_UP, CONFLICT] = [50, 5, 11, 13];
const FILE_BYTES = 64 << 10;
const LINE_BYTES = 4096;
/** The engine's caches come and go; an object that each epoch left would be several times as much. */
const RETAINED_BYTES = 4 << 20;
const MEMORY: EpochOptions = { durability: "memory" };
/** Of a log of 64 MiB, once it was given back. */
const LOG_LEFT_BYTES = 4 << 20;
const BLOCK = new Uint8Array(FILE_BYTES);
const TIMEOUT_MS = 300_000;

interface Held {
  readonly descriptors: number;
  readonly locks: number;
  readonly epochs: number;
  readonly logBytes: number;
  readonly retained: number;
}

/** A log is given back where half of it is taken: more is put there until it falls. @returns what is left then, in bytes */
async function trimmed(services: ProcessCluster, window: DidafsWindow): Promise<number> {
  let before = 0;
  for (;;) {
    const bytes = await services.metric("didafs_target_epoch_log_bytes");
    if (bytes < before / 2) return bytes;
    before = bytes;
    await window.epoch(MEMORY, (e) => e.put(0, BLOCK));
  }
}

/** The least of several looks: what the blocks above took is given back in the background. */
async function retained(): Promise<number> {
  let least = retainedBytes();
  for (let look = 0; look < 5; look += 1) {
    await sleep(100);
    least = Math.min(least, retainedBytes());
  }
  return least;
}

function descriptorCount(services: ProcessCluster): number {
  return readdirSync(`/proc/${services.pidOf("target")}/fd`).length;
}

async function held(services: ProcessCluster, window: DidafsWindow): Promise<Held> {
  const logBytes = await trimmed(services, window);
  return {
    descriptors: descriptorCount(services),
    locks: await services.metric("didafs_target_locks"),
    epochs: await services.metric("didafs_target_epochs"),
    logBytes,
    retained: await retained(),
  };
}

const givenUp = new Error("given up");

async function commit(window: DidafsWindow, other: DidafsWindow, epoch: number): Promise<void> {
  const at = (epoch % (FILE_BYTES / LINE_BYTES)) * LINE_BYTES;
  if (epoch % CONFLICT === 0) {
    const conflict = window.epoch(MEMORY, async (e) => {
      await e.load(at);
      await other.store(at, epoch);
      await e.store(at + 8, epoch);
    });
    await assert.rejects(conflict, { code: "ERR_EPOCH_CONFLICT" });
  } else if (epoch % GIVEN_UP === 0) {
    const body = async (): Promise<never> => {
      throw givenUp;
    };
    await assert.rejects(window.epoch(MEMORY, body), givenUp);
  } else if (epoch % LOCKED === 0) {
    const ranges = [{ at, length: 16 }];
    await window.epoch({ ...MEMORY, isolation: "exclusive", ranges }, (e) => e.store(at, epoch));
  } else if (epoch % STABLE === 0) await window.epoch((e) => e.store(at, epoch));
  else await window.epoch(MEMORY, (e) => e.store(at, epoch));
}

test("after very many epochs of real processes everything is as it was", {
  timeout: TIMEOUT_MS,
}, async (context) => {
  await using services = await startProcessCluster();
  await using direct = await connect(services.url, { transport: "direct" });
  await using tcp = await connect(services.url, { transport: "tcp" });
  const origins = await Promise.all(
    [direct, tcp].map(async (cluster, number) => {
      const file = await cluster.open(`/${number}`, { create: true, size: FILE_BYTES });
      return [await file.window({ rights: "rw" }), await file.window({ rights: "rw" })] as const;
    }),
  );
  let epoch = 0;
  const many = async (count: number): Promise<void> => {
    const end = epoch + count;
    for (; epoch < end; epoch += 1)
      await Promise.all(origins.map(([window, other]) => commit(window, other, epoch)));
  };
  // Caches fill, code is compiled.
  await many(EPOCHS / 5);
  const [[window]] = origins as [(typeof origins)[0]];
  const before = await held(services, window);
  await many(EPOCHS);
  const committed = Math.floor(EPOCHS * 2 * (1 - 1 / CONFLICT - 1 / GIVEN_UP));
  assert.ok((await services.metric("didafs_target_epochs_total")) > committed, "they were committed");
  // One is open for a moment while a record is replaced.
  await until(() => descriptorCount(services) <= before.descriptors);
  const after = await held(services, window);
  context.diagnostic(JSON.stringify({ before, after }));
  for (const { locks, epochs } of [before, after])
    assert.deepEqual({ locks, epochs }, { locks: 0, epochs: 0 });
  assert.ok(after.descriptors <= before.descriptors, `${after.descriptors} descriptors`);
  assert.ok(Math.max(before.logBytes, after.logBytes) < LOG_LEFT_BYTES, "what the log holds");
  assert.ok(after.retained - before.retained < RETAINED_BYTES, "what the origins hold");
});
