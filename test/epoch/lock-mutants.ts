import type { LockTable } from "../../src/epoch/lock-table.ts";
import type { Mirrored } from "./lock-run.ts";
import { type Mutant, opened } from "./planted.ts";

/** Bugs that somebody could well have made. */
export const MUTANTS = {
  "a crash gives away what the session holds before its lease has ended": {
    file: "lock-table.ts",
    from: "const waits = requests.filter(({ granted }) => !granted);",
    to: "const waits = requests;",
  },
  "a range ends one byte early": {
    file: "lock-request.ts",
    from: "one.at < other.end",
    to: "one.at + 1 < other.end",
  },
  "a range ends one byte late": {
    file: "lock-request.ts",
    from: "other.at < one.end",
    to: "other.at <= one.end",
  },
  "two that are exclusive share": {
    file: "lock-request.ts",
    from: "(one.exclusive || other.exclusive)",
    to: "one.exclusive !== other.exclusive",
  },
  "nobody is woken where one stops waiting": {
    file: "lock-table.ts",
    from: "if (this.#isOpen) this.#advance(queue, gone, nowMs);",
    to: "if (this.#isOpen && gone.granted) this.#advance(queue, gone, nowMs);",
  },
  "only one is woken": {
    file: "lock-queue.ts",
    from: "} else i += 1;",
    to: "} else break;",
  },
  "whoever can share overtakes who waits": {
    file: "lock-queue.ts",
    from: "i < position",
    to: "i < 0",
  },
  "a session that ends is granted one of its waits in the place of another": {
    file: "lock-table.ts",
    from: "      this.#remove(request);\n    }\n    for (const request of requests) this.#letNext(request, nowMs);",
    to: "      this.#end(request, nowMs);\n    }",
  },
  "a wait outlasts its time": {
    file: "lock-table.ts",
    from: "nowMs >= request.deadlineMs",
    to: "nowMs > request.deadlineMs",
  },
  "no circle is found": {
    file: "lock-circle.ts",
    from: "else if (blocker.owner === from.owner) return true;",
    to: "",
  },
  "a wait is a circle already": {
    file: "lock-circle.ts",
    from: "blocker.owner === from.owner",
    to: "blocker.owner !== from.owner",
  },
  "what the session holds stays when it is forgotten": {
    file: "lock-table.ts",
    from: "!kept.has(region)",
    to: "kept.has(region)",
  },
  "a wait is looked at when the next one's time has come": {
    file: "lock-table.ts",
    from: "this.#dueMs = Math.min(this.#dueMs, request.deadlineMs, request.checkMs);",
    to: "this.#dueMs = Math.min(this.#dueMs, request.deadlineMs);",
  },
} as const satisfies Record<string, Mutant>;

const importTable = opened(MUTANTS, "../../src/epoch/lock-table.ts");

/** The table with that bug in it, or without any, whose private fields are open. */
export async function openedTable(bug?: keyof typeof MUTANTS): Promise<new () => LockTable<Mirrored>> {
  const { LockTable } = await importTable(bug);
  return LockTable as new () => LockTable<Mirrored>;
}
