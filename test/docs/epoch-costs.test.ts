import assert from "node:assert/strict";
import path from "node:path";
import { describe, it } from "node:test";
import type { DidafsWindow, EpochAccess, EpochOptions } from "../../src/client/api.ts";
import { lookAtCounters } from "../../src/runtime/counters-look.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { SimCluster } from "../sim/sim-cluster.ts";
import { startLocalCluster } from "../support/local-cluster.ts";
import { sectionOf } from "./page-programs.ts";

const LINE = 4096;
const TARGETS = 3;
const CREATE = { create: true, size: TARGETS * LINE, stripeUnit: LINE, targets: TARGETS } as const;
/** Each case is counted so often: what comes late would show as a fraction. */
const RUNS = 5;
const SOON_MS = 10_000;

/** What the table of the page has of one epoch. */
interface Costs {
  readonly reads: number;
  readonly locks: number;
  readonly close: number;
  readonly syncs: number;
  readonly tripsInARow: number;
  readonly syncsInARow: number;
}

type Does = (window: DidafsWindow, options: EpochOptions, workers: number) => Promise<unknown>;

/** Reads a word at each worker, one after the other, and writes it. */
const changes: Does = (window, options, workers) =>
  window.epoch(options, async (e) => {
    const seen = await loads(e, workers);
    await Promise.all(seen.map((value, worker) => e.store(worker * LINE, value + 1)));
  });
const reads: Does = (window, options, workers) => window.epoch(options, (e) => loads(e, workers));
const writes: Does = (window, options, workers) =>
  window.epoch(options, async (e) => {
    for (let worker = 0; worker < workers; worker += 1) await e.store(worker * LINE, 1);
  });
const flushes: Does = async (window, options, workers) => {
  await changes(window, options, workers);
  await window.flush("stable");
};

async function loads(e: EpochAccess, workers: number): Promise<number[]> {
  const seen: number[] = [];
  for (let worker = 0; worker < workers; worker += 1) seen.push(await e.load(worker * LINE));
  return seen;
}

const DOES: Readonly<Record<string, Does>> = {
  "reads and writes": changes,
  reads,
  writes,
  'reads and writes, then `flush("stable")`': flushes,
};

/** One line of the page's table: what is asked for, on how many workers, what the body does, and what it costs. */
interface Row {
  readonly name: string;
  readonly options: EpochOptions;
  readonly workers: number;
  readonly does: Does;
  readonly costs: Costs;
}

/** The table of the page: asked, workers, body, then the numbers. */
function rowsOf(): Row[] {
  const lines = sectionOf("docs/epochs.md", "## What they cost")
    .split("\n")
    .filter((line) => line.startsWith("| `{"));
  return lines.map((line) => {
    const [asked, workers, body, ...numbers] = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    const does = DOES[body as string];
    assert.ok(does !== undefined, `nobody here does "${body}"`);
    assert.deepEqual([numbers.length, numbers.every((cell) => /^\d+$/.test(cell))], [6, true], line);
    const [readCount, locks, close, syncs, tripsInARow, syncsInARow] = numbers.map(Number);
    const costs = { reads: readCount, locks, close, syncs, tripsInARow, syncsInARow } as Costs;
    const options = optionsOf(asked as string, Number(workers));
    return { name: `${asked}, ${body}, ${workers}`, options, workers: Number(workers), does, costs };
  });
}

/** What is written as in a program: `{ isolation: "none" }`. `ranges` are those that the body touches. */
function optionsOf(asked: string, workers: number): EpochOptions {
  const json = asked
    .replaceAll("`", "")
    .replaceAll(/(\w+):/g, '"$1":')
    .replace(", ranges", "");
  const options = JSON.parse(json) as EpochOptions;
  return asked.includes("ranges") ? { ...options, ranges: [{ at: 0, length: workers * LINE }] } : options;
}

type Counted = Omit<Costs, "tripsInARow" | "syncsInARow">;

const READS = [OPCODE.GET, OPCODE.EPOCH_GET];
const LOCKS = [OPCODE.LOCK, OPCODE.UNLOCK];

/** What all workers of a cluster in that folder have counted so far. */
function countIn(dir: string): Counted {
  const count = { reads: 0, locks: 0, close: 0, syncs: 0 };
  for (let target = 0; target < TARGETS; target += 1) {
    const file = path.join(dir, `data/target-${target}/counters`);
    for (const { counts, opcodes } of lookAtCounters(file, performance.now()).workers) {
      count.syncs += counts.syncs;
      for (const [opcode, commands] of opcodes.entries()) {
        if (READS.includes(opcode as (typeof READS)[number])) count.reads += commands;
        else if (LOCKS.includes(opcode as (typeof LOCKS)[number])) count.locks += commands;
        else count.close += commands;
      }
    }
  }
  return count;
}

