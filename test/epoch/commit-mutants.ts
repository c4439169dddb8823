import type { EpochTable } from "../../src/epoch/epoch-table.ts";
import { type Mutant, planted } from "./planted.ts";

/** Bugs that somebody could well have made. */
export const MUTANTS = {
  "what was read is not locked": {
    file: "line-locks.ts",
    from: "shared: [...new Set(reads)].filter((line) => !exclusive.has(line))",
    to: "shared: []",
  },
  "what was read is not compared": {
    file: "epoch-table.ts",
    from: "reads.some((line, i) => this.#parts.versionOf(line) !== versions[i])",
    to: "false",
  },
  "who only reads does not mind who is about to write": {
    file: "epoch-table.ts",
    from: "!reads.some((line) => this.locks.isExclusive(line))",
    to: "true",
  },
  "who only reads does not compare": {
    file: "epoch-table.ts",
    from: " && !this.#isChanged(claim)",
    to: "",
  },
  "a writer shares with readers": {
    file: "line-locks.ts",
    from: "for (const line of exclusive) if (this.#holders.has(line)) return false;",
    to: "for (const line of exclusive) if (this.#holders.get(line) === EXCLUSIVE) return false;",
  },
  "locks end with the promise": {
    file: "epoch-table.ts",
    from: "entry.phase = PHASE.PREPARED;\n",
    to: "entry.phase = PHASE.PREPARED;\n      this.locks.release(entry.locked);\n",
  },
  "it is promised before it is in the log": {
    file: "epoch-table.ts",
    from: "this.#push({ kind: EPOCH_ACTION.LOG_PREPARED, entry, name: entry.name });",
    to: "{ this.#push({ kind: EPOCH_ACTION.LOG_PREPARED, entry, name: entry.name }); this.logged(entry.key, nowMs); }",
  },
  "who only reads does not log its promise": {
    file: "epoch-table.ts",
    from: "this.#push({ kind: EPOCH_ACTION.LOG_PREPARED, entry, name: entry.name });",
    to: "if (claim.writes.length > 0) this.#push({ kind: EPOCH_ACTION.LOG_PREPARED, entry, name: entry.name }); else this.logged(entry.key, nowMs);",
  },
  "a decision is answered before it is in the log": {
    file: "epoch-table.ts",
    from: "entry.others = others;",
    to: "entry.others = others; this.#answer(asker, EPOCH_ANSWER.COMMITTED);",
  },
  "one that is alone is answered before it is in the log": {
    file: "epoch-table.ts",
    from: "entry.phase = PHASE.DECIDING;\n    this.#push",
    to: "entry.phase = PHASE.DECIDING;\n    this.#tell(entry, EPOCH_ANSWER.COMMITTED);\n    this.#push",
  },
  "a decision is not remembered": {
    file: "epoch-table.ts",
    from: "this.decisions.add(entry.name, entry.others, nowMs + ASK_AGAIN_MS);",
    to: "",
  },
  "a decision is forgotten with the life that made it": {
    file: "epoch-table.ts",
    from: "this.decisions.add(name, others, 0);",
    to: "void [name, others];",
  },
  "a promise ends with the session": {
    file: "epoch-table.ts",
    from: "if (this.#isPromised(entry)) entry.enquireMs = nowMs;\n    else if (entry.phase <= PHASE.PREPARED)",
    to: "if (entry.phase <= PHASE.PREPARED)",
  },
  "an enquiry is answered while it is being decided": {
    file: "epoch-table.ts",
    from: "const isDeciding = entry?.phase === PHASE.DECIDING;",
    to: "const isDeciding = false;",
  },
  "what was said to be aborted is taken when it comes": {
    file: "epoch-table.ts",
    from: "if (open !== undefined && open.refusedUpTo < name.sequence)",
    to: "if (open !== undefined && open.refusedUpTo > name.sequence)",
  },
  "an enquiry leaves the decider's own part": {
    file: "epoch-table.ts",
    from: "if (entry !== undefined && this.#isSelf(entry.decider)) this.#drop(entry);",
    to: "",
  },
  "it counts as finished before that is in the log": {
    file: "epoch-table.ts",
    from: "    this.#apply(entry);\n  }\n\n  #apply",
    to: "    this.#apply(entry);\n    this.#tell(entry, EPOCH_ANSWER.COMMITTED);\n  }\n\n  #apply",
  },
  "a promise of an earlier life locks nothing": {
    file: "epoch-table.ts",
    from: "    this.locks.take(locked);\n    this.#entries.set(key, entry);",
    to: "    this.#entries.set(key, entry);",
  },
  "the decider counts its own undecided part as committed when it comes back": {
    file: "epoch-table.ts",
    from: "if (this.#isSelf(decider)) this.#drop(entry);",
    to: "if (this.#isSelf(decider)) this.#commit(entry);",
  },
  "whoever is silent is waited for without end": {
    file: "epoch-table.ts",
    from: "if (this.#isPromised(entry)) entry.enquireMs = nowMs;",
    to: "if (this.#isPromised(entry)) entry.enquireMs = Number.POSITIVE_INFINITY;",
  },
} as const satisfies Record<string, Mutant>;

const importMutant = planted(MUTANTS, "../../src/epoch/epoch-table.ts");

/** The table with that bug in it. */
export async function mutantTable(name: keyof typeof MUTANTS): Promise<typeof EpochTable> {
  const { EpochTable: Broken } = await importMutant(name);
  return Broken as typeof EpochTable;
}
