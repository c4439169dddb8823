/**
 * A process of its own that runs epochs without atomicity on words of /shared-epochs, started by epoch-processes.test.ts; prints
 * its accesses.
 */
import { connect, type EpochAccess } from "../../src/index.ts";
import type { WordInput, WordOutput } from "../../src/sim/checkers/words.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { BARRIER_AT, PLACES, type SeenAccess, type WordWorkerPlan } from "./shared-epochs.ts";
import { meet, now } from "./worker-parts.ts";

const ACCESSES_MAX = 4;
/** Values of one process are those of no other, and there is room behind each for what others add. */
const [VALUES, ADDED_MAX] = [1_000_000, 100_000];

const plan = JSON.parse(process.argv[2] as string) as WordWorkerPlan;
const { consistency, number } = plan;
const client = `${plan.transport} ${number}`;
const options = { atomicity: "none", isolation: "none", consistency, durability: "memory" } as const;
const random = new SimRandom(plan.seed + number);
let nextValue = number * VALUES + 1;
/** By word: what was seen last, so that a compare-and-swap has a chance. */
const last = PLACES.map(() => 0);

await using cluster = await connect(undefined, { transport: plan.transport });
await using file = await cluster.open("/shared-epochs");
await using window = await file.window({ rights: "rw" });
/** When each access of an epoch was in place everywhere: a sequential one issues the next behind that. */
let inPlace: number[] = [];
const flush = window.flush.bind(window);
window.flush = async (...args) => {
  await flush(...args);
  inPlace.push(now());
};
await meet(window, BARRIER_AT, plan);
const seen: SeenAccess[] = [];
for (let epochs = 0; epochs < plan.epochs; epochs += 1) await run();
process.stdout.write(JSON.stringify(seen));

async function run(): Promise<void> {
  const count = random.between(1, ACCESSES_MAX);
  const inputs = Array.from({ length: count }, () => choose(random.between(0, PLACES.length - 1)));
  const atOnce = random.chance(0.7);
  inPlace = [];
  const accesses = await window.epoch(options, async (e) => {
    const made: Promise<SeenAccess>[] = [];
    for (const { word, input } of inputs) {
      made.push(access(e, word, input));
      if (!atOnce) await made.at(-1);
    }
    return Promise.all(made);
  });
  for (const { word, output } of accesses) if (output != null) last[word] = output;
  const turns = consistency === "sequential" ? inPlace : accesses.map(({ returned }) => returned);
  seen.push(...accesses.map((one, number) => ({ ...one, turn: turns[number - 1] ?? 0 })));
}

async function access(epoch: EpochAccess, word: number, input: WordInput): Promise<SeenAccess> {
  const invoked = now();
  const output = await perform(epoch, PLACES[word] as number, input);
  return { word, client, input, invoked, returned: now(), outcome: "done", output, turn: 0 };
}

function choose(word: number): { word: number; input: WordInput } {
  const value = nextValue++ * ADDED_MAX;
  switch (random.between(0, 4)) {
    case 0:
      return { word, input: { op: "store", value, window: client } };
    case 1:
      return { word, input: { op: "add", delta: 1, window: client } };
    case 2:
      return { word, input: { op: "cas", expected: last[word] as number, desired: value, window: client } };
    default:
      return { word, input: { op: "load" } };
  }
}

async function perform(epoch: EpochAccess, at: number, input: WordInput): Promise<WordOutput> {
  switch (input.op) {
    case "store":
      await epoch.store(at, input.value);
      return null;
    case "add":
      return epoch.fetchAdd(at, input.delta);
    case "cas":
      return epoch.compareAndSwap(at, input.expected, input.desired);
    default:
      return epoch.load(at);
  }
}
