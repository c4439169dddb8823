import type { Anomalies } from "./epoch-anomalies.ts";
import { type Graph, ON, ORDER, RW, RW_TIME, TIME, WR, WW, WW_TIME } from "./epoch-graph.ts";
import type { AnomalyName } from "./epoch-history.ts";
import type { EpochNodes } from "./epoch-nodes.ts";
import type { KeyHistory } from "./epoch-reads.ts";

const KINDS: ReadonlyMap<number, number> = new Map([
  [WW_TIME, WW],
  [RW_TIME, RW],
]);

/** Why one epoch comes before another one. */
interface Step {
  readonly from: number;
  readonly to: number;
  /** Without `_TIME`. */
  readonly kind: number;
  readonly inTime: boolean;
  readonly key: KeyHistory;
  readonly before: number;
  readonly after: number;
}

/** Names a cycle, and says of each of its epochs why it comes before the next. */
export function tellCycle(
  graph: Graph,
  cycle: readonly number[],
  nodes: EpochNodes,
  keys: readonly KeyHistory[],
  anomalies: Anomalies,
): void {
  const steps = stepsOf(graph, cycle, nodes, keys);
  const hasOrder = cycle.some((edge) => graph.list.kind[edge] === ORDER);
  const epochs = [...new Set(steps.map(({ from }) => from))];
  const text = steps.map(
    (step) => `${anomalies.told(step.from)} comes before ${anomalies.told(step.to)}: ${reason(step)}`,
  );
  const realTime = steps.some(({ inTime }) => inTime);
  anomalies.add(nameOf(steps, hasOrder), epochs, text.join("; "), realTime);
}

/** Without joints, and without what leads from one part of an epoch to another. */
function stepsOf(
  { list }: Graph,
  cycle: readonly number[],
  nodes: EpochNodes,
  keys: readonly KeyHistory[],
): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < cycle.length; at += 1) {
    const first = cycle[at] as number;
    const kind = list.kind[first] as number;
    if (kind === ORDER) continue;
    while (list.kind[cycle[at + 1] as number] === ON) at += 1;
    const last = cycle[at] as number;
    steps.push({
      from: nodes.epochOf(list.from[first] as number),
      to: nodes.epochOf(list.to[last] as number),
      kind: KINDS.get(kind) ?? kind,
      inTime: kind === TIME || KINDS.has(kind),
      key: keys[list.key[first] as number] as KeyHistory,
      before: list.before[first] as number,
      after: list.after[last] as number,
    });
  }
  return steps;
}

function nameOf(steps: readonly Step[], hasOrder: boolean): AnomalyName {
  const antiDependencies = steps.filter(({ kind }) => kind === RW).length;
  if (antiDependencies === 0) return steps.some(({ kind }) => kind === WR) ? "G1c" : "G0";
  const isUpdate = steps.length === 2 && steps.every(({ kind }) => kind === RW || kind === WW);
  if (isUpdate && steps[0]?.key === steps[1]?.key) return "lost update";
  if (hasOrder) return "G-monotonic";
  return antiDependencies === 1 ? "G-single" : "G2";
}

function reason({ kind, inTime, key: { key, isList }, before, after }: Step): string {
  if (kind === TIME) return "it had ended when that one began";
  if (isList) {
    if (kind === WW) return `it appended ${before} to ${key}, and that one ${after} behind it`;
    if (kind === WR) return `it appended ${before} to ${key}, where that one read a list that ends so`;
    const read = before === 0 ? `${key} while it was empty` : `${key} up to ${before}`;
    return `it read ${read}, without the ${after} that that one appended`;
  }
  const shown = inTime ? ", as the times show" : "";
  if (kind === WW) return `it wrote ${before} to ${key}, and that one wrote ${after} later${shown}`;
  if (kind === WR) return `it wrote ${before} to ${key}, where that one read it`;
  return `it read ${before} of ${key}, before that one wrote ${after}${shown}`;
}
