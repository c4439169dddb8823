import type { PlantedBug } from "./bugs.ts";

/** On notice boards: in what tells through them, in what reads them, and in the worker that wakes. */
export const BOARD_BUGS: readonly PlantedBug[] = [
  {
    name: "a put is told on the board before its bytes are stored",
    patches: [
      {
        file: "transport/direct-access.ts",
        from: `    this.#copyIn(at, from, 0, from.byteLength);
    if (!writer.tell(`,
        to: `    void this.link.pump.turn().then(() => this.#copyIn(at, from, 0, from.byteLength));
    if (!writer.tell(`,
      },
    ],
    focus: "boards",
    medianMax: 8,
  },
  {
    name: "whoever tells on the board wakes nobody",
    patches: [
      {
        file: "transport/notice-writer.ts",
        from: "return route >= 0 && isAsleep(this.#words, route);",
        to: "return false;",
      },
    ],
    focus: "boards",
    medianMax: 8,
  },
  {
    name: "a ring has more room than its reader has taken",
    patches: [
      {
        file: "transport/notice-writer.ts",
        from: "    return (next - (this.#taken[queue] as number)) >>> 0 < room;\n  }",
        to: "    return (next - (this.#taken[queue] as number)) >>> 0 < room + 100;\n  }",
      },
    ],
    focus: "boards",
    medianMax: 8,
  },
  {
    name: "a reader of a board does not wait for what the worker has told",
    patches: [
      {
        file: "transport/notice-reader.ts",
        from: "(brought === undefined && this.isBehind)",
        to: "false",
      },
    ],
    focus: "boards",
    medianMax: 8,
  },
  {
    name: "a reader of a board takes what came last first",
    patches: [
      {
        file: "transport/notice-reader.ts",
        from: "if (oldest !== NONE && !isEarlier(stamp, earliest)) continue;",
        to: "if (oldest !== NONE && isEarlier(stamp, earliest)) continue;",
      },
    ],
    focus: "boards",
    medianMax: 8,
  },
  {
    name: "a notified put overtakes those that wait at the worker",
    patches: [
      {
        file: "transport/notified-access.ts",
        from: "this.#opening === 0 && this.#of.link.notifying.isFree;",
        to: "this.#opening === 0;",
      },
      {
        file: "transport/direct-access.ts",
        from: "const route = this.#storesNow && writer !== undefined",
        to: "const route = this.#stores && writer !== undefined",
      },
    ],
    focus: "boards",
    medianMax: 8,
  },
  {
    name: "queues that are not on the board are left out",
    patches: [
      {
        file: "transport/notice-writer.ts",
        from: "    if (this.#others !== 0) return WORKER;\n",
        to: "",
      },
    ],
    focus: "boards",
    medianMax: 8,
  },
  {
    name: "an access that several queues want is told to the first",
    patches: [
      {
        file: "transport/notice-writer.ts",
        from: "      if (found !== NOBODY) return WORKER;\n",
        to: "      if (found !== NOBODY) continue;\n",
      },
    ],
    focus: "boards",
    medianMax: 8,
  },
];
