/** A process of its own that runs epochs on words of /shared-epochs, started by epoch-processes.test.ts; prints what it saw. */
import { connect, type DidafsWindow, isDidafsError } from "../../src/index.ts";
import type { Epoch, EpochStep } from "../../src/sim/checkers/epoch-history.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { BARRIER_AT, type EpochWorkerPlan, keyOf, PLACES } from "./shared-epochs.ts";
import { meet, now } from "./worker-parts.ts";

const WORDS_MAX = 3;
/** Values of one process are those of no other. */
const VALUES = 1_000_000;

const plan = JSON.parse(process.argv[2] as string) as EpochWorkerPlan;
const { isolation, number, committed } = plan;
const random = new SimRandom(plan.seed + number);
let nextValue = number * VALUES + 1;

await using cluster = await connect(undefined, { transport: plan.transport });
await using file = await cluster.open("/shared-epochs");
await using window = await file.window({ rights: "rw" });
await meet(window, BARRIER_AT, plan);
const epochs: Epoch[] = [];
for (let done = 0; done < committed; ) if ((await run(window)) === "committed") done += 1;
process.stdout.write(JSON.stringify(epochs));

async function run(window: DidafsWindow): Promise<Epoch["outcome"]> {
  const chosen = Array.from({ length: random.between(1, WORDS_MAX) }, () =>
    random.between(0, PLACES.length - 1),
  );
  const steps: EpochStep[] = [];
  const invoked = now();
  let outcome: Epoch["outcome"] = "committed";
  try {
    await window.epoch({ isolation, durability: "memory" }, async (e) => {
      for (const word of new Set(chosen)) {
        const at = PLACES[word] as number;
        steps.push({ op: "read", key: keyOf(word), value: await e.load(at) });
        if (!random.chance(0.6)) continue;
        steps.push({ op: "write", key: keyOf(word), value: nextValue });
        await e.store(at, nextValue++);
      }
    });
  } catch (error) {
    if (!isDidafsError(error, "ERR_EPOCH_CONFLICT") || error.applied !== "no") throw error;
    outcome = "aborted";
  }
  epochs.push({ client: `${plan.transport} ${number}`, invoked, returned: now(), outcome, steps });
  return outcome;
}
