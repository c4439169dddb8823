import type { NotificationTable } from "../../src/epoch/notification-table.ts";
import type { Asker } from "./notification-model.ts";
import { type Mutant, planted } from "./planted.ts";

/** Bugs that somebody could well have made. */
export const MUTANTS = {
  "a notification is answered when the first of its queues has room": {
    file: "notification-table.ts",
    from: "if (waiting.left === 0) this.#endWait(waiting, NOTIFICATION_ACTION.NOTIFIED);",
    to: "this.#endWait(waiting, NOTIFICATION_ACTION.NOTIFIED);",
  },
  "a notification that waits is answered at once": {
    file: "notification-table.ts",
    from: "if (waiting === undefined) this.actions.push",
    to: "this.actions.push",
  },
  "nobody wakes who waits for a notification": {
    file: "notification-table.ts",
    from: "if (queue.nexts.first !== NOBODY) this.#wakeFirst(queue);",
    to: "",
  },
  "nobody wakes who waits for room": {
    file: "notification-table.ts",
    from: "      this.#letIn(queue);\n",
    to: "",
  },
  "only one is let in where there is room for more": {
    file: "notification-table.ts",
    from: "while (queue.hasRoom && waits.first !== NOBODY)",
    to: "if (queue.hasRoom && waits.first !== NOBODY)",
  },
  "one more is let in than there is room for": {
    file: "notification-queue.ts",
    from: "this.size < this.capacity",
    to: "this.size <= this.capacity",
  },
  "of several entries that are taken one leaves its room taken": {
    file: "notification-queue.ts",
    from: "this.size -= count;",
    to: "this.size -= Math.max(1, count - 1);",
  },
  "a wait that is over still counts": {
    file: "notification-waits.ts",
    from: "one.session.waits -= 1;",
    to: "",
  },
  "a next that is over still counts": {
    file: "notification-nexts.ts",
    from: "session.nexts -= 1;",
    to: "",
  },
  "a queue that is closed still counts against its session": {
    file: "notification-table.ts",
    from: "owner.entries -= queue.capacity;",
    to: "",
  },
  "one stands in line twice": {
    file: "notification-table.ts",
    from: "this.#waits.join(queue.waits, waiting, this.#entry, 0);",
    to: "for (let i = 0; i < 2; i += 1) this.#waits.join(queue.waits, waiting, this.#entry, 0);",
  },
  "an entry is told again": {
    file: "notification-queue.ts",
    from: "      this.#head += 1;\n",
    to: "      if (i > 0) this.#head += 1;\n",
  },
  "who comes later stands in front": {
    file: "slot-lines.ts",
    from: "if (line.last === NOBODY) line.first = slot;\n    else this.#behind[line.last] = slot;\n    line.last = slot;",
    to: "this.#behind[slot] = line.first;\n    line.first = slot;\n    if (line.last === NOBODY) line.last = slot;",
  },
  "who leaves a line takes with him who stands behind": {
    file: "slot-lines.ts",
    from: "else this.#behind[before] = next;",
    to: "else this.#behind[before] = NOBODY;",
  },
  "a line does not notice that its last one has left": {
    file: "slot-lines.ts",
    from: "if (line.last === slot) line.last = before;",
    to: "",
  },
  "a queue that is closed keeps who waits for room": {
    file: "notification-table.ts",
    from: "queue.waits, undefined,",
    to: "{ first: NOBODY, last: NOBODY }, undefined,",
  },
  "a queue that is closed keeps who waits for a notification": {
    file: "notification-table.ts",
    from: "this.#endNexts(queue, NOTIFICATION_ACTION.CLOSED);",
    to: "",
  },
  "a queue that is closed is still notified": {
    file: "notification-table.ts",
    from: "queues.splice(queues.indexOf(queue), 1);",
    to: "",
  },
  "a wait outlasts its time": {
    file: "notification-nexts.ts",
    from: "nowMs >= deadlineMs",
    to: "nowMs > deadlineMs",
  },
  "a deadline is ignored": {
    file: "notification-table.ts",
    from: "this.#dueMs = Math.min(this.#dueMs, nowMs + waitMs);",
    to: "",
  },
  "only the first deadline counts": {
    file: "notification-table.ts",
    from: "    this.#dueMs = dueMs;",
    to: "    this.#dueMs = Number.POSITIVE_INFINITY;",
  },
  "no source is any source": {
    file: "notification-queue.ts",
    from: " || this.#source === ANY",
    to: "",
  },
  "any source lets in any tag": {
    file: "notification-queue.ts",
    from: "this.#tag === ANY",
    to: "this.#source === ANY",
  },
  "a range ends one byte early": {
    file: "notification-queue.ts",
    from: "at < this.#end",
    to: "at + 1 < this.#end",
  },
  "a range ends one byte late": {
    file: "notification-queue.ts",
    from: "at < this.#end",
    to: "at <= this.#end",
  },
  "a range begins one byte early": {
    file: "notification-queue.ts",
    from: "this.#at < end",
    to: "this.#at <= end",
  },
  "an entry is written behind the ring": {
    file: "notification-queue.ts",
    from: "if (slot >= this.capacity)",
    to: "if (slot > this.capacity)",
  },
  "the sequence has holes": {
    file: "notification-queue.ts",
    from: "this.#sequence += 1;",
    to: "this.#sequence += 1 + this.size;",
  },
  "a count goes on from where it was told": {
    file: "notification-queue.ts",
    from: "    this.size = 0;",
    to: "",
  },
  "what a session has sent that has ended is let in": {
    file: "notification-table.ts",
    from: "if (owner.waits === 0) return;",
    to: "return;",
  },
  "a session that ends is told so by its queues, and not of its waits": {
    file: "notification-table.ts",
    from: "    this.endWaits(session);\n    for (const queue of [...owner.queues.values()]) this.#close(owner, queue);\n",
    to: "    for (const queue of [...owner.queues.values()]) this.#close(owner, queue);\n    this.endWaits(session);\n",
  },
  "waits are counted one by one where a notification has several": {
    file: "notification-table.ts",
    from: "return needed <= places;",
    to: "return places > 0;",
  },
  "who need not wait is refused": {
    file: "notification-table.ts",
    from: "!queue.hasRoom && queue.matches",
    to: "queue.matches",
  },
} as const satisfies Record<string, Mutant>;

const importMutant = planted(MUTANTS, "../../src/epoch/notification-table.ts");

/** The table with that bug in it. */
export async function mutantTable(
  name: keyof typeof MUTANTS,
): Promise<new (...limits: ConstructorParameters<typeof NotificationTable>) => NotificationTable<Asker>> {
  const { NotificationTable: Broken } = await importMutant(name);
  return Broken as typeof NotificationTable<Asker>;
}
