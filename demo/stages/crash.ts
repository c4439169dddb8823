import { setTimeout as sleep } from "node:timers/promises";
import { WatchedWriter } from "../blocks/watched-writer.ts";
import { failOn } from "../mismatch.ts";
import type { CheckBlocksResult } from "../processes/check-blocks.ts";
import type { WriteResult, WriterNews } from "../processes/write-blocks.ts";
import { formatBytes, formatCount } from "../report.ts";
import { type Stage, startOn } from "./stage.ts";

const PATH = "/blocks";
const KILLS = 4;
const SLOTS = 8192;
/** Blocks acknowledged before the first kill, and between one and the next. */
const BLOCKS_BETWEEN = 400;
const WRITE_MS = 30_000;
const RESTART_MS = 30_000;
const POLL_MS = 20;

/** A process writes while one target after another is killed; what was acknowledged must be there. */
export async function crash(stage: Stage): Promise<void> {
  const { output, scratch } = stage;
  const journal = scratch.file("journal");
  const watched = new WatchedWriter();
  const plan = { path: PATH, journal, slots: SLOTS, targets: scratch.targets };
  const writing = new URL("../processes/write-blocks.ts", import.meta.url);
  const writer = startOn<WriteResult>(stage, writing, plan, (news: WriterNews) => watched.take(news));
  writer.result.then(
    () => watched.fail(new Error("the writer ended early")),
    (error) => watched.fail(error),
  );
  const outages: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    output.now(`writing; ${kill} of ${KILLS} kills done`);
    outages.push(await killOne(stage, kill % scratch.targets, watched));
  }
  await writeMore(watched);
  writer.stop();
  const { doubtful, ...written } = await writer.result;
  const checking = new URL("../processes/check-blocks.ts", import.meta.url);
  const check = { path: PATH, journal, doubtful };
  const found = await startOn<CheckBlocksResult>(stage, checking, check).result;
  judge(written, found);
  report(stage, written, found, outages);
}

async function writeMore(watched: WatchedWriter): Promise<void> {
  const enough = watched.news.acknowledged + BLOCKS_BETWEEN;
  await watched.until(({ acknowledged }) => acknowledged >= enough, "get on", WRITE_MS);
}

/** @returns milliseconds from the kill to the writer's next round */
async function killOne(stage: Stage, which: number, watched: WatchedWriter): Promise<number> {
  const victim = (await targets(stage))[which];
  if (victim === undefined) throw new Error(`the status lists no target number ${which}`);
  await writeMore(watched);
  // The news that ended the wait said that puts have been issued just now.
  const killedMs = performance.now();
  const before = watched.news;
  process.kill(victim.pid, "SIGKILL");
  await watched.until(({ reopened }) => reopened > before.reopened, "open the file again", RESTART_MS);
  const outageMs = performance.now() - killedMs;
  while ((await targets(stage)).find(({ id }) => id === victim.id)?.pid === victim.pid) {
    if (performance.now() - killedMs > RESTART_MS) throw new Error(`target ${victim.id} has not come back`);
    await sleep(POLL_MS, undefined, { signal: stage.signal });
  }
  return outageMs;
}

async function targets({ cluster }: Stage): Promise<{ id: string; pid: number }[]> {
  const status = await cluster.status();
  return [...status.targets].sort((a, b) => (a.id < b.id ? -1 : 1));
}

type Written = Omit<WriteResult, "doubtful">;

function report({ output }: Stage, written: Written, found: CheckBlocksResult, outages: number[]): void {
  const rate = `${(written.bytes / 1e6 / written.seconds).toFixed(0)} MB/s`;
  output.line();
  output.line(
    `4 Crash: ${KILLS} times a target killed (SIGKILL) under a process that writes and flushes "stable"`,
  );
  output.line(
    `  ${formatCount(written.blocks)} blocks (${formatBytes(written.bytes)}, ${rate} with outages) at random offsets acknowledged, their list kept outside`,
  );
  output.line(`  blocks that got an error, and were written again: ${byCode(written.failed)}`);
  output.line(
    `  file opened again ${written.reopened} times; attempts while a target was down: ${byCode(written.refused)}`,
  );
  output.line(`  from kill to writing again: ${outages.map((ms) => `${Math.round(ms)} ms`).join(", ")}`);
  output.line(
    `  a fresh process found all ${formatCount(found.blocks)} blocks, byte for byte, and zeros everywhere else`,
  );
}

function byCode(counts: Readonly<Record<string, number>>): string {
  const listed = Object.entries(counts).map(([code, count]) => `${count} × ${code}`);
  return listed.join(", ") || "none";
}

function judge(written: Written, found: CheckBlocksResult): void {
  const wrong: string[] = [];
  if (found.blocks !== written.blocks)
    wrong.push(`${written.blocks} blocks were acknowledged, ${found.blocks} are in the journal`);
  if (written.reopened < KILLS) wrong.push(`only ${written.reopened} of ${KILLS} kills were felt`);
  failOn(wrong, "the crash did not go as told");
}