describe("what the page says that epochs cost", () => {
  const rows = rowsOf();

  it("is about each kind of epoch", () => {
    assert.ok(rows.length >= 15, `${rows.length} rows`);
  });

  for (const transport of ["tcp", "direct"] as const) {
    const where = transport === "tcp" ? "" : ", on a mapped window: without the reads";

    it(`is what the targets count: messages and syncs${where}`, async () => {
      await using local = await startLocalCluster({ targets: TARGETS });
      const client = await local.attach(transport);
      await using file = await client.open("/costs", CREATE);
      await using window = await file.window({ rights: "rw" });
      // The logs are made by the first epoch at each worker.
      await flushes(window, {}, TARGETS);
      const deadlineMs = performance.now() + SOON_MS;
      const isSoon = (): boolean => performance.now() < deadlineMs;
      if (transport === "direct") await seesVersions(window, () => countIn(local.dir).reads, isSoon);
      for (const row of rows) {
        // What the row before has left for a flush, and for the log.
        await window.flush("stable");
        const before = countIn(local.dir);
        for (let run = 0; run < RUNS; run += 1) await row.does(window, row.options, row.workers);
        const counted = (): Counted => difference(countIn(local.dir), before);
        const expected = timesRuns(costsOn(transport, row));
        // What nobody waits for may come a moment later.
        const lateMs = performance.now() + SOON_MS;
        while (isLess(counted(), expected) && performance.now() < lateMs) await new Promise(setImmediate);
        assert.deepEqual(counted(), expected, row.name);
      }
    });

    it(`is how many round trips and syncs follow each other until the promise resolves${where}`, async () => {
      // Long, compared with what anybody does meanwhile.
      const wayMs = 4;
      const sim = await SimCluster.start(TARGETS, 7, 2 ** 25, wayMs);
      const client = await sim.connect(transport);
      const file = await sim.settle(client.open("/costs", CREATE));
      const window = await sim.settle(file.window({ rights: "rw" }));
      await sim.settle(flushes(window, {}, TARGETS));
      // What direct windows fetch for their reads.
      await sim.pass(1000);
      const begins = recordSyncs(sim);
      for (const row of rows) {
        const { tripsInARow, syncsInARow } = costsOn(transport, row);
        await sim.settle(window.flush("stable"));
        const beganMs = sim.clock.nowMs();
        begins.length = 0;
        await sim.settle(row.does(window, row.options, row.workers));
        const tookMs = sim.clock.nowMs() - beganMs;
        assert.equal(Math.floor(tookMs / (2 * wayMs)), tripsInARow, `${row.name}: ${tookMs} ms`);
        assert.equal(inARow(begins, wayMs), syncsInARow, `${row.name}: ${JSON.stringify(begins)}`);
      }
    });
  }
});

/** On a mapped window what is read, one word after the other, takes no message. */
function costsOn(transport: "tcp" | "direct", { costs }: Row): Costs {
  if (transport === "tcp") return costs;
  return { ...costs, reads: 0, tripsInARow: costs.tripsInARow - costs.reads };
}

/** Epochs read until that costs no message any more: what it takes is fetched beside the first ones. */
async function seesVersions(
  window: DidafsWindow,
  readCount: () => number,
  isSoon: () => boolean,
): Promise<void> {
  for (let before = -1; before !== readCount(); ) {
    assert.ok(isSoon(), "reads of a mapped window get by without messages");
    before = readCount();
    await reads(window, {}, TARGETS);
  }
}

/** When a disk begins a sync: one that begins at the same time is shared. */
interface SyncBegin {
  readonly disk: number;
  readonly atMs: number;
}

function recordSyncs({ disks, clock }: SimCluster): SyncBegin[] {
  const begins: SyncBegin[] = [];
  for (const [number, disk] of disks.entries()) {
    const sync = disk.sync.bind(disk);
    disk.sync = (descriptor) => {
      begins.push({ disk: number, atMs: clock.nowMs() });
      return sync(descriptor);
    };
  }
  return begins;
}

/** Those that have a message on its way between them follow each other, and so do those of one disk. */
function inARow(begins: readonly SyncBegin[], wayMs: number): number {
  let [sum, lastMs] = [0, Number.NEGATIVE_INFINITY];
  let byDisk = new Map<number, Set<number>>();
  const longest = (): number => Math.max(0, ...[...byDisk.values()].map(({ size }) => size));
  for (const { disk, atMs } of begins) {
    if (atMs - lastMs > wayMs) {
      sum += longest();
      byDisk = new Map();
    }
    lastMs = atMs;
    byDisk.set(disk, (byDisk.get(disk) ?? new Set()).add(atMs));
  }
  return sum + longest();
}

function difference(now: Counted, before: Counted): Counted {
  return mapped(now, (count, name) => count - before[name]);
}

function timesRuns({ reads: readCount, locks, close, syncs }: Costs): Counted {
  return mapped({ reads: readCount, locks, close, syncs }, (count) => count * RUNS);
}

function isLess(counted: Counted, expected: Counted): boolean {
  return (Object.keys(expected) as (keyof Counted)[]).some((name) => counted[name] < expected[name]);
}

function mapped(counts: Counted, change: (count: number, name: keyof Counted) => number): Counted {
  const entries = Object.entries(counts) as [keyof Counted, number][];
  return Object.fromEntries(
    entries.map(([name, count]) => [name, change(count, name)]),
  ) as unknown as Counted;
}
