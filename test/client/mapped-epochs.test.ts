/** In-epoch reads of windows that are mapped: no message, no half of an epoch, and who is asked where they cannot be. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { afterEach, describe, it } from "node:test";
import type { Cluster, DidafsWindow } from "../../src/index.ts";
import { lookAtCounters } from "../../src/runtime/counters-look.ts";
import { DidafsError } from "../../src/std/errors.ts";
import { LineGrants } from "../../src/target/line-grants.ts";
import { MappedLines } from "../../src/transport/mapped-lines.ts";
import { OPCODE } from "../../src/wire/header.ts";
import type { SimCluster } from "../sim/sim-cluster.ts";
import { startLocalCluster } from "../support/local-cluster.ts";
import { A, B, SIZE, startEpochCluster, UNIT } from "./epoch-cluster.ts";

const COMMITTER = new URL("./fixtures/committer.ts", import.meta.url);
const SOON_MS = 10_000;
/** At least, and until so many epochs have been seen. */
const READS = 400;
const EPOCHS = 20;
const UNVALIDATED = { isolation: "none" } as const;

describe("reads of a mapped window in an epoch, beside a process that commits", () => {
  it("see all of an epoch or nothing of it, at one worker and over two, and send no message", async (context) => {
    await using local = await startLocalCluster({ targets: 2 });
    const client = await local.attach("direct");
    await using file = await client.open("/mapped", {
      create: true,
      size: SIZE,
      targets: 2,
      stripeUnit: 2 * UNIT,
    });
    await using window = await file.window({ rights: "rw" });
    const asked = (): number => epochGetsIn(local.dir);
    // Two lines of one worker, next to each other, and one of another worker.
    const places = [UNIT - 8, UNIT, 2 * UNIT];
    const readAll = (): Promise<number[]> =>
      window.epoch(UNVALIDATED, (e) => Promise.all(places.map((at) => e.load(at))));
    const deadlineMs = performance.now() + SOON_MS;
    for (let before = -1; before !== asked(); ) {
      assert.ok(performance.now() < deadlineMs, "reads get by without messages");
      before = asked();
      await readAll();
    }
    const quiet = asked();
    for (let read = 0; read < READS; read += 1) await readAll();
    assert.equal(asked(), quiet, "nobody was asked");

    const committer = fork(COMMITTER, [JSON.stringify(places)], { env: { ...process.env, ...local.env } });
    await once(committer, "message");
    const seen = { last: 0, validated: 0, conflicts: 0 };
    for (let read = 0; read < READS || seen.last < EPOCHS; read += 1) {
      // One read of both lines is of one moment.
      const pair = await window.epoch(UNVALIDATED, (e) => e.get(UNIT - 8, new Uint8Array(16)));
      const words = new DataView(pair.buffer);
      assert.equal(words.getBigInt64(0, true), words.getBigInt64(8, true));
      // Who has seen an epoch at the worker that decides it finds it at the other one, too.
      const [first, then] = await window.epoch(UNVALIDATED, async (e) => [
        await e.load(places[0] as number),
        await e.load(places[2] as number),
      ]);
      assert.ok((then as number) >= (first as number), `${first} at the one, ${then} at the other`);
      seen.last = then as number;
      if (read % 10 !== 0) continue;
      try {
        const all = await window.epoch({ durability: "memory" }, async (e) => [
          await e.load(places[0] as number),
          await e.load(places[1] as number),
          await e.load(places[2] as number),
        ]);
        assert.equal(new Set(all).size, 1, `${all} was never there together`);
        seen.validated += 1;
      } catch (error) {
        if (!(error instanceof DidafsError) || error.code !== "ERR_EPOCH_CONFLICT") throw error;
        seen.conflicts += 1;
      }
    }
    committer.send("end");
    const [count] = (await once(committer, "message")) as [number];
    assert.deepEqual(await readAll(), [count, count, count]);
    context.diagnostic(
      `${count} epochs, ${seen.validated} reads of all validated, ${seen.conflicts} conflicts, ${asked() - quiet} asked`,
    );
  });
});

/** Commands of that kind that the targets of a cluster in that folder have counted. */
function epochGetsIn(dir: string): number {
  let count = 0;
  for (const target of [0, 1]) {
    const { workers } = lookAtCounters(path.join(dir, `data/target-${target}/counters`), performance.now());
    for (const { opcodes } of workers) count += opcodes[OPCODE.EPOCH_GET] as number;
  }
  return count;
}

