import { readdirSync, readFileSync } from "node:fs";

/** What a process has used of the processor since it began, with its threads that live. */
export interface Usage {
  readonly processorNs: number;
  /** Times that one of its threads slept and was woken. */
  readonly wakes: number;
}

/**
 * By the scheduler's own account of each thread, in nanoseconds: /proc/PID/stat counts in ticks of 10 ms, of which an idle
 * process needs less than one a second.
 */
export function usageOf(pid: number): Usage {
  let [processorNs, wakes] = [0, 0];
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const file = (name: string): string => readFileSync(`/proc/${pid}/task/${thread}/${name}`, "latin1");
    processorNs += Number(file("schedstat").split(" ")[0]);
    wakes += Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(file("status"))?.[1]);
  }
  return { processorNs, wakes };
}

/** The sum over processes of what they used from one look to the next. */
export function usedBetween(before: readonly Usage[], after: readonly Usage[]): Usage {
  const sum = (of: keyof Usage): number =>
    after.reduce((total, usage, i) => total + usage[of] - (before[i] as Usage)[of], 0);
  return { processorNs: sum("processorNs"), wakes: sum("wakes") };
}
