/** Another process that adds to the word of a case, from when it is told to start until it is told to stop. */
import type { CaseSetup } from "../harness/case.ts";
import { type Counter, openCounter } from "./counter.ts";
import type { FromPartner, ToPartner } from "./partner.ts";
import type { CounterParameters } from "./words.ts";

let counter: Counter;
let batchOps = 1;
let stopped = true;

async function answer(message: ToPartner): Promise<FromPartner> {
  if (message.tell === "open") await open(message.setup);
  else if (message.tell === "start") run();
  else if (message.tell === "stop") return stop();
  else await counter.close();
  return { done: true };
}

async function open(setup: CaseSetup): Promise<void> {
  counter = await openCounter(setup);
  ({ batchOps } = setup.parameters as unknown as CounterParameters);
}

let [operations, sum, startMs] = [0, 0, 0];

function run(): void {
  [operations, sum, startMs] = [0, 0, performance.now()];
  stopped = false;
  const turn = (): void => {
    if (stopped) return;
    // Long enough that to look for messages in between costs next to nothing.
    const endMs = performance.now() + 1;
    do {
      sum = (sum + counter.add(batchOps)) | 0;
      operations += batchOps;
    } while (performance.now() < endMs);
    setImmediate(turn);
  };
  setImmediate(turn);
}

function stop(): FromPartner {
  stopped = true;
  return { operations, sum, tookMs: performance.now() - startMs };
}

process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToPartner) => {
  answer(message)
    .catch((error: unknown): FromPartner => ({ failed: String((error as Error)?.stack ?? error) }))
    .then((said) => process.send?.(said))
    .catch(() => process.exit(1));
});
