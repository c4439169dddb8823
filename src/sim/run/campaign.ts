import { describeLosses, type PowerLossCounts } from "../power-losses.ts";
import { type RunPorts, type RunResult, runSeed } from "./run-seed.ts";

export interface CampaignPorts extends RunPorts {
  /** Told of each run that has ended. */
  readonly ended?: ((result: RunResult) => void) | undefined;
  /** Asked before each run. */
  readonly stopping: () => boolean;
}

export interface Summary {
  readonly seeds: number;
  readonly simulatedHours: number;
  readonly operations: number;
  readonly faults: number;
  readonly powerLosses: PowerLossCounts;
  readonly undecided: number;
  /** Runs in which something was found. */
  readonly failures: readonly RunResult[];
}

/** Runs seeds one after the other, from `first` on. */
export async function runSeeds(first: number, count: number, ports: CampaignPorts): Promise<Summary> {
  const results: RunResult[] = [];
  for (let seed = first; seed < first + count && !ports.stopping(); seed += 1) {
    const result = await runSeed(seed, ports);
    results.push(result);
    ports.ended?.(result);
  }
  const sum = (of: (result: RunResult) => number) => results.reduce((total, result) => total + of(result), 0);
  return {
    seeds: results.length,
    simulatedHours: sum(({ simulatedMs }) => simulatedMs) / 3_600_000,
    operations: sum(({ operations }) => operations),
    faults: sum(({ faultCount }) => faultCount),
    powerLosses: {
      losses: sum(({ powerLosses }) => powerLosses.losses),
      unsynced: sum(({ powerLosses }) => powerLosses.unsynced),
      lost: sum(({ powerLosses }) => powerLosses.lost),
      torn: sum(({ powerLosses }) => powerLosses.torn),
      reordered: sum(({ powerLosses }) => powerLosses.reordered),
    },
    undecided: sum(({ undecided }) => undecided),
    failures: results.filter(({ fault }) => fault !== undefined),
  };
}

export function describeSummary(summary: Summary): string {
  const { seeds, simulatedHours, operations, faults, powerLosses, undecided } = summary;
  const gaveUp = undecided === 0 ? "" : `, ${undecided} searches gave up`;
  return `${seeds} seeds, ${simulatedHours.toFixed(2)} simulated hours, ${operations} calls, ${faults} faults${gaveUp}; ${describeLosses(powerLosses)}`;
}

/** What is wrong, how to see it again, and all that was drawn. */
export function describeFailure({ options, fault }: RunResult): string {
  const { seed, focus } = options;
  if (fault === undefined) return `seed ${seed}: nothing is wrong`;
  const { checker, message, atMs } = fault;
  const focused = focus === "everything" ? "" : ` --focus ${focus}`;
  return `seed ${seed}: ${checker}, at ${(atMs / 1000).toFixed(3)} s: ${message}\n  replay: npm run simulate -- --seed ${seed} --seeds 1${focused} --trace\n  options: ${JSON.stringify(options)}`;
}
