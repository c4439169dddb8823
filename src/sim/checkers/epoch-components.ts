import type { Graph } from "./epoch-graph.ts";

/**
 * Strongly connected components of more than one node, by the edges whose kinds are in `mask`.
 * Source: Tarjan, Depth-first search and linear graph algorithms (1972); with a stack of its own instead of calls.
 */
export function componentsOf(graph: Graph, mask: number): number[][] {
  const { starts, edges, list } = graph;
  const { nodeCount, to, kind } = list;
  /** 0: not visited. */
  const order = new Uint32Array(nodeCount);
  const low = new Uint32Array(nodeCount);
  const next = starts.slice(0, nodeCount);
  const isOpen = new Uint8Array(nodeCount);
  const open: number[] = [];
  const path: number[] = [];
  const components: number[][] = [];
  let visited = 0;

  const enter = (node: number): void => {
    visited += 1;
    order[node] = visited;
    low[node] = visited;
    isOpen[node] = 1;
    open.push(node);
    path.push(node);
  };
  const leave = (node: number): void => {
    path.pop();
    const parent = path.at(-1);
    if (parent !== undefined) low[parent] = Math.min(low[parent] as number, low[node] as number);
    if (low[node] !== order[node]) return;
    const component = open.splice(open.lastIndexOf(node));
    for (const member of component) isOpen[member] = 0;
    if (component.length > 1) components.push(component);
  };

  for (let root = 0; root < nodeCount; root += 1) {
    if (order[root] !== 0) continue;
    enter(root);
    for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
      const at = next[node] as number;
      if (at === starts[node + 1]) {
        leave(node);
        continue;
      }
      next[node] = at + 1;
      const edge = edges[at] as number;
      if (((kind[edge] as number) & mask) === 0) continue;
      const child = to[edge] as number;
      if (order[child] === 0) enter(child);
      else if (isOpen[child] === 1) low[node] = Math.min(low[node] as number, order[child] as number);
    }
  }
  return components;
}
