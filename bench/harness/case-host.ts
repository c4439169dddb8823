/** The process of one case: opens it, warms it up, and runs a round whenever it is told to. Ends with its parent. */
import { type Case, type OpenCase, WARM_UP_SEED } from "./case.ts";
import type { CasePlan, FromCase, ToCase } from "./messages.ts";

let running: { readonly bench: Case; readonly plan: CasePlan } | undefined;

async function open(plan: CasePlan): Promise<void> {
  const module = (await import(plan.module)) as { readonly open: OpenCase };
  const bench = await module.open(plan.setup, () =>
    process.send?.({ kind: "progressed" } satisfies FromCase),
  );
  running = { bench, plan };
  await bench.round(WARM_UP_SEED, plan.warmUpMs);
}

async function answer(message: ToCase): Promise<FromCase> {
  if (message.kind === "open") {
    await open(message.plan);
    return { kind: "opened" };
  }
  if (message.kind === "close") {
    await running?.bench.close();
    return { kind: "closed" };
  }
  if (running === undefined) throw new Error("a round of a case that is not open");
  return { kind: "round", round: await running.bench.round(message.seed, running.plan.roundMs) };
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
