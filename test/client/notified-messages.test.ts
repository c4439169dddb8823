/** What a notified put costs in messages, beside a put alone and beside what a program does without notified access. */
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { connect, type DidafsWindow, type NotificationQueue } from "../../src/index.ts";
import { lookAtCounters } from "../../src/runtime/counters-look.ts";
import { countersFile } from "../../src/runtime/target-counters.ts";
import { NOTICE_BYTES } from "../../src/wire/notifications.ts";
import { startLocalCluster } from "../support/local-cluster.ts";

const FRAME_BYTES = 64;
const TAG = 7;
const WITHIN_MS = 10_000;
const LOOK_MS = 2;

/** Bytes that went into the target and out of it. */
interface Moved {
  readonly in: number;
  readonly out: number;
}

const NOTHING: Moved = { in: 0, out: 0 };
/** A command without bytes, and its answer. */
const ONE_EACH_WAY: Moved = { in: FRAME_BYTES, out: FRAME_BYTES };
/** `next` is under way beforehand: a command whose answer is still to come. */
const ASKED: Moved = { in: FRAME_BYTES, out: 0 };
/** Its answer, with one notification. */
const TOLD: Moved = { in: 0, out: FRAME_BYTES + NOTICE_BYTES };

/** Eight bytes travel in the command itself. */
function putOf(size: number): Moved {
  return { in: FRAME_BYTES + (size > 8 ? size : 0), out: FRAME_BYTES };
}

/** Two clients that reach the target by different means, so that its counts tell them apart. */
interface Stage {
  readonly producer: DidafsWindow;
  readonly queue: NotificationQueue;
  /** Waits for what was issued together; exactly that must have been moved since the last exchange. */
  exchange(issued: readonly Promise<unknown>[], producer: Moved, consumer: Moved): Promise<void>;
}

for (const transport of ["tcp", "direct"] as const) {
  test(`a notified put over ${transport} is as many messages as a put, and a round trip less than to tell of it`, async () => {
    await onStage(transport, async (stage) => {
      for (const size of [8, 4096]) await tellByPut(stage, size);
      await tellBehindFlush(stage);
    });
  });
}

test("notified puts of raw windows on the target's host are no messages at all, while who is told is at work", async () => {
  await using local = await startLocalCluster({ targets: 1 });
  const { url } = local.cluster;
  const raw = { rights: "rw", sharing: "raw" } as const;
  await using one = await connect(url, { transport: "direct" });
  await using other = await connect(url, { transport: "direct" });
  await using file = await one.open("/bytes", { create: true, size: 4096 });
  await using producer = await file.window(raw);
  await using second = await other.open("/bytes");
  await using theirs = await second.window(raw);
  await using queue = await theirs.notifications();
  const hand = async (count: number): Promise<void> => {
    for (let tag = 0; tag < count; tag += 1) {
      const bytes = new Uint8Array(8).fill(tag);
      await producer.putNotify(8, bytes, tag);
      assert.deepEqual(await queue.next(), { source: one.origin, tag, at: 8, length: 8 });
      assert.deepEqual(await theirs.get(8, new Uint8Array(8)), bytes);
    }
  };
  // The board is fetched beside the first of them.
  assert.ok(
    await hasCome(async () => {
      const before = look(local.dir).totals;
      await hand(10);
      await sleep(20 * LOOK_MS);
      return isDeepStrictEqual(look(local.dir).totals, before);
    }),
  );
  const before = await counted(local.dir);
  await hand(1000);
  assert.deepEqual(await counted(local.dir), before);
});

async function tellByPut({ producer, queue, exchange }: Stage, size: number): Promise<void> {
  const bytes = new Uint8Array(size).fill(size / 8);
  await exchange([producer.put(0, bytes)], putOf(size), NOTHING);
  const waiting = queue.next();
  await exchange([], NOTHING, ASKED);
  await exchange([producer.putNotify(0, bytes, TAG), waiting], putOf(size), TOLD);
  const { tag, at, length } = await waiting;
  assert.deepEqual({ tag, at, length }, { tag: TAG, at: 0, length: size });
}

async function tellBehindFlush({ producer, queue, exchange }: Stage): Promise<void> {
  const bytes = new Uint8Array(8).fill(2);
  let isTold = false;
  const waiting = queue.next().then(() => {
    isTold = true;
  });
  await exchange([], NOTHING, ASKED);
  // The message may leave once the flush behind the put is answered: a notified put is over by then.
  await exchange([producer.put(0, bytes), producer.flush()], sum(putOf(8), ONE_EACH_WAY), NOTHING);
  assert.equal(isTold, false);
  // By the same means: a notification that has no bytes.
  await exchange([producer.putNotify(0, new Uint8Array(0), TAG), waiting], ONE_EACH_WAY, TOLD);
}

async function onStage(transport: "tcp" | "direct", play: (stage: Stage) => Promise<void>): Promise<void> {
  await using local = await startLocalCluster({ targets: 1 });
  const { url } = local.cluster;
  await using one = await connect(url, { transport });
  await using other = await connect(url, { transport: transport === "tcp" ? "direct" : "tcp" });
  await using file = await one.open("/bytes", { create: true, size: 4096 });
  await using producer = await file.window({ rights: "rw" });
  await using second = await other.open("/bytes");
  await using theirs = await second.window();
  await using queue = await theirs.notifications();
  // Connections have introduced themselves by then.
  await producer.put(0, new Uint8Array(8));
  const expected = await counted(local.dir);
  const [mine, others] = transport === "tcp" ? (["tcp", "unix"] as const) : (["unix", "tcp"] as const);
  const exchange: Stage["exchange"] = async (issued, ofProducer, ofConsumer) => {
    await Promise.all(issued);
    expected[mine] = sum(expected[mine], ofProducer);
    expected[others] = sum(expected[others], ofConsumer);
    await hasCome(() => isDeepStrictEqual(look(local.dir).totals, expected));
    assert.deepEqual(look(local.dir).totals, expected);
  };
  await play({ producer, queue, exchange });
  // Whatever was sent besides is in the totals once a later command is.
  await exchange([producer.put(0, new Uint8Array(8))], putOf(8), NOTHING);
}

function sum(one: Moved, other: Moved): Moved {
  return { in: one.in + other.in, out: one.out + other.out };
}

/** By the kind of connection. */
type Totals = Record<"unix" | "tcp", Moved>;

/** What the target's one worker has counted by now, in the memory that it counts in. */
function look(dir: string): { readonly totals: Totals; readonly aliveMs: number } {
  const { workers } = lookAtCounters(countersFile(path.join(dir, "data", "target-0")), performance.now());
  assert.equal(workers.length, 1);
  const [{ counts, aliveMs }] = workers as [(typeof workers)[number]];
  const unix = { in: counts.unixBytesIn, out: counts.unixBytesOut };
  const tcp = { in: counts.tcpBytesIn, out: counts.tcpBytesOut };
  return { totals: { unix, tcp }, aliveMs };
}

/** All that is answered. The worker counts an answer behind sending it, so it may be here before: but in the same round. */
async function counted(dir: string): Promise<Totals> {
  const { aliveMs } = look(dir);
  assert.ok(await hasCome(() => look(dir).aliveMs !== aliveMs));
  return look(dir).totals;
}

async function hasCome(isSo: () => boolean | Promise<boolean>): Promise<boolean> {
  const endMs = performance.now() + WITHIN_MS;
  for (;;) {
    if (await isSo()) return true;
    if (performance.now() >= endMs) return false;
    await sleep(LOOK_MS);
  }
}
