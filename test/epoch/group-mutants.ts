import type { GroupTable } from "../../src/epoch/group-table.ts";
import type { Asker } from "./group-model.ts";
import { type Mutant, planted } from "./planted.ts";

/** Bugs that somebody could well have made. */
export const MUTANTS = {
  "one passes before all have come": {
    file: "group-table.ts",
    from: "group.waitingCount + 1 === group.size",
    to: "group.waitingCount + 2 >= group.size",
  },
  "any round will do": {
    file: "group-table.ts",
    from: "else if (round !== group.round)",
    to: "else if (round > group.round + 1)",
  },
  "who guesses its number comes to a group before all have joined": {
    file: "group-table.ts",
    from: "if (member?.group.isComplete !== true) {",
    to: "if (member === undefined) {",
  },
  "a barrier that all have passed is due again": {
    file: "group-table.ts",
    from: "      group.round += 1;\n",
    to: "",
  },
  "who is there already comes once more": {
    file: "group-table.ts",
    from: "else if (member.isWaiting) this.actions.push(GROUP_ACTION.REPEATED, waiter);",
    to: "",
  },
  "one answer too few is counted": {
    file: "group-table.ts",
    from: "    group.waitingCount -= 1;\n",
    to: "",
  },
  "who leaves does not end the group": {
    file: "group-table.ts",
    from: "if (group.isComplete) this.#break(group, member.rank);",
    to: "",
  },
  "who leaves before all have come ends the group": {
    file: "group-table.ts",
    from: "if (group.isComplete) this.#break(group, member.rank);",
    to: "this.#break(group, member.rank);",
  },
  "the last who left is named": {
    file: "group-table.ts",
    from: "    if (group.isBroken) return;\n    group.brokenBy = rank;",
    to: "    group.brokenBy = rank;",
  },
  "whose time has come is named, and not who has not come": {
    file: "group.ts",
    from: "member?.isWaiting !== true",
    to: "member?.isWaiting === true",
  },
  "only who leaves is told that the group has ended": {
    file: "group-table.ts",
    from: "    this.#answerAll(group, GROUP_ACTION.BROKEN);\n",
    to: "",
  },
  "the name is free when the group ends": {
    file: "group-table.ts",
    from: "    group.brokenBy = rank;\n",
    to: "    group.brokenBy = rank;\n    this.#groups.delete(group.name);\n",
  },
  "members that have left stay counted": {
    file: "group-table.ts",
    from: "    this.placeCount -= group.size;\n",
    to: "",
  },
  "a late joiner of another size is let in": {
    file: "group-table.ts",
    from: "if (group.size !== size) return GROUP_ACTION.MISMATCH;",
    to: "",
  },
  "a group that is full lets in one more": {
    file: "group.ts",
    from: "if (this.isComplete) return true;",
    to: "",
  },
  "two have the rank that they asked for": {
    file: "group.ts",
    from: "rank !== ANY_RANK && this.members.some",
    to: "rank > 0 && this.members.some",
  },
  "whoever comes first has the first rank, though another has asked for it": {
    file: "group.ts",
    from: "while (byRank[rank] !== undefined) rank += 1;",
    to: "",
  },
  "a new life of a name has the number of the one before": {
    file: "group-table.ts",
    from: "    this.#number += 1;\n",
    to: "",
  },
  "a deadline that is nearer than the others is forgotten": {
    file: "group-table.ts",
    from: "this.#dueMs = Math.min(this.#dueMs, deadlineMs);",
    to: "if (this.waitingCount === 1) this.#dueMs = deadlineMs;",
  },
  "the time of a barrier that is over ends the group": {
    file: "group-table.ts",
    from: "    group.dueMs = Number.POSITIVE_INFINITY;\n    for (const member of group.members) {",
    to: "    for (const member of group.members) {",
  },
  "a lost connection leaves a wait behind that nobody hears of": {
    file: "group-table.ts",
    from: "if (member.isWaiting) this.#leave(member, GROUP_ACTION.CANCELLED);",
    to: "if (member.isWaiting) this.#answer(member, GROUP_ACTION.CANCELLED);",
  },
  "a session that ends leaves its first group alone": {
    file: "group-table.ts",
    from: "      this.#leave(member, GROUP_ACTION.CANCELLED);\n    }\n  }\n\n  /** Ends the waits",
    to: "      this.#leave(member, GROUP_ACTION.CANCELLED);\n      break;\n    }\n  }\n\n  /** Ends the waits",
  },
} as const satisfies Record<string, Mutant>;

const importMutant = planted(MUTANTS, "../../src/epoch/group-table.ts");

/** The table with that bug in it. */
export async function mutantTable(
  name: keyof typeof MUTANTS,
): Promise<new (...limits: ConstructorParameters<typeof GroupTable>) => GroupTable<Asker>> {
  const { GroupTable: Broken } = await importMutant(name);
  return Broken as typeof GroupTable<Asker>;
}
