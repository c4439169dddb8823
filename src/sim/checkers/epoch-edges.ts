import { EdgeList, ON, ORDER, RW, RW_TIME, TIME, WR, WW, WW_TIME } from "./epoch-graph.ts";
import type { EpochNodes } from "./epoch-nodes.ts";
import type { Read, Write } from "./epoch-reads.ts";
import type { Spans } from "./epoch-spans.ts";
import type { Later, Version } from "./epoch-versions.ts";

/** Puts down which epochs come before which others. */
export class EpochEdges {
  readonly list: EdgeList;
  readonly #nodes: EpochNodes;

  constructor(nodes: EpochNodes) {
    this.list = new EdgeList(nodes.count);
    this.#nodes = nodes;
  }

  /** Parts of one epoch follow each other. */
  addOrder(): void {
    for (let node = 1; node < this.#nodes.count; node += 1) {
      if (this.#nodes.epochOf(node - 1) === this.#nodes.epochOf(node)) this.list.add(node - 1, node, ORDER);
    }
  }

  /** @param epochs those that count */
  addTime(epochs: readonly number[], { from, to }: Spans): void {
    const begins = epochs.toSorted((a, b) => (from[a] as number) - (from[b] as number));
    const ends = epochs.toSorted((a, b) => (to[a] as number) - (to[b] as number));
    let ended = 0;
    let moment: number | undefined;
    for (const later of begins) {
      const begin = from[later] as number;
      const before = ended;
      while (ended < ends.length && (to[ends[ended] as number] as number) < begin) ended += 1;
      if (ended > before) {
        const joint = this.list.joint();
        if (moment !== undefined) this.list.add(moment, joint, ON);
        for (const earlier of ends.slice(before, ended))
          this.list.add(this.#nodes.last(earlier), joint, TIME);
        moment = joint;
      }
      if (moment !== undefined) this.list.add(moment, this.#nodes.first(later), ON);
    }
  }

  addVersion(key: number, { write, readers, next }: Version): void {
    if (write !== undefined) {
      const from = this.#nodes.last(write.epoch);
      for (const read of readers) this.list.add(from, this.#nodes.ofRead(read), WR, key, write.value);
      for (const { write: later, inTime } of next.values()) {
        if (later.epoch === write.epoch) continue;
        const kind = inTime ? WW_TIME : WW;
        this.list.add(from, this.#nodes.last(later.epoch), kind, key, write.value, later.value);
      }
    }
    if (next.size === 0 || readers.length === 0) return;
    // Who replaces what it reads does not come before itself.
    const pure = this.#nodes.isSplit ? readers : readers.filter(({ epoch }) => !next.has(epoch));
    this.#addReplaced(key, pure, [...next.values()]);
    if (pure.length < readers.length) this.#addReplacing(key, readers, next);
  }

  /** Each of `reads` comes before each of `laters`. */
  #addReplaced(key: number, reads: readonly Read[], laters: readonly Later[]): void {
    for (const inTime of [false, true]) {
      const writes = laters.filter((later) => later.inTime === inTime).map(({ write }) => write);
      this.#addProduct(key, reads, writes, inTime ? RW_TIME : RW);
    }
  }

  #addProduct(key: number, reads: readonly Read[], writes: readonly Write[], kind: number): void {
    if (reads.length === 0 || writes.length === 0) return;
    if (reads.length === 1 || writes.length === 1) {
      for (const read of reads) for (const write of writes) this.#addOneReplaced(key, read, write, kind);
      return;
    }
    const joint = this.list.joint();
    for (const read of reads) this.list.add(this.#nodes.ofRead(read), joint, kind, key, read.value);
    for (const { epoch, value } of writes) this.list.add(joint, this.#nodes.last(epoch), ON, key, 0, value);
  }

  #addOneReplaced(key: number, read: Read, write: Write, kind: number): void {
    const to = this.#nodes.last(write.epoch);
    this.list.add(this.#nodes.ofRead(read), to, kind, key, read.value, write.value);
  }

  /** Those that read a version and are known to have replaced it; if it is more than one, an update is lost. */
  #addReplacing(key: number, readers: readonly Read[], next: Version["next"]): void {
    const replacing = new Map<Later, Read>();
    for (const read of readers) {
      const own = next.get(read.epoch);
      if (own !== undefined) replacing.set(own, read);
    }
    const [one, ...others] = replacing;
    if (one === undefined) return;
    const [own, reads] = one;
    if (others.length === 0) {
      const rest = [...next.values()].filter((later) => later !== own);
      this.#addReplaced(key, [reads], rest);
    }
    for (const [other, otherReads] of others) {
      this.#addOneReplaced(key, reads, other.write, RW);
      this.#addOneReplaced(key, otherReads, own.write, RW);
    }
  }
}
