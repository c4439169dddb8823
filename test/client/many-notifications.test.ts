/**
 * Processes of both kinds notify each other while some of them are killed: what an origin's notifications are told as has no hole and
 * nothing twice, and reaches as far as what was acknowledged. DIDAFS_NOTIFICATIONS says how many.
 */
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { after, before, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../src/index.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { firstSeed } from "../support/first-seed.ts";
import { type ProcessCluster, startProcessCluster, until } from "../support/process-cluster.ts";
import type { NotifiedReport } from "./fixtures/notified.ts";
import type { NotifierReport } from "./fixtures/notifier.ts";

const MANY = Number(process.env.DIDAFS_NOTIFICATIONS ?? 300_000);
const KILLS = Math.max(24, Math.ceil(MANY / 100_000));
const NOTIFIERS = 3;
const SEED = firstSeed("DIDAFS_NOTIFICATIONS_SEED");

/** A process, and what it said last. */
interface Party<Report> {
  readonly child: ChildProcess;
  readonly slot: number;
  report: Report | undefined;
}

interface Reader extends Party<NotifiedReport> {
  /** By origin: what is issued with a higher number is so since the queue is open. */
  readonly openSince: Map<string, number>;
}

let running: ProcessCluster;
before(async () => {
  running = await startProcessCluster();
  await using cluster = await connect(running.url);
  for (const sharing of ["managed", "raw"]) {
    const file = await cluster.open(`/many-${sharing}`, { create: true, size: 64 * 64 });
    await file.close();
  }
});
after(() => running[Symbol.asyncDispose]());

for (const [sharing, how, readerCount] of [
  ["managed", "by messages", 2],
  // Each is told to one queue, and so through the region's board.
  ["raw", "through memory", 1],
] as const) {
  it(
    `notifications ${how} are told once each, in order, and none is lost, whoever is killed`,
    {
      timeout: 3_000_000,
    },
    (context) => notifyMany(context, sharing, readerCount),
  );
}

async function notifyMany(
  context: TestContext,
  sharing: "managed" | "raw",
  readerCount: number,
): Promise<void> {
  const random = new SimRandom(SEED);
  context.diagnostic(`seed ${SEED}, ${MANY} notifications, ${KILLS} kills`);
  const notifiers: Party<NotifierReport>[] = [];
  const readers: Reader[] = [];
  const gone: Party<NotifierReport>[] = [];
  let slots = 0;

  async function start<Report>(program: string): Promise<Party<Report>> {
    const transport = sharing === "raw" || random.chance(0.5) ? "direct" : "tcp";
    const slot = slots % 64;
    slots += 1;
    const args = [transport, String(slot), sharing];
    const child = fork(new URL(`./fixtures/${program}.ts`, import.meta.url), args, {
      env: { ...process.env, DIDAFS_URL: running.url },
    });
    await once(child, "message");
    const party: Party<Report> = { child, slot, report: undefined };
    child.on("message", (report) => {
      party.report = report as Report;
    });
    return party;
  }

  /** What it says now. */
  async function ask<Report>(party: Party<Report>, what = "report"): Promise<Report> {
    party.report = undefined;
    party.child.send(what);
    await until(() => party.report !== undefined);
    return party.report as Report;
  }

  async function startReader(): Promise<void> {
    const reader: Reader = { ...(await start<NotifiedReport>("notified")), openSince: new Map() };
    reader.child.on("message", (report) => {
      reader.report = report as NotifiedReport;
    });
    for (const notifier of notifiers) {
      const { origin, issued } = await ask(notifier);
      reader.openSince.set(origin, issued);
    }
    readers.push(reader);
  }

  async function startNotifier(): Promise<void> {
    const notifier = await start<NotifierReport>("notifier");
    notifiers.push(notifier);
    const { origin } = await ask(notifier);
    // It began when these were open.
    for (const reader of readers) reader.openSince.set(origin, 0);
  }

  const acknowledged = async (): Promise<number> => {
    const reports = await Promise.all(notifiers.map((notifier) => ask(notifier)));
    const failures = reports.map(({ failure }) => failure).filter((failure) => failure !== undefined);
    assert.deepEqual(failures, []);
    return [...reports, ...gone.map(({ report }) => report as NotifierReport)].reduce(
      (sum, report) => sum + report.acknowledged,
      0,
    );
  };

  /** What must have been told to it, against what was. */
  function holdAgainst(reader: Reader, { told, failure }: NotifiedReport): string[] {
    const faults = failure === undefined ? [] : [failure];
    for (const { report } of [...notifiers, ...gone]) {
      const { origin, acknowledged: last } = report as NotifierReport;
      const since = reader.openSince.get(origin);
      if (since === undefined || last <= since) continue;
      const [from, to] = told[origin] ?? [Number.POSITIVE_INFINITY, 0];
      if (from > since + 1) faults.push(`${origin}: ${from} came first, not ${since + 1} or before`);
      if (to < last) faults.push(`${origin}: told up to ${to} of ${last}`);
    }
    return faults;
  }

  for (let i = 0; i < readerCount; i += 1) await startReader();
  for (let i = 0; i < NOTIFIERS; i += 1) await startNotifier();
  for (let kills = 0; kills < KILLS; kills += 1) {
    while ((await acknowledged()) < ((kills + 1) * MANY) / (KILLS + 1)) await sleep(20);
    const isReader = random.chance(0.5);
    const [party] = isReader
      ? readers.splice(random.between(0, readerCount - 1), 1)
      : notifiers.splice(random.between(0, NOTIFIERS - 1), 1);
    const { child } = party as Party<unknown>;
    child.kill("SIGKILL");
    await once(child, "exit");
    if (!isReader) gone.push(party as Party<NotifierReport>);
    await (isReader ? startReader() : startNotifier());
  }
  while ((await acknowledged()) < MANY) await sleep(20);
  for (const notifier of notifiers) notifier.child.send("stop");
  await until(async () =>
    (await Promise.all(notifiers.map((one) => ask(one)))).every(({ stopped }) => stopped),
  );
  const total = await acknowledged();
  for (const reader of readers) {
    await until(async () => holdAgainst(reader, await ask(reader)).length === 0).catch(async () => {
      assert.deepEqual(holdAgainst(reader, await ask(reader)), []);
    });
  }
  const sources = readers.map(({ report }) => Object.keys((report as NotifiedReport).told).length);
  context.diagnostic(
    `${total} acknowledged, of ${gone.length + NOTIFIERS} origins; told of ${sources.join(" and ")}`,
  );
  for (const { child } of [...notifiers, ...readers]) {
    child.disconnect();
    await once(child, "exit");
  }
}
