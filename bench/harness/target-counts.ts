import path from "node:path";
import { lookAtCounters } from "../../src/runtime/counters-look.ts";
import { countersFile } from "../../src/runtime/target-counters.ts";
import type { CounterName } from "../../src/structs/worker-counters.ts";
import type { ClusterAddress } from "./case.ts";

/** What all workers of a cluster's first target have counted under that name, as it is now, without asking them. */
export function targetCount({ dir }: ClusterAddress, name: CounterName): number {
  const { workers } = lookAtCounters(countersFile(path.join(dir, "target-0")), performance.now());
  return workers.reduce((sum, { counts }) => sum + counts[name], 0);
}
