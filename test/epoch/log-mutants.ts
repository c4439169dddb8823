import type { LogClass } from "./log-run.ts";
import { type Mutant, planted } from "./planted.ts";

/** Bugs that somebody could well have made. */
export const MUTANTS = {
  "records of any life count": {
    file: "log.ts",
    from: "isOld ? record.life >= life : record.life !== life",
    to: "false",
  },
  "records of the present life and of those before it count": {
    file: "log.ts",
    from: "record.life !== life",
    to: "record.life > life",
  },
  "records of a life count that is not before the one of the record before": {
    file: "log.ts",
    from: "let position = start;\n    for (;;) {\n      const isOld = position < lifeStart;",
    to: "let position = start;\n    let last = 0;\n    for (;;) {\n      const isOld = false;\n      const next = this.#ring.find(position, start + ringBytes);\n      if (next !== undefined && (next.life < last || next.life > life)) break;\n      last = next?.life ?? last;\n      if (next !== undefined) {\n        yield next;\n        position = next.end;\n        continue;\n      }",
  },
  "records of any position count": {
    file: "log-ring.ts",
    from: " || recordPosition(this.#head) !== position",
    to: "",
  },
  "the checksum is not over the head": {
    file: "log-ring.ts",
    from: "const headSum = crc32(this.#headBytes, this.#secret);",
    to: "const headSum = this.#secret;",
  },
  "the checksum is not over the body": {
    file: "log-ring.ts",
    from: "if (placeEnd <= ringBytes) return crc32(this.#bytes.subarray(place, placeEnd), headSum);",
    to: "if (placeEnd <= ringBytes) return headSum;",
  },
  "the checksum is not over what has wrapped": {
    file: "log-ring.ts",
    from: "return crc32(this.#bytes.subarray(0, placeEnd - ringBytes), sum);",
    to: "return sum;",
  },
  "no checksum is made with the secret": {
    file: "log-ring.ts",
    from: "crc32(this.#headBytes, this.#secret)",
    to: "crc32(this.#headBytes)",
  },
  "a record may be longer than what there is": {
    file: "log-ring.ts",
    from: "bodyBytes < 0 || end > limit",
    to: "bodyBytes < 0",
  },
  "room is used again before the header is synced": {
    file: "log.ts",
    from: "    this.#start = start;\n    this.#settleHeader();",
    to: "    this.#start = start;\n    this.#heldFrom = start;\n    this.#settleHeader();",
  },
  "room is used again when one slot is durable": {
    file: "log.ts",
    from: "    if (this.#durableSequence === this.#lastSequence) {",
    to: "    if (this.#durableSequence + 1 === this.#lastSequence) this.#heldFrom = this.#header.start;\n    if (this.#durableSequence === this.#lastSequence) {",
  },
  "a life begins before its header is durable": {
    file: "log.ts",
    from: "lifeStart: position });",
    to: "lifeStart: position });\n    this.#isOpen = true;",
  },
  "a life begins when one slot is durable": {
    file: "log.ts",
    from: "    if (this.#durableSequence === this.#lastSequence) {",
    to: "    if (this.#durableSequence + 1 === this.#lastSequence) this.#isOpen = true;\n    if (this.#durableSequence === this.#lastSequence) {",
  },
  "a life is begun with the number of the one before": {
    file: "log.ts",
    from: "life: life + 1,",
    to: "life: life === 0 ? 1 : life,",
  },
  "the header says where a life begins before that is durable": {
    file: "log.ts",
    from: "    this.#change({ ...this.#header, life: life + 1, lifeStart: position });",
    to: "    this.#change({ ...this.#header, life: life + 1, lifeStart: position });\n    this.#settleHeader();",
  },
  "a sync covers what is appended while it runs": {
    file: "log.ts",
    from: "this.#durableEnd = this.#syncingEnd;",
    to: "this.#durableEnd = this.#end;",
  },
  "a sync covers the header that is written while it runs": {
    file: "log.ts",
    from: "this.#durableSequence = this.#syncingSequence;",
    to: "this.#durableSequence = this.#header.sequence;",
  },
  "what was read is called durable": {
    file: "log.ts",
    from: "    this.#end = position;\n",
    to: "    this.#end = position;\n    this.#durableEnd = position;\n",
  },
  "both copies go to the same slot": {
    file: "header-page.ts",
    from: "page.set(slot, SLOTS_AT[header.sequence % 2]);",
    to: "page.set(slot, SLOTS_AT[0]);",
  },
  "the older slot counts": {
    file: "header-page.ts",
    from: "header.sequence >= (newest?.sequence ?? 0)",
    to: "header.sequence <= (newest?.sequence ?? header.sequence)",
  },
  "records end where their bodies do": {
    file: "log-ring.ts",
    from: "return position + Math.ceil(byteLength / RECORD_UNIT_BYTES) * RECORD_UNIT_BYTES;",
    to: "return position + byteLength;",
  },
} as const satisfies Record<string, Mutant>;

const importMutant = planted(MUTANTS, "../../src/epoch/log.ts");

/** The log with that bug in it. */
export async function mutantLog(name: keyof typeof MUTANTS): Promise<LogClass> {
  const { EpochLog } = await importMutant(name);
  return EpochLog as LogClass;
}
