import { Anomalies } from "./epoch-anomalies.ts";
import { componentsOf } from "./epoch-components.ts";
import { CycleSearch } from "./epoch-cycles.ts";
import { EpochEdges } from "./epoch-edges.ts";
import { Graph, ON, ORDER, RW, RW_TIME, TIME, WR, WW, WW_TIME } from "./epoch-graph.ts";
import type { Anomaly, Epoch, EpochClass } from "./epoch-history.ts";
import { listVersions } from "./epoch-list-versions.ts";
import { EpochNodes } from "./epoch-nodes.ts";
import { numberVersions } from "./epoch-number-versions.ts";
import { EpochReads } from "./epoch-reads.ts";
import { spansOf } from "./epoch-spans.ts";
import { tellCycle } from "./epoch-told.ts";

/**
 * Epochs of atomicity `all` give what their class promises; more is not asked of them. An order must explain all reads:
 *
 * - isolation `serializable`: of whole epochs. With consistency `release`, whoever has returned before another one was
 *   invoked comes before it.
 * - `shared` and `exclusive`, where each epoch has locked all that it uses: the same, with or without `release`, since
 *   locks are held until the end.
 * - `none`: of single reads, in the order of their epoch, and behind them all of its writes as one. So others may come
 *   between (read skew, lost updates, write skew), but nobody sees what was aborted or was not the last, and whoever has
 *   seen one write of an epoch sees its others from then on. Also for `release` as above.
 *
 * An epoch of unknown outcome has taken effect, whole, as soon as an epoch that counts has read of it. One that was
 * committed is never lost: final epochs, which look at what is left of all keys, come after it. Where durability was
 * below `stable`, a loss of power may take it: the caller checks what was before and after it on their own.
 *
 * Lists tell most, since each read shows the order of all versions: the verdict is exact. They are for workloads whose
 * appends cannot be lost between their read and their write: all but isolation `none`, unless one access appends. Others
 * use numbers. There it is exact too where each write follows a read of its key in its epoch, except for isolation `none`.
 *
 * Does not verify: of numbers, an order of versions that nothing shows: no epoch that read one and wrote the other, or
 * read both, no times, no final read. So less is found there, but what is found is wrong. What epochs have read that were
 * aborted, or are unknown and never seen. Atomicity `none` and consistency `sequential`, which words.ts is
 * for; reads that were under way together; accesses outside of epochs; that epochs commit at all.
 *
 * Sources: Adya, Weak Consistency (1999), also for the names; Kingsbury and Alvaro, Elle: Inferring Isolation Anomalies from
 * Experimental Observations (VLDB 2020).
 *
 * @returns what is wrong, gravest first: of epochs that are in circles together one circle
 */
export function checkEpochs(epochs: readonly Epoch[], asked: EpochClass): readonly Anomaly[] {
  const anomalies = new Anomalies(epochs);
  const realTime =
    asked.consistency === "release" || asked.isolation === "shared" || asked.isolation === "exclusive";
  const spans = spansOf(epochs, realTime);
  const reads = new EpochReads(epochs, anomalies);
  const nodes = new EpochNodes(reads, asked.isolation === "none");
  const edges = new EpochEdges(nodes);
  const keys = [...reads.keys.values()];
  for (const [number, key] of keys.entries()) {
    const versions = key.isList
      ? listVersions(key, reads.counts, anomalies)
      : numberVersions(key, reads.counts, spans);
    for (const version of versions) edges.addVersion(number, version);
  }
  edges.addOrder();
  edges.addTime(
    [...epochs.keys()].filter((epoch) => reads.counts[epoch] === 1),
    spans,
  );
  findCycles(new Graph(edges.list), (graph, cycle) => tellCycle(graph, cycle, nodes, keys, anomalies));
  return anomalies.found;
}

/** Gravest first. */
const MASKS = [
  WW,
  WW | WR,
  WW | WR | RW,
  WW | TIME,
  WW | WR | TIME,
  WW | WR | RW | TIME,
  WW | WR | RW | TIME | WW_TIME | RW_TIME,
];

function findCycles(graph: Graph, tell: (graph: Graph, cycle: readonly number[]) => void): void {
  const always = ON | ORDER;
  if (componentsOf(graph, ~0).length === 0) return;
  const search = new CycleSearch(graph);
  const isTold = new Uint8Array(graph.list.nodeCount);
  for (const mask of MASKS) {
    for (const component of componentsOf(graph, mask | always)) {
      if (component.some((node) => isTold[node] === 1)) continue;
      const cycle = search.shortest(component, mask | always);
      for (const edge of cycle) isTold[graph.list.from[edge] as number] = 1;
      tell(graph, cycle);
    }
  }
}
