/** What a notified put costs in messages, beside a put alone and beside what a program does without notified access. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClusterStatus, connect, type DidafsWindow, type NotificationQueue } from "../../src/index.ts";
import { NOTICE_BYTES } from "../../src/wire/notifications.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";
import { until } from "../support/process-cluster.ts";

const FRAME_BYTES = 64;
const TAG = 7;

/** Bytes that went into the target and out of it, by the kind of connection. */
interface Moved {
  readonly in: number;
  readonly out: number;
}

/** Of two processes that reach the target by different means, so that the target's counts tell them apart. */
interface Stage {
  readonly producer: DidafsWindow;
  readonly queue: NotificationQueue;
  /** Runs what is issued together, and waits for all of it: what was moved for the producer, and for the consumer. */
  exchange(operations: number, issue: () => readonly Promise<unknown>[]): Promise<[Moved, Moved]>;
}

for (const transport of ["tcp", "direct"] as const) {
  test(`a notified put over ${transport} is as many messages as a put, and tells who waits by one more`, async () => {
    await onStage(transport, async ({ producer, queue, exchange }) => {
      for (const size of [8, 4096]) {
        const bytes = new Uint8Array(size).fill(size / 8);
        const [put] = await exchange(1, () => [producer.put(0, bytes)]);
        const waiting = queue.next();
        // It is under way beforehand: one command.
        const [, asked] = await exchange(1, () => []);
        assert.deepEqual(asked, { in: FRAME_BYTES, out: 0 });
        const [notified, told] = await exchange(1, () => [producer.putNotify(0, bytes, TAG), waiting]);
        assert.deepEqual(notified, put);
        assert.deepEqual(told, { in: 0, out: FRAME_BYTES + NOTICE_BYTES });
        const { tag, at, length } = await waiting;
        assert.deepEqual({ tag, at, length }, { tag: TAG, at: 0, length: size });
      }
    });
  });

  test(`without notified access over ${transport} who waits is told a round trip later`, async () => {
    await onStage(transport, async ({ producer, queue, exchange }) => {
      const bytes = new Uint8Array(8).fill(1);
      const [put] = await exchange(1, () => [producer.put(0, bytes)]);
      let isTold = false;
      const waiting = queue.next().then(() => {
        isTold = true;
      });
      await exchange(1, () => []);
      // The message may leave once the flush behind the put is answered, which is a round trip that nobody is told by.
      const [flushed, nothing] = await exchange(2, () => [producer.put(0, bytes), producer.flush()]);
      assert.deepEqual(flushed, { in: put.in + FRAME_BYTES, out: put.out + FRAME_BYTES });
      assert.deepEqual(nothing, { in: 0, out: 0 });
      assert.equal(isTold, false);
      // By the same means: a sign that carries no bytes. Notified access has been through with one round trip by then.
      const sign = new Uint8Array(0);
      const [signed, told] = await exchange(1, () => [producer.putNotify(0, sign, TAG), waiting]);
      assert.deepEqual(signed, { in: FRAME_BYTES, out: FRAME_BYTES });
      assert.deepEqual(told, { in: 0, out: FRAME_BYTES + NOTICE_BYTES });
      assert.equal(isTold, true);
    });
  });
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
  let operations = 2;
  let before = await counts(local, operations);
  const exchange: Stage["exchange"] = async (more, issue) => {
    await Promise.all(issue());
    operations += more;
    const after = await counts(local, operations);
    const moved = (kind: "unix" | "tcp"): Moved => ({
      in: after[`${kind}BytesIn`] - before[`${kind}BytesIn`],
      out: after[`${kind}BytesOut`] - before[`${kind}BytesOut`],
    });
    const all = { unix: moved("unix"), tcp: moved("tcp") };
    before = after;
    return transport === "tcp" ? [all.tcp, all.unix] : [all.unix, all.tcp];
  };
  await play({ producer, queue, exchange });
}

type Counts = Readonly<Record<"unixBytesIn" | "unixBytesOut" | "tcpBytesIn" | "tcpBytesOut", number>>;

/** Once so many commands have been counted, which the target tells the metadata service now and then. */
async function counts(local: LocalCluster, operations: number): Promise<Counts> {
  let found: Record<string, number> = {};
  await until(async () => {
    const { targets }: ClusterStatus = await local.cluster.status();
    found = (targets[0] as { counters: Record<string, number> }).counters;
    return (found.operations as number) >= operations;
  });
  assert.equal(found.operations, operations);
  return found as unknown as Counts;
}
