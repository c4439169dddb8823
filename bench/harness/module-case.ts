import type { CaseSetup, ClusterAddress, Parameters } from "./case.ts";
import { CaseProcess } from "./case-process.ts";
import type { BenchContext } from "./context.ts";
import { type CaseSpec, linesOf, type OpenCaseRunner, type Row, shareOf } from "./row.ts";

/** Besides what is measured by plan: for a case to prepare and to check, or to say how far it is. */
const SPARE_MS = 30_000;
/** A line takes longer than planned where one operation does; then still not this much longer. */
const TIMES_PLANNED = 4;

/** A case whose module runs in a process of its own. @param module URL of a module with an `open` of type OpenCase */
export function openModule(module: string, parameters: Parameters = {}): CaseSpec["open"] {
  return (context, row, spec) => start(module, parameters, undefined, context, row, spec);
}

/**
 * The same on the throw-away cluster of so many targets, with `path` among the parameters: a file or directory of the
 * case's own.
 */
export function openOnCluster(module: string, parameters: Parameters, targets = 1): CaseSpec["open"] {
  return async (context, row, spec) => {
    const named = { ...parameters, targets, path: `/${row.id}-${spec.id}` };
    return start(module, named, await context.cluster(targets), context, row, spec);
  };
}

function start(
  module: string,
  parameters: Parameters,
  cluster: ClusterAddress | undefined,
  context: BenchContext,
  row: Row,
  spec: CaseSpec,
): Promise<OpenCaseRunner> {
  const name = `${row.id}-${spec.id}`;
  const warmUpMs = context.settings.warmUpMs * shareOf(row);
  const roundMs = context.settings.roundMs * shareOf(row);
  const { spareMs = SPARE_MS } = context.settings;
  const withinMs = spareMs + TIMES_PLANNED * linesOf(spec).length * (warmUpMs + roundMs);
  const setup: CaseSetup = { cluster, dir: context.directory(name), parameters };
  return CaseProcess.open(name, { module, setup, warmUpMs, roundMs, withinMs }, context.signal);
}
