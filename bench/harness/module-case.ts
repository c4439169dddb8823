import type { CaseSetup, ClusterAddress } from "./case.ts";
import { CaseProcess } from "./case-process.ts";
import type { BenchContext } from "./context.ts";
import type { CaseSpec, OpenCaseRunner, Row } from "./row.ts";

type Parameters = CaseSetup["parameters"];

/** A case whose module runs in a process of its own. @param module URL of a module with an `open` of type OpenCase */
export function openModule(module: string, parameters: Parameters = {}): CaseSpec["open"] {
  return (context, row, spec) => start(module, parameters, undefined, context, row, spec);
}

/** The same on the throw-away cluster, with `path` among the parameters: a file of the case's own. */
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
  const { warmUpMs, roundMs } = context.settings;
  const setup = { words: row.words, cluster, dir: context.directory(name), parameters };
  const plan = { module, moves: spec.moves, setup, batchOps: row.batchOps, warmUpMs, roundMs };
  return CaseProcess.open(name, plan, context.signal);
}
