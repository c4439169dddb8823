import { type Mutant, planted } from "../epoch/planted.ts";
import type { Parts } from "./notice-parties.ts";

/** Bugs that somebody could well have made. */
export const MUTANTS = {
  "a slot says that it is filled before it is": {
    file: "notice-board.ts",
    from: "  words[slot + STAMP] = stamp;\n",
    to: "  Atomics.store(words, slot + TURN, (number + 1) | 0);\n  words[slot + STAMP] = stamp;\n",
  },
  "the clock stands still": {
    file: "notice-board.ts",
    from: "Atomics.add(words, CLOCK, 1)",
    to: "Atomics.load(words, CLOCK)",
  },
  "a slot's turn is its number": {
    file: "notice-board.ts",
    from: "Atomics.store(words, slot + TURN, (number + 1) | 0);",
    to: "Atomics.store(words, slot + TURN, number);",
  },
  "stamps are compared as they are": {
    file: "notice-board.ts",
    from: "((a - b) | 0) < 0",
    to: "a < b",
  },
  "stamps are compared as unsigned numbers": {
    file: "notice-board.ts",
    from: "((a - b) | 0) < 0",
    to: "a >>> 0 < b >>> 0",
  },
  "a queue begins with what lies in its rings": {
    file: "notice-board.ts",
    from: "setTakenCount(words, queue, lane, unpublishedFrom(words, queue, lane, taken));",
    to: "setTakenCount(words, queue, lane, taken);",
  },
  "a queue begins with what the one before was told": {
    file: "notice-board.ts",
    from: "  Atomics.store(words, TOLD + queue, 0);\n",
    to: "",
  },
  "a ring that is full looks as if it had one place": {
    file: "notice-board.ts",
    from: "i < RING_SLOTS && isPublished",
    to: "i < RING_SLOTS - 1 && isPublished",
  },
  "queues change before the version does": {
    file: "notice-board.ts",
    from: "  Atomics.add(words, VERSION, 1);\n  change();\n  Atomics.add(words, VERSION, 1);",
    to: "  change();\n  Atomics.add(words, VERSION, 2);",
  },
  "the version changes before the queues do": {
    file: "notice-board.ts",
    from: "  Atomics.add(words, VERSION, 1);\n  change();\n  Atomics.add(words, VERSION, 1);",
    to: "  Atomics.add(words, VERSION, 2);\n  change();",
  },
  "what was not taken is looked for in the first lane": {
    file: "notice-board.ts",
    from: "if (isPublished(words, queue, lane, takenCount(words, queue, lane))) return true;",
    to: "return isPublished(words, queue, lane + 1, takenCount(words, queue, lane + 1));",
  },
  "the upper half of a place is lost": {
    file: "notice-board.ts",
    from: "words[at + 1] = (value / TWO_32) | 0;",
    to: "words[at + 1] = 0;",
  },
  "a notice lies there before it is stamped": {
    file: "notice-writer.ts",
    from: "    const stamp = takeStamp(this.#words);\n    if (boardVersion(this.#words) !== this.#version) return false;\n    if (route === NOBODY) return true;\n    const next = this.#next[route] as number;\n    publishNotice(this.#words, route, this.#lane, next, stamp, at, before, length, tag);\n",
    to: "    if (boardVersion(this.#words) !== this.#version) return false;\n    if (route === NOBODY) return true;\n    const next = this.#next[route] as number;\n    publishNotice(this.#words, route, this.#lane, next, 0, at, before, length, tag);\n    const stamp = takeStamp(this.#words);\n    publishNotice(this.#words, route, this.#lane, next, stamp, at, before, length, tag);\n",
  },
  "notices have no stamps": {
    file: "notice-writer.ts",
    from: "next, stamp, at",
    to: "next, 0, at",
  },
  "who tells does not look whether queues have changed": {
    file: "notice-writer.ts",
    from: "if (boardVersion(this.#words) !== this.#version) return false;",
    to: "",
  },
  "who tells nobody does not look whether somebody has come": {
    file: "notice-writer.ts",
    from: "    if (boardVersion(this.#words) !== this.#version) return false;\n    if (route === NOBODY) return true;",
    to: "    if (route === NOBODY) return true;\n    if (boardVersion(this.#words) !== this.#version) return false;",
  },
  "a range ends one byte late": {
    file: "notice-writer.ts",
    from: "at >= queue.end",
    to: "at > queue.end",
  },
  "a range begins one byte early": {
    file: "notice-writer.ts",
    from: "end <= queue.at",
    to: "end < queue.at",
  },
  "an access of no bytes is nowhere": {
    file: "notice-writer.ts",
    from: "at + Math.max(length, 1)",
    to: "at + length",
  },
  "of two queues the last one is told": {
    file: "notice-writer.ts",
    from: "      if (found !== NOBODY) return WORKER;\n",
    to: "",
  },
  "tags are signed": {
    file: "notice-board.ts",
    from: "(words[line + QUEUE_TAG] as number) >>> 0",
    to: "(words[line + QUEUE_TAG] as number)",
  },
  "who is not on the board is not told": {
    file: "notice-writer.ts",
    from: "if (this.#others !== 0) return WORKER;",
    to: "",
  },
  "a ring has one place more": {
    file: "notice-writer.ts",
    from: ">>> 0 < room) return true;",
    to: ">>> 0 <= room) return true;",
  },
  "a ring that was full stays so": {
    file: "notice-writer.ts",
    from: "    this.#taken[queue] = takenCount(this.#words, queue, this.#lane);\n    return",
    to: "    return",
  },
  "a lane's new owner begins where the reader is": {
    file: "notice-writer.ts",
    from: "this.#next[queue] = unpublishedFrom(words, queue, lane, taken);",
    to: "this.#next[queue] = taken;",
  },
  "queues are not looked at a second time": {
    file: "notice-writer.ts",
    from: "if (boardVersion(this.#words) !== version) return false;",
    to: "",
  },
  "only a positive version can be odd": {
    file: "notice-writer.ts",
    from: "version % 2 !== 0",
    to: "version % 2 === 1",
  },
  "the version is not looked at again": {
    file: "notice-writer.ts",
    from: "boardVersion(this.#words) !== this.#version && !this.#refresh()",
    to: "this.#version === UNKNOWN && !this.#refresh()",
  },
  "who waits is not seen": {
    file: "notice-writer.ts",
    from: "route >= 0 &&",
    to: "route > 0 &&",
  },
  "the first lane that has something is taken": {
    file: "notice-reader.ts",
    from: "if (oldest !== NONE && !isEarlier(stamp, earliest)) continue;",
    to: "if (oldest !== NONE) continue;",
  },
  "rings are looked at once": {
    file: "notice-reader.ts",
    from: "    for (let drops = 0; this.hasNews; drops += 1) {\n      const brought = this.#brought[0];\n      if (drops > DROPS_MAX || (brought === undefined && this.isBehind)) return undefined;\n      const lane = this.#oldest(memory.i32);\n      // Somebody has taken back what was there.\n      if (lane === NONE) continue;\n",
    to: "    for (;;) {\n      const brought = this.#brought[0];\n      const lane = this.#oldest(memory.i32);\n      if (lane === NONE) break;\n      if (brought === undefined && this.isBehind) return undefined;\n",
  },
  "nobody asks for what the worker has told": {
    file: "notice-reader.ts",
    from: "(brought === undefined && this.isBehind)",
    to: "false",
  },
  "what the worker has told is asked for before the rings are looked at": {
    file: "notice-reader.ts",
    from: "    for (let drops = 0; this.hasNews; drops += 1) {\n      const brought = this.#brought[0];\n      if (drops > DROPS_MAX || (brought === undefined && this.isBehind)) return undefined;\n",
    to: "    if (this.#brought[0] === undefined && this.isBehind) return undefined;\n    for (let drops = 0; this.hasNews; drops += 1) {\n      const brought = this.#brought[0];\n      if (drops > DROPS_MAX) return undefined;\n",
  },
  "what the worker has told comes first": {
    file: "notice-reader.ts",
    from: "if (brought !== undefined && isEarlier(brought.stamp, stamp)) break;",
    to: "if (brought !== undefined) break;",
  },
  "what the worker has told comes last": {
    file: "notice-reader.ts",
    from: "if (brought !== undefined && isEarlier(brought.stamp, stamp)) break;",
    to: "",
  },
  "a place is given back before it is read": {
    file: "notice-reader.ts",
    from: "    readNotice(words, this.#queue, lane, number, notice);\n",
    to: "    setTakenCount(words, this.#queue, lane, (number + 1) | 0);\n    readNotice(words, this.#queue, lane, number, notice);\n",
  },
  "no place is given back": {
    file: "notice-reader.ts",
    from: "    setTakenCount(words, this.#queue, lane, (number + 1) | 0);\n",
    to: "",
  },
  "what was for another queue is told": {
    file: "notice-reader.ts",
    from: "return isOurs ?",
    to: "return isOurs || true ?",
  },
  "tags are not looked at": {
    file: "notice-reader.ts",
    from: " && (range.tag ?? tag) === tag",
    to: "",
  },
  "a lane keeps its first owner's name": {
    file: "notice-reader.ts",
    from: "serial !== this.#serials[lane]",
    to: 'this.#sources[lane] === ""',
  },
} as const satisfies Record<string, Mutant>;

const importBoard = planted(MUTANTS, "../../src/structs/notice-board.ts");
const importWriter = planted(MUTANTS, "../../src/transport/notice-writer.ts");
const importReader = planted(MUTANTS, "../../src/transport/notice-reader.ts");

/** All that there is, with that bug in it. */
export async function mutantParts(name: keyof typeof MUTANTS): Promise<Parts> {
  const [board, writer, reader] = await Promise.all([
    importBoard(name),
    importWriter(name),
    importReader(name),
  ]);
  return {
    board: board as unknown as Parts["board"],
    Writer: writer.NoticeWriter as Parts["Writer"],
    Reader: reader.NoticeReader as Parts["Reader"],
  };
}
