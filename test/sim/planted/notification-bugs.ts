import type { PlantedBug } from "./bugs.ts";

/** In accesses that notify, in the queues at their homes, and in what clients make of their answers. */
export const NOTIFICATION_BUGS: readonly PlantedBug[] = [
  {
    name: "an access is told when its header has come",
    patches: [
      {
        file: "target/execute.ts",
        from: "    connection.before = notifies ? bytesBefore(words, h) : 0;\n",
        to: `    connection.before = notifies ? bytesBefore(words, h) : 0;
    if (notifies)
      notifications.put(connection, region, at, length, connection.before, tag, headerTag(words, h));
`,
      },
      {
        file: "target/receive.ts",
        from: `    notifications.put(connection, region as WorkerRegion, from, at - from, before, noticeTag, tag);
`,
        to: "    return true;\n",
      },
    ],
    focus: "notifications",
    medianMax: 8,
  },
  {
    name: "the part of an access that notifies does not wait for the others",
    patches: [
      {
        file: "client/window-notified.ts",
        from: "(call) => this.#parts.put(at, front, call));",
        to: "async (call) => void this.#parts.put(at, front, call).catch(() => {}));",
      },
    ],
    focus: "notifications",
    medianMax: 8,
  },
  {
    name: "a notification wakes nobody who waits for it",
    patches: [
      {
        file: "epoch/notification-table.ts",
        from: "        if (queue.nexts.first !== NOBODY) this.#wakeFirst(queue);\n",
        to: "",
      },
    ],
    focus: "notifications",
    medianMax: 8,
  },
  {
    name: "an answer that tells several gives back one place less",
    patches: [
      {
        file: "epoch/notification-queue.ts",
        from: "return !this.isList || this.size < this.capacity;",
        to: "return !this.isList || this.size + (this.kept ?? 0) < this.capacity;",
      },
      {
        file: "epoch/notification-queue.ts",
        from: "    this.size -= count;\n",
        to: "    this.size -= count;\n    if (count > 1) this.kept = (this.kept ?? 0) + 1;\n",
      },
    ],
    focus: "notifications",
    medianMax: 8,
  },
  {
    name: "an answer lets in one of those who wait",
    patches: [
      {
        file: "epoch/notification-table.ts",
        from: "while (queue.hasRoom && waits.first !== NOBODY) {",
        to: "if (queue.hasRoom && waits.first !== NOBODY) {",
      },
    ],
    focus: "notifications",
    medianMax: 8,
  },
  {
    name: "what is told to who has given up waiting is dropped",
    patches: [
      {
        file: "client/queue-answers.ts",
        from: "      this.#waiters.delete(waiter);\n",
        to: "      this.#waiters.delete(waiter);\n      this.gaveUp = !waiter.settled;\n",
      },
      {
        file: "client/queue-answers.ts",
        from: "if (this.#failure === undefined) this.#take(home, answer);",
        to: "if (this.#failure === undefined && !(this.gaveUp && this.#waiters.size === 0)) this.#take(home, answer);",
      },
      {
        // Who counts what comes would say so.
        file: "client/notification-queue.ts",
        from: "if (notice.sequence !== expected)",
        to: "if (notice.sequence < 0)",
      },
    ],
    focus: "notifications",
    medianMax: 8,
  },
  {
    name: "a queue has more room than was asked for",
    patches: [
      {
        file: "epoch/notification-queue.ts",
        from: "this.capacity = this.isList ? claim.capacity : 0;",
        to: "this.capacity = this.isList ? 8 * claim.capacity : 0;",
      },
    ],
    focus: "notifications",
    medianMax: 8,
  },
  {
    name: "a queue that is closed does not let go who waits for room in it",
    patches: [
      {
        file: "epoch/notification-table.ts",
        from: `    this.#waits.leaveAll(queue.waits, undefined, (waiting) =>
      this.#endWait(waiting, NOTIFICATION_ACTION.NOTIFIED),
    );
`,
        to: "",
      },
    ],
    focus: "notifications",
    medianMax: 8,
  },
  {
    name: "the queues of a session that has ended stay",
    patches: [
      {
        file: "epoch/notification-table.ts",
        from: "    for (const queue of [...owner.queues.values()]) this.#close(owner, queue);\n",
        to: "",
      },
    ],
    focus: "notifications",
    medianMax: 8,
  },
  {
    name: "the bytes of a get that notifies are read when it is answered",
    patches: [
      {
        file: "target/execute-queues.ts",
        from: "region.memory.u8.slice(at, at + length),\n  };",
        to: "region.memory.u8.subarray(at, at + length),\n  };",
      },
    ],
    focus: "notifications",
    medianMax: 8,
  },
  {
    name: "a queue lets in what others send, too",
    patches: [
      {
        file: "epoch/notification-queue.ts",
        from: "      (this.#source === source || this.#source === ANY) &&\n",
        to: "",
      },
    ],
    focus: "notifications",
    medianMax: 8,
  },
  {
    name: "what was counted is told again",
    patches: [
      {
        file: "epoch/notification-queue.ts",
        from: "    const count = this.size;\n    this.size = 0;\n",
        to: "    const count = this.size;\n",
      },
    ],
    focus: "notifications",
    medianMax: 8,
  },
];
