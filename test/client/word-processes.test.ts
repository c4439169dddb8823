import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { connect, type DidafsWindow, isDidafsError } from "../../src/index.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";
import { startProcessCluster, until } from "../support/process-cluster.ts";
import type { HandOverPlan } from "./word-processes.ts";

type Player = Pick<HandOverPlan, "transport" | "way">;

const TURNS = 10_000;
/** An epoch takes several messages. */
const EPOCH_TURNS = 1000;
const WORKER = new URL("./hand-over-worker.ts", import.meta.url).pathname;

describe("a counter that two processes hand back and forth", { timeout: 600_000 }, () => {
  let local: LocalCluster;
  let files = 0;
  before(async () => {
    local = await startLocalCluster();
  });
  after(() => local[Symbol.asyncDispose]());

  async function handOver(sharing: "raw" | "managed", players: readonly Player[], count: number) {
    const path = `/hand-over-${files++}`;
    await using file = await local.cluster.open(path, { create: "exclusive", size: 4096 });
    await Promise.all(
      players.map((player, turn) => {
        const plan: HandOverPlan = { ...player, path, sharing, turn, count };
        const env = { ...process.env, ...local.env };
        return promisify(execFile)(process.execPath, [WORKER, JSON.stringify(plan)], {
          env,
          timeout: 110_000,
        });
      }),
    );
    await using window = await file.window({ sharing });
    assert.equal(await window.load(0), count);
  }

  const direct = (way: string): Player => ({ transport: "direct", way });
  const tcp = (way: string): Player => ({ transport: "tcp", way });
  const GAMES: readonly (readonly ["raw" | "managed", Player, Player, number])[] = [
    ["raw", direct("storeSync"), direct("store"), TURNS],
    ["raw", direct("a long putSync"), tcp("a long put"), TURNS],
    ["raw", direct("fetchAddSync"), direct("a view, flushed"), TURNS],
    ["raw", direct("a batch"), direct("accumulate"), TURNS],
    ["managed", direct("storeSync"), direct("fetchAdd"), TURNS],
    ["managed", direct("a short put"), tcp("compareAndSwap"), TURNS],
    ["managed", tcp("a batch"), tcp("accumulate"), TURNS],
    ["managed", direct("an epoch"), tcp("an epoch"), EPOCH_TURNS],
  ];

  for (const [sharing, one, other, count] of GAMES) {
    const name = [one, other].map(({ transport, way }) => `${way} (${transport})`).join(" and ");
    it(`goes on ${count} times by ${name}, ${sharing}`, () => handOver(sharing, [one, other], count));
  }
});

describe("a wait for a word whose target dies", () => {
  it("ends with the session, long before its time", async () => {
    await using running = await startProcessCluster();
    for (const transport of ["direct", "tcp"] as const) {
      await using client = await connect(running.url, { timeoutMs: 60_000, transport });
      await using file = await client.open(`/${transport}`, { create: true, size: 4096 });
      const window = await file.window({ rights: "rw" });
      const waiting = window.waitUntil(0, Boolean);
      const ended = waiting.catch((error: unknown) => error);
      const lock = await window.lock({ at: 0, length: 1, mode: "shared" });
      const lost = once(lock.lost, "abort");
      process.kill(running.pidOf("target"), "SIGKILL");
      await lost;
      const error = await ended;
      assert.ok(isDidafsError(error, "ERR_SESSION_LOST"), String(error));
      // It is started again.
      let next: DidafsWindow | undefined;
      await until(async () => {
        const again = await client
          .open(`/${transport}-again`, { create: true, size: 4096 })
          .catch(() => undefined);
        next = await again?.window({ rights: "rw" }).catch(() => undefined);
        return next !== undefined;
      });
      await next?.store(0, 1);
      assert.equal(await next?.waitUntil(0, Boolean), 1);
    }
  });
});
