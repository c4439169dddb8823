import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
/** Collects all garbage, at once. */
export const collect = runInNewContext("gc") as () => void;

/** What this process holds on to: its heap and what lies beside it, without garbage, which comes and goes as it likes. */
export function retainedBytes(): number {
  // What lies beside the heap is given back in the background: the second time waits for what the first has found.
  for (let i = 0; i < 2; i += 1) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
