/**
 * A process of its own that locks ranges of /shared-locks, started by lock-processes.test.ts; prints what it did to each word
 * under its locks.
 */
import { setImmediate as turn } from "node:timers/promises";
import { connect, type Lock } from "../../src/index.ts";
import type { Section } from "../../src/sim/checkers/exclusion.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { BARRIER_AT, type LockWorkerPlan, PLACES, type SeenSection } from "./shared-locks.ts";
import { meet, now } from "./worker-parts.ts";

const WORD_BYTES = 8;
/** Values of one process are those of no other. */
const VALUES = 1_000_000;
const TURNS_MAX = 3;

const plan = JSON.parse(process.argv[2] as string) as LockWorkerPlan;
const client = `${plan.transport} ${plan.number}`;
const random = new SimRandom(plan.seed + plan.number);
let nextValue = plan.number * VALUES + 1;

await using cluster = await connect(undefined, { transport: plan.transport });
await using file = await cluster.open("/shared-locks");
await using window = await file.window({ rights: "rw" });
await meet(window, BARRIER_AT, plan);
const seen: SeenSection[] = [];
for (let sections = 0; sections < plan.sections; sections += 1) await run();
process.stdout.write(JSON.stringify(seen));

async function run(): Promise<void> {
  const word = random.between(0, PLACES.length - 1);
  const mode = random.chance(0.3) ? "shared" : "exclusive";
  const lock = await take(PLACES[word] as number, mode);
  const invoked = now();
  const section = await work(word, mode);
  seen.push({ ...section, word, invoked, returned: now() });
  await lock?.release();
}

/** A range around the word, so that ranges overlap, and some lie on both targets. */
async function take(at: number, mode: Section["mode"]): Promise<Lock | undefined> {
  if (!plan.locks) return undefined;
  const before = Math.min(at, random.pick([0, 0, 1, 4096]));
  const after = random.pick([0, 0, 1, 4096]);
  const range = { at: at - before, length: before + WORD_BYTES + after, mode };
  if (random.chance(0.2)) {
    const lock = await window.tryLock(range);
    if (lock !== undefined) return lock;
  }
  return window.lock(range);
}

async function work(word: number, mode: Section["mode"]): Promise<Section> {
  const at = PLACES[word] as number;
  const read = await window.load(at);
  for (let turns = random.between(0, TURNS_MAX); turns > 0; turns -= 1) await turn();
  if (mode === "shared") return { client, losses: 0, read, second: await window.load(at), mode };
  const second = nextValue++;
  await window.store(at, second);
  return { client, losses: 0, read, second, mode };
}
