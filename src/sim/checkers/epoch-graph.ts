/** Kinds of edges, as bits of masks. */
export const WW = 1;
export const WR = 2;
export const RW = 4;
/** The one had ended before the other one began. */
export const TIME = 8;
/** Parts of one epoch. */
export const ORDER = 16;
/** From a joint on: the edge goes on, in the kind in which it came to the joint. */
export const ON = 32;
/** The same as without `_TIME`, where only times show which version was later. */
export const WW_TIME = 64;
export const RW_TIME = 128;

/**
 * Edges between numbered nodes. Where each of many comes before each of many others, a node between them (a joint) saves
 * the product of both: an edge comes to it as one of its kind, and goes on as `ON`.
 */
export class EdgeList {
  nodeCount: number;
  readonly from: number[] = [];
  readonly to: number[] = [];
  readonly kind: number[] = [];
  /** What the edge is about: a key's number, and what that held before and after. */
  readonly key: number[] = [];
  readonly before: number[] = [];
  readonly after: number[] = [];

  constructor(nodeCount: number) {
    this.nodeCount = nodeCount;
  }

  joint(): number {
    this.nodeCount += 1;
    return this.nodeCount - 1;
  }

  add(from: number, to: number, kind: number, key = 0, before = 0, after = 0): void {
    this.from.push(from);
    this.to.push(to);
    this.kind.push(kind);
    this.key.push(key);
    this.before.push(before);
    this.after.push(after);
  }
}

/** The same, to be walked along: the edges out of `node` are `edges[starts[node]]` and so on, before `starts[node + 1]`. */
export class Graph {
  readonly list: EdgeList;
  readonly starts: Uint32Array;
  readonly edges: Uint32Array;

  constructor(list: EdgeList) {
    this.list = list;
    this.starts = new Uint32Array(list.nodeCount + 2);
    this.edges = new Uint32Array(list.from.length);
    const { starts, edges } = this;
    // Shifted by one place, so that filling in moves each start to where it belongs.
    for (const node of list.from) starts[node + 2] = (starts[node + 2] as number) + 1;
    for (let i = 2; i < starts.length; i += 1) starts[i] = (starts[i] as number) + (starts[i - 1] as number);
    for (const [edge, node] of list.from.entries()) {
      const at = starts[node + 1] as number;
      edges[at] = edge;
      starts[node + 1] = at + 1;
    }
  }
}
