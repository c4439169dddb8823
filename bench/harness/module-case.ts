import type { CaseSetup, ClusterAddress, Parameters } from "./case.ts";
import { CaseProcess } from "./case-process.ts";
import type { BenchContext } from "./context.ts";
import { type CaseSpec, linesOf, type OpenCaseRunner, type Row } from "./row.ts";

/** Besides what is measured by plan: to prepare and check a case. */
const SPARE_MS = 30_000;
/** A line takes longer than planned where one operation does; then still not this much longer. */
const TIMES_PLANNED = 4;

/** A case whose module runs in a process of its own. @param module URL of a module with an `open` of type OpenCase */
export function openModule(module: string, parameters: Parameters = {}): CaseSpec["open"] {
  return (context, row, spec) => start(module, parameters, undefined, context, row, spec);
}

/** The same on the throw-away cluster, with `path` among the parameters: a file or directory of the case's own. */
export function openOnCluster(module: string, parameters: Parameters): CaseSpec["open"] {
  return async (context, row, spec) => {
    const named = { ...parameters, path: `/${row.id}-${spec.id}` };
    return start(module, named, await context.cluster(), context, row, spec);
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
  const { share = 1 } = row;
  const warmUpMs = context.settings.warmUpMs * share;
  const roundMs = context.settings.roundMs * share;
  const withinMs = SPARE_MS + TIMES_PLANNED * linesOf(spec).length * (warmUpMs + roundMs);
  const setup: CaseSetup = { cluster, dir: context.directory(name), parameters };
  return CaseProcess.open(name, { module, setup, warmUpMs, roundMs, withinMs }, context.signal);
}
