import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type CellInput,
  type CellOperation,
  checkCell,
  stampByte,
} from "../../../src/sim/checkers/flushes.ts";

const CELL = 3;
const BYTES = 64;

/** What a cell holds whose first `of` bytes are of one put, and the rest of another. */
const bytes = (stamp: number, of = BYTES, rest = 0): number[] =>
  Array.from({ length: BYTES }, (_, at) => stampByte(at < of ? stamp : rest, CELL, at));

let at = 0;
function did(
  input: CellInput,
  output: number[] | null = null,
  outcome: CellOperation["outcome"] = "done",
): CellOperation {
  const invoked = ++at;
  return {
    client: "c",
    input,
    invoked,
    returned: outcome === "done" ? ++at : Number.POSITIVE_INFINITY,
    outcome,
    output,
  };
}
const put = (stamp: number, outcome: CellOperation["outcome"] = "done", window = "w"): CellOperation =>
  did({ op: "put", stamp, window }, null, outcome);
const flush = (window = "w"): CellOperation => did({ op: "flush", window });
const loss = (): CellOperation => did({ op: "loss" });
const read = (...held: Parameters<typeof bytes>): CellOperation => did({ op: "read" }, bytes(...held));

const LEGAL: Record<string, () => CellOperation[]> = {
  "nothing was put": () => [read(0)],
  "what was put": () => [put(1), put(2), read(2)],
  "what was flushed, after a loss": () => [put(1), flush(), put(2), loss(), read(1)],
  "what was not flushed, after a loss, in part": () => [put(1), flush(), put(2), loss(), read(2, 20, 1)],
  "nothing, where nothing was flushed": () => [put(1), loss(), read(0)],
  "a put that nobody knows the end of, in part": () => [put(1), put(2, "unknown"), read(2, 10, 1)],
  "one that comes late, over what was put since": () => [put(1, "unknown"), put(2), read(1)],
  "a flush of another window keeps nothing": () => [put(1), flush("other"), loss(), read(0)],
};
const ILLEGAL: Record<string, () => CellOperation[]> = {
  "an older put": () => [put(1), put(2), read(1)],
  "a part of an older put": () => [put(1), put(2), read(2, 50, 1)],
  "less than was flushed": () => [put(1), put(2), flush(), loss(), read(1)],
  "nothing, where something was flushed": () => [put(1), flush(), loss(), read(0)],
  "a put that was certainly not done": () => [put(1), put(2, "not done"), read(2)],
  "bytes of no put": () => [put(1), read(9)],
};

describe("durability of flushes", () => {
  for (const [name, make] of Object.entries(LEGAL)) {
    it(`allows: ${name}`, () => assert.equal(checkCell(CELL, make()), undefined));
  }
  for (const [name, make] of Object.entries(ILLEGAL)) {
    it(`refuses: ${name}`, () => assert.match(String(checkCell(CELL, make())), /it is of none of the puts/));
  }
});