describe("reads of a mapped window in an epoch", () => {
  const { grant } = LineGrants.prototype;
  const { read } = MappedLines.prototype;
  afterEach(() => {
    LineGrants.prototype.grant = grant;
    MappedLines.prototype.read = read;
  });

  /** Bytes that origins have sent to workers since. */
  function countSent(sim: SimCluster): () => number {
    let bytes = 0;
    sim.onConnect((stream, isData) => {
      if (!isData) return;
      const { send, sendSegments } = stream;
      const counted = (sent: number): number => {
        bytes += Math.max(0, sent);
        return sent;
      };
      stream.send = (...sending) => counted(send.apply(stream, sending));
      stream.sendSegments = (...sending) => counted(sendSegments.apply(stream, sending));
    });
    return () => bytes;
  }

  /** A client with a mapped window on a file of all twos, and what it has sent to workers. */
  async function start() {
    const { sim, run, windows } = await startEpochCluster(["tcp"]);
    // Opens the streams that it has for epochs, too: they are not counted.
    await run(windows[0].epoch((e) => Promise.all([A, B].map((at) => e.store(at, 2)))));
    const sent = countSent(sim);
    const client: Cluster = await sim.connect("direct");
    const file = await run(client.open("/epochs"));
    const window = await run(file.window({ rights: "rw" }));
    const both = (of: DidafsWindow = window): Promise<number[]> =>
      run(of.epoch(UNVALIDATED, (e) => Promise.all([e.load(A), e.load(B)])));
    /** What is fetched beside the first reads comes. */
    const settle = async (): Promise<void> => {
      await both();
      let rounds = 50;
      await sim.until(() => rounds-- === 0);
    };
    return { sim, run, sent, client, window, both, settle, other: windows[0] };
  }

  it("send nothing once versions are mapped, and are validated all the same", async () => {
    const { run, sent, client, window, both, settle, other } = await start();
    await settle();
    const before = sent();
    assert.deepEqual(await both(), [2, 2]);
    assert.equal(sent(), before);
    await run(other.epoch((e) => e.store(A, 3)));
    assert.deepEqual(await both(), [3, 2]);
    assert.equal(sent(), before);
    for (const change of [() => other.store(B, 9), () => other.epoch((e) => e.store(B, 9))]) {
      const late = await run(client.beginEpoch());
      await run(late.on(window).load(B));
      await run<unknown>(change());
      await assert.rejects(run(late.commit()), { code: "ERR_EPOCH_CONFLICT", applied: "no" });
      await run(window.epoch(async (e) => e.store(B, (await e.load(B)) + 1)));
    }
    assert.deepEqual(await both(), [3, 10]);
  });

  it("follow a write of their own window that is under way", async () => {
    const { run, sent, window, settle } = await start();
    await settle();
    const before = sent();
    const stored = window.store(A, 5);
    const read = window.epoch(UNVALIDATED, (e) => e.load(A));
    await run(stored);
    await run(read);
    assert.ok(sent() > before + 64, "it was asked for beside the store");
    assert.equal(await run(window.epoch(UNVALIDATED, (e) => e.load(A))), 5);
  });

  it("are over when the window is revoked, or closed, or its cluster", async () => {
    const { run, client, window, both, settle } = await start();
    await settle();
    await run(client.revoke("/epochs"));
    await assert.rejects(both(), { code: "ERR_REVOKED" });
    await run(window.close());
    await assert.rejects(both(), { code: "ERR_CLOSED" });
    const file = await run(client.open("/epochs"));
    const again = await run(file.window({ rights: "rw" }));
    assert.deepEqual(await both(again), [2, 2]);
    // What is on its way comes to a window that is closed.
    await run(again.close());
    const last = await run(file.window({ rights: "rw" }));
    assert.deepEqual(await both(last), [2, 2]);
    await run(client.close());
    await assert.rejects(both(last), { code: "ERR_CLOSED" });
  });

  it("are asked for where the target has no room to tell versions", async () => {
    LineGrants.prototype.grant = async () => {
      throw new DidafsError("ERR_TOO_MANY", "no");
    };
    const { sent, both, settle } = await start();
    await settle();
    const before = sent();
    assert.deepEqual(await both(), [2, 2]);
    assert.ok(sent() > before);
  });

  it("ask where a line stays taken, which its home may know better", async () => {
    const { sent, both, settle } = await start();
    await settle();
    const before = sent();
    let looks = 0;
    MappedLines.prototype.read = () => {
      looks += 1;
      return undefined;
    };
    assert.deepEqual(await both(), [2, 2]);
    assert.ok(sent() > before);
    assert.ok(looks > 2 && looks <= 20, `${looks} looks at two lines`);
  });

  it("end where the target tells versions in a way that there is not", async () => {
    LineGrants.prototype.grant = async function (this: LineGrants, ...call) {
      await grant.apply(this, call);
      return 3;
    };
    const { both, settle } = await start();
    await settle();
    await assert.rejects(both(), { code: "ERR_PROTOCOL" });
  });

  it("of a file that grows go on, also behind its old end", async () => {
    const { run, client, other, settle, both } = await start();
    await settle();
    const file = await run(client.open("/epochs"));
    const longer = SIZE + 8 * UNIT;
    await run(file.resize(longer));
    const window = await run(file.window({ rights: "rw" }));
    assert.deepEqual(await both(window), [2, 2]);
    for (let turn = 0; turn < 3; turn += 1) {
      await run(window.epoch(async (e) => e.store(longer - 8, (await e.load(longer - 8)) + 1)));
      await run(other.epoch(async (e) => e.store(A, (await e.load(A)) + 1)));
    }
    assert.equal(await run(window.epoch((e) => e.load(longer - 8))), 3);
    assert.deepEqual(
      [await both(), await both(window)],
      [
        [5, 2],
        [5, 2],
      ],
    );
  });
});
