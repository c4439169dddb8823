import { type Graph, ON, ORDER, RW, RW_TIME } from "./epoch-graph.ts";

const REPLACED = RW | RW_TIME;

/** Edges that are looked at before a search is content with the shortest cycle that it has found. */
const LOOKED_MAX = 2_000_000;

/** Finds short cycles in strongly connected components. */
export class CycleSearch {
  readonly #graph: Graph;
  /** Of each node: its distance in the search whose number is in `#search`, and the edge by which it was reached. */
  readonly #distance: Uint32Array;
  readonly #search: Uint32Array;
  readonly #reachedBy: Uint32Array;
  readonly #component: Uint32Array;
  #searches = 0;
  #components = 0;
  #looked = 0;

  constructor(graph: Graph) {
    const { nodeCount } = graph.list;
    this.#graph = graph;
    this.#distance = new Uint32Array(nodeCount);
    this.#search = new Uint32Array(nodeCount);
    this.#reachedBy = new Uint32Array(nodeCount);
    this.#component = new Uint32Array(nodeCount);
  }

  /**
   * @param component of the edges in `mask`
   * @returns the edges of a cycle, one with a single anti-dependency where one is found
   */
  shortest(component: readonly number[], mask: number): number[] {
    this.#components += 1;
    for (const node of component) this.#component[node] = this.#components;
    this.#looked = 0;
    const single = this.#shortestBy(this.#edgesOut(component, mask & REPLACED), mask & ~REPLACED);
    if (single !== undefined) return single;
    this.#looked = 0;
    return this.#shortestBy(this.#edgesOut(component, mask & ~(ON | ORDER)), mask) ?? [];
  }

  /** @returns the shortest cycle of one of `firsts`, and edges of the mask from there on */
  #shortestBy(firsts: Iterable<number>, mask: number): number[] | undefined {
    const { from, to } = this.#graph.list;
    let best: number[] | undefined;
    let bestDistance = Number.POSITIVE_INFINITY;
    for (const first of firsts) {
      const goal = from[first] as number;
      const back = this.#path(to[first] as number, goal, mask);
      if (back !== undefined && (this.#distance[goal] as number) < bestDistance) {
        best = [first, ...back];
        bestDistance = this.#distance[goal] as number;
      }
      if (this.#looked > LOOKED_MAX) break;
    }
    return best;
  }

  *#edgesOut(component: readonly number[], mask: number): Iterable<number> {
    const { starts, edges, list } = this.#graph;
    for (const node of component) {
      for (let at = starts[node] as number; at < (starts[node + 1] as number); at += 1) {
        const edge = edges[at] as number;
        const isInside = this.#component[list.to[edge] as number] === this.#components;
        if (isInside && ((list.kind[edge] as number) & mask) !== 0) yield edge;
      }
    }
  }

  /** A shortest path inside the component; to go on from a joint, or to a later part of an epoch, costs nothing. */
  #path(start: number, goal: number, mask: number): number[] | undefined {
    this.#searches += 1;
    const { starts, edges, list } = this.#graph;
    let level = [start];
    this.#search[start] = this.#searches;
    this.#distance[start] = 0;
    for (let distance = 0; level.length > 0; distance += 1) {
      const following: number[] = [];
      for (let node = level.pop(); node !== undefined; node = level.pop()) {
        if (node === goal) return this.#wayTo(start, goal);
        for (let at = starts[node] as number; at < (starts[node + 1] as number); at += 1) {
          const edge = edges[at] as number;
          const kind = list.kind[edge] as number;
          const to = list.to[edge] as number;
          this.#looked += 1;
          if ((kind & mask) === 0 || this.#component[to] !== this.#components) continue;
          const isFree = kind === ON || kind === ORDER;
          const reached = isFree ? distance : distance + 1;
          if (this.#search[to] === this.#searches && (this.#distance[to] as number) <= reached) continue;
          this.#search[to] = this.#searches;
          this.#distance[to] = reached;
          this.#reachedBy[to] = edge;
          (isFree ? level : following).push(to);
        }
      }
      level = following;
    }
    return undefined;
  }

  #wayTo(start: number, goal: number): number[] {
    const way: number[] = [];
    for (let node = goal; node !== start; ) {
      const edge = this.#reachedBy[node] as number;
      way.push(edge);
      node = this.#graph.list.from[edge] as number;
    }
    return way.reverse();
  }
}
