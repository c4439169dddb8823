/**
 * Hunts a bug in the production code of a directory, from many seeds on, each time until it is found. Prints what it found
 * as lines of JSON.
 */
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Focus } from "../../../src/sim/run/options.ts";
import type { runSeed } from "../../../src/sim/run/run-seed.ts";
import { turn } from "../turn.ts";

/** One hunt: how many seeds it took; `fault` is missing where it gave up. */
export interface Hunt {
  readonly base: number;
  readonly seeds: number;
  readonly seed: number;
  readonly fault: { readonly checker: string; readonly message: string } | undefined;
}

const [directory = "", bases = "20", seedsMax = "60", focus = "everything"] = process.argv.slice(2);
const module = pathToFileURL(path.join(directory, "src/sim/run/run-seed.ts")).href;
const { runSeed: run } = (await import(module)) as { runSeed: typeof runSeed };

// A planted bug may well do that; it is found then.
let rejection: Error | undefined;
process.on("unhandledRejection", (error) => {
  rejection = error as Error;
});

/** Seeds of one base lie apart from those of all others. */
const BASE_SEEDS = 10_000;

for (let base = 1; base <= Number(bases); base += 1) {
  let hunt: Hunt = { base, seeds: Number(seedsMax), seed: 0, fault: undefined };
  for (let seeds = 1; seeds <= Number(seedsMax) && hunt.fault === undefined; seeds += 1) {
    const seed = base * BASE_SEEDS + seeds;
    rejection = undefined;
    const { fault } = await run(seed, { turn, focus: focus as Focus });
    const thrown = rejection && { checker: "exceptions", message: String((rejection as Error).stack) };
    if (fault !== undefined || thrown !== undefined) hunt = { base, seeds, seed, fault: fault ?? thrown };
  }
  console.log(JSON.stringify(hunt));
}
