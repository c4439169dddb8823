import type { Memory } from "../../src/ports/memory.ts";
import { SimMemory } from "../../src/sim/memory.ts";

export type AccessKind = "load" | "store" | "read-modify-write" | "plain load" | "plain store";

/** Is told of an access before it happens. @param perform does it @returns its result */
export type OnAccess = (kind: AccessKind, at: number, perform: () => number) => number;

type Operation = (words: Int32Array, at: number, ...operands: number[]) => number;

const OPERATIONS = [
  "load",
  "store",
  "add",
  "sub",
  "and",
  "or",
  "xor",
  "exchange",
  "compareExchange",
] as const;
const atomics = Atomics as unknown as Record<string, Operation>;
const ORIGINAL = OPERATIONS.map((name) => [name, atomics[name] as Operation] as const);

/** Words of which every access is told, of whatever code: index reads and writes always, atomic ones within `watch`. */
export class WatchedWords {
  /** What the words are, for who is not watched. */
  readonly memory: Memory;
  /** The same memory; its `i32` is watched. */
  readonly watched: Memory;
  onAccess: OnAccess = (_kind, _at, perform) => perform();

  constructor(byteLength: number) {
    this.memory = new SimMemory().allocate(byteLength);
    const words = this.memory.i32;
    const of = this;
    const proxy = new Proxy(words, {
      get(_target, key): unknown {
        const at = Number(key);
        if (!Number.isInteger(at)) throw new Error(`nobody needs ${String(key)} of these words`);
        return of.onAccess("plain load", at, () => words[at] as number);
      },
      set(_target, key, value): boolean {
        const at = Number(key);
        of.onAccess("plain store", at, () => {
          words[at] = value;
          return value;
        });
        return true;
      },
    });
    this.watched = { ...this.memory, i32: proxy };
  }

  /** Runs `body`, of which atomic accesses are told, too. */
  watch<T>(body: () => T): T {
    const { i32: words } = this.memory;
    const { i32: proxy } = this.watched;
    for (const [name, operation] of ORIGINAL) {
      const kind = name === "load" || name === "store" ? name : "read-modify-write";
      atomics[name] = (target, at, ...operands) =>
        target === proxy
          ? this.onAccess(kind, at, () => operation(words, at, ...operands))
          : operation(target, at, ...operands);
    }
    try {
      return body();
    } finally {
      for (const [name, operation] of ORIGINAL) atomics[name] = operation;
    }
  }
}
