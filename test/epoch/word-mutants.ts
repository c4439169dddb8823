import type { WordWaits } from "../../src/epoch/word-waits.ts";
import { type Mutant, planted } from "./planted.ts";
import type { Asker } from "./word-model.ts";

/** Bugs that somebody could well have made. */
export const MUTANTS = {
  "who begins to wait does not look": {
    file: "word-waits.ts",
    from: "    if (this.#hasChanged(claim)) {\n      this.#pushChanged(waiter);\n      return;\n    }\n",
    to: "",
  },
  "who is touched is woken without a look": {
    file: "word-waits.ts",
    from: " || !this.#hasChanged(claim)) return false;",
    to: ") return false;\n      this.#hasChanged(claim);",
  },
  "half of a long word is compared": {
    file: "word-waits.ts",
    from: " || (bytes === 8 && present[1] !== (high | 0))",
    to: "",
  },
  "halves are compared with and without a sign": {
    file: "word-waits.ts",
    from: "present[0] !== (low | 0)",
    to: "present[0] !== low",
  },
  "a write that ends inside of a word is beside it": {
    file: "word-waits.ts",
    from: "claim.at >= end",
    to: "claim.at + claim.bytes > end",
  },
  "a write that begins inside of a word is beside it": {
    file: "word-waits.ts",
    from: "at >= claim.at + claim.bytes",
    to: "at > claim.at",
  },
  "all words are as long as a short one": {
    file: "word-waits.ts",
    from: "at >= claim.at + claim.bytes",
    to: "at >= claim.at + 4",
  },
  "only the first who waits is woken": {
    file: "word-waits.ts",
    from: "      if (isOver(wait)) this.#countOut(wait.claim.session);",
    to: "      if (kept === 0 && this.actions.count === 0 && isOver(wait)) this.#countOut(wait.claim.session);",
  },
  "who was woken stays": {
    file: "word-waits.ts",
    from: "    waits.length = kept;\n",
    to: "",
  },
  "a region is watched though nobody waits any more": {
    file: "word-waits.ts",
    from: "    if (kept === 0) this.#regions.delete(region);\n",
    to: "",
  },
  "a region is not watched any more when one has been woken": {
    file: "word-waits.ts",
    from: "if (kept === 0) this.#regions.delete(region);",
    to: "if (kept < 2) this.#regions.delete(region);",
  },
  "a wait that is over still counts": {
    file: "word-waits.ts",
    from: "if (left > 0) this.#sessions.set(session, left);",
    to: "if (left > 0) return;",
  },
  "who may not wait waits": {
    file: "word-waits.ts",
    from: "if (waitMs <= 0) return WORD_ACTION.TIMED_OUT;",
    to: "if (waitMs < 0) return WORD_ACTION.TIMED_OUT;",
  },
  "the window of another session ends": {
    file: "word-waits.ts",
    from: "if (claim.session !== session || !isMeant(claim)) return false;",
    to: "if (!isMeant(claim)) return false;",
  },
  "a window takes all that its session waits for": {
    file: "word-waits.ts",
    from: "(claim) => claim.handle === handle",
    to: "() => true || handle",
  },
  "a deadline that is nearer than the others is forgotten": {
    file: "word-waits.ts",
    from: "this.#dueMs = Math.min(this.#dueMs, deadlineMs);",
    to: "if (this.count === 1) this.#dueMs = deadlineMs;",
  },
  "who is late is not looked at once more": {
    file: "word-waits.ts",
    from: "if (this.#hasChanged(claim)) this.#pushChanged(waiter);\n        else ",
    to: "",
  },
  "the deadlines that are left are forgotten": {
    file: "word-waits.ts",
    from: "          dueMs = Math.min(dueMs, deadlineMs);\n",
    to: "",
  },
} as const satisfies Record<string, Mutant>;

const importMutant = planted(MUTANTS, "../../src/epoch/word-waits.ts");

/** The waits with that bug in them. */
export async function mutantWaits(
  name: keyof typeof MUTANTS,
): Promise<new (...made: ConstructorParameters<typeof WordWaits>) => WordWaits<Asker>> {
  const { WordWaits: Broken } = await importMutant(name);
  return Broken as typeof WordWaits<Asker>;
}
