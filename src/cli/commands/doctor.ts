import { type Context, print, printJson } from "../context.ts";
import { clockProbe } from "../doctor/clock.ts";
import { clusterProbe } from "../doctor/cluster.ts";
import { dataProbes } from "../doctor/data.ts";
import { examine, type Finding, type Outcome } from "../doctor/finding.ts";
import { keyProbes } from "../doctor/keys.ts";
import { limitProbes } from "../doctor/limits.ts";
import { machineProbes } from "../doctor/machine.ts";
import { peerProbes } from "../doctor/peers.ts";
import { PROBLEMS_FOUND } from "../exit-codes.ts";
import { formatTable } from "../format.ts";
import { printable } from "../printable.ts";

export async function run(
  context: Context,
  _args: readonly string[],
  { data }: { readonly data?: string },
): Promise<void> {
  const findings = await examine([
    ...machineProbes,
    ...limitProbes,
    ...dataProbes(data),
    ...keyProbes(context.global, data),
    clusterProbe(context),
    clockProbe,
    ...peerProbes,
  ]);
  context.signal.throwIfAborted();
  const count = (outcome: Outcome): number => findings.filter((found) => found.outcome === outcome).length;
  const counts = { problems: count("problem"), warnings: count("warning"), notes: count("note") };
  if (context.global.json) printJson({ ...counts, findings });
  else print(describe(findings, counts));
  if (counts.problems > 0) process.exitCode = PROBLEMS_FOUND;
}

function describe(findings: readonly Finding[], counts: Record<string, number>): string {
  const rows = findings.map(({ outcome, check, message, wayOut }) => [
    outcome,
    check,
    printable(wayOut === undefined ? message : `${message}. Way out: ${wayOut}`),
  ]);
  const [problems, warnings, notes] = ["problems", "warnings", "notes"].map(
    (name) => `${counts[name]} ${name}`,
  );
  return `${formatTable(rows, new Set())}\n${problems}, ${warnings}, ${notes}`;
}
