/** A well-behaved client of a target, alone and beside each kind of attackers, which are processes of their own. */
import path from "node:path";
import { fillPattern, hashOf, patternBytes, patternWords } from "../blocks/pattern.ts";
import { type Case, type OpenCase, WARM_UP_SEED } from "../harness/case.ts";
import { HelperProcess } from "../harness/helper-process.ts";
import type { Timed } from "../harness/messages.ts";
import { startOwnCluster } from "../harness/own-cluster.ts";
import { timingOf } from "../harness/statistics.ts";
import { ConnectionCount } from "../hostile/connections.ts";
import {
  ATTACKS,
  type Attack,
  type AttackerAnswer,
  type AttackerOrder,
  type Crowds,
  LOADS,
  type Load,
  PATTERN_SEED,
  READ_BYTES,
  type SteadyOrder,
  type SteadyRun,
} from "../hostile/hostile-messages.ts";
import { whilePaused } from "../idle/pause.ts";
import { usageOf, usedBetween } from "../idle/usage.ts";
import { ATTACKER_PERCENT, aloneKey, besideKey } from "../rows/a1.ts";

const FILE = "/steady";

const helper = (name: string): URL =>
  new URL(`../hostile/${name}${path.extname(import.meta.filename)}`, import.meta.url);

type Runs = Readonly<Record<Load, SteadyRun>>;

export const open: OpenCase = async ({ dir, parameters }, progressed) => {
  const cluster = await startOwnCluster(path.join(dir, "cluster"), 1);
  const connections = new ConnectionCount(cluster.metricsUrl);
  const client = new HelperProcess<SteadyOrder, SteadyRun | string>(helper("steady-client"));
  const attacker = new HelperProcess<AttackerOrder, AttackerAnswer>(helper("attacker"));
  const hash = (await client.ask({ open: cluster.address, path: FILE })) as string;
  const crowds = parameters as unknown as Crowds;
  await attacker.ask({ open: cluster.address, path: FILE, crowds });
  /** The largest part of a processor that attackers have used so far. */
  let busiest = 0;

  const runAll = async (forMs: number): Promise<Runs> => {
    const runs: Partial<Record<Load, SteadyRun>> = {};
    for (const load of LOADS) runs[load] = (await client.ask({ load, forMs })) as SteadyRun;
    return runs as Runs;
  };

  const runBeside = async (attack: Attack, forMs: number): Promise<Runs> => {
    const before = await connections.now();
    const held = await attacker.ask({ begin: attack, part: busiest });
    await connections.untilInside(before, held);
    const [usage, fromMs] = [usageOf(attacker.pid), performance.now()];
    const run = (): Promise<Runs> => runAll(forMs);
    const runs = await (attack === "stopped" ? whilePaused([attacker.pid], run) : run());
    const usedMs = usedBetween([usage], [usageOf(attacker.pid)]).processorNs / 1e6;
    if (attack !== "computing") busiest = Math.max(busiest, usedMs / (performance.now() - fromMs));
    await attacker.ask({ end: true });
    await connections.untilGone(before);
    return runs;
  };

  const bench: Case = {
    async round(seed, forMs) {
      const lines: Record<string, Timed> = {};
      let before = await runAll(forMs);
      if (seed === WARM_UP_SEED) return { lines, hash: undefined, expectedHash: undefined };
      for (const attack of ATTACKS) {
        const beside = await runBeside(attack, forMs);
        const after = await runAll(forMs);
        for (const load of LOADS) {
          lines[besideKey(load, attack)] = timedOf([beside[load]]);
          lines[aloneKey(load, attack)] = timedOf([before[load], after[load]]);
        }
        before = after;
        progressed();
      }
      const counts = { [ATTACKER_PERCENT]: Math.round(busiest * 1000) / 10 };
      return { lines, hash, expectedHash: expectedHash(), counts };
    },
    async close() {
      for (const process of [client, attacker]) process.close();
      await cluster.stop();
    },
  };
  return bench;
};

function timedOf(runs: readonly SteadyRun[]): Timed {
  const sum = (of: (run: SteadyRun) => number): number => runs.reduce((total, run) => total + of(run), 0);
  const operations = sum((run) => run.operations);
  const samplesNs = Float64Array.from(runs.flatMap((run) => Array.from(run.samplesNs)));
  return {
    ...timingOf(samplesNs),
    operations,
    operationsPerSecond: (operations / sum((run) => run.tookMs)) * 1000,
  };
}

/** Of what the client reads, over and over; it looks at each get itself. */
function expectedHash(): string {
  const pattern = patternWords(READ_BYTES);
  fillPattern(pattern, PATTERN_SEED);
  return hashOf(patternBytes(pattern));
}
