import type { EpochJournal } from "../../src/epoch/epoch-journal.ts";
import { type Mutant, planted } from "./planted.ts";

/** Bugs that somebody could well have made. */
export const MUTANTS = {
  "nobody waits for a sync": {
    file: "epoch-journal.ts",
    from: "!stable || this.#log.isDurable(end)",
    to: "true",
  },
  "a sync of a region covers what is not in place yet": {
    file: "epoch-journal.ts",
    from: "upTo = Math.min(upTo, at);",
    to: "void at;",
  },
  "what is promised is given back": {
    file: "epoch-journal.ts",
    from: "for (const at of this.#prepared.values()) oldest = Math.min(oldest, at);",
    to: "",
  },
  "a decision that is not finished is given back": {
    file: "epoch-journal.ts",
    from: "for (const at of this.#decisions.values()) oldest = Math.min(oldest, at);",
    to: "",
  },
  "what no sync of a region has covered is given back": {
    file: "epoch-journal.ts",
    from: "oldest = Math.min(oldest, from);",
    to: "void from;",
  },
  "bytes are given back that a decision needs": {
    file: "epoch-journal.ts",
    from: "this.#takesEffect(key, payload, { at, from: prepared });",
    to: "this.#takesEffect(key, payload, { at, from: at });",
  },
  "a promise of an earlier life is not known": {
    file: "epoch-journal.ts",
    from: "this.#prepared.set(key, position);",
    to: "void [key, position];",
  },
  "a decision of an earlier life is not known": {
    file: "epoch-journal.ts",
    from: "this.#decisions.set(nameKey(epoch), position);",
    to: "void [epoch, position];",
  },
} as const satisfies Record<string, Mutant>;

const importMutant = planted(MUTANTS, "../../src/epoch/epoch-journal.ts");

/** The journal with that bug in it. */
export async function mutantJournal(name: keyof typeof MUTANTS): Promise<typeof EpochJournal> {
  const { EpochJournal: Broken } = await importMutant(name);
  return Broken as typeof EpochJournal;
}
