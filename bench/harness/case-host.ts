/** The process of one case: opens it, warms it up, and runs a round whenever it is told to. Ends with its parent. */
import type { CaseSetup, OpenCase, PromiseCase, SyncCase } from "./case.ts";
import type { CasePlan, FromCase, Round, ToCase } from "./messages.ts";
import { fillPattern, hashOf, patternBytes, patternSum } from "./pattern.ts";
import { timingOf } from "./statistics.ts";
import { type Extent, runPromises, runSync, type Stretch } from "./timing-loop.ts";

/** Before each round, because the processor has worked for others meanwhile. */
const SETTLE_MS = 5;

class CaseHost {
  readonly #plan: CasePlan;
  readonly #pattern: Int32Array;
  readonly #bench: SyncCase | PromiseCase;

  private constructor(plan: CasePlan, pattern: Int32Array, bench: SyncCase | PromiseCase) {
    this.#plan = plan;
    this.#pattern = pattern;
    this.#bench = bench;
  }

  static async open(plan: CasePlan): Promise<CaseHost> {
    const pattern = new Int32Array(plan.setup.words * 2);
    fillPattern(pattern, 0);
    const setup: CaseSetup = { ...plan.setup, pattern };
    const module = (await import(plan.module)) as { readonly open: OpenCase };
    const host = new CaseHost(plan, pattern, await module.open(setup));
    await host.#run({ forMs: plan.warmUpMs, operationsMin: 0 });
    return host;
  }

  async round(seed: number): Promise<Round> {
    const { moves, roundMs, setup } = this.#plan;
    await this.#run({ forMs: SETTLE_MS, operationsMin: 0 });
    // Other words than before, so that a put that does nothing is noticed.
    if (moves === "put") fillPattern(this.#pattern, seed);
    const { samplesNs, operations, sum } = await this.#run({ forMs: roundMs, operationsMin: setup.words });
    const timing = timingOf(samplesNs);
    const hash = hashOf(await this.#bench.bytes());
    if (moves === "get" && sum !== patternSum(this.#pattern, operations)) {
      return { ...timing, operations, hash: `sum ${sum}`, expectedHash: "the sum of the words" };
    }
    return { ...timing, operations, hash, expectedHash: hashOf(patternBytes(this.#pattern)) };
  }

  close(): Promise<void> {
    return this.#bench.close();
  }

  async #run(extent: Extent): Promise<Stretch> {
    const { setup, batchOps } = this.#plan;
    return "batch" in this.#bench
      ? runSync(this.#bench, setup.words, batchOps, extent)
      : await runPromises(this.#bench, setup.words, extent);
  }
}

let host: CaseHost | undefined;

async function answer(message: ToCase): Promise<FromCase> {
  switch (message.kind) {
    case "open":
      host = await CaseHost.open(message.plan);
      return { kind: "opened" };
    case "round":
      return { kind: "round", round: await (host as CaseHost).round(message.seed) };
    case "close":
      await host?.close();
      return { kind: "closed" };
  }
}

process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToCase) => {
  answer(message)
    .catch((error: unknown): FromCase => {
      const { code, message, stack } = error as Error & { code?: string };
      return { kind: "failed", code, message: code === undefined ? (stack ?? message) : message };
    })
    .then((said) => process.send?.(said))
    .catch(() => process.exit(1));
});
