import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  checkNames,
  type NameInput,
  type NameOperation,
  type NameOutput,
} from "../../../src/sim/checkers/namespace.ts";

const DONE: NameOutput = { done: true };
const refused = (code: "ENOENT" | "EEXIST" | "ENOTEMPTY"): NameOutput => ({ refused: code });

type Line = readonly [from: number, to: number, input: NameInput, output?: NameOutput];

function history(...lines: Line[]): NameOperation[] {
  return lines.map(([invoked, to, input, output]) => ({
    client: "c",
    input,
    invoked,
    returned: output === undefined ? Number.POSITIVE_INFINITY : to,
    outcome: output === undefined ? "unknown" : "done",
    output,
  }));
}

const mkdir = (path: string): NameInput => ({ call: "mkdir", path });
const remove = (path: string): NameInput => ({ call: "remove", path });
const create = (path: string): NameInput => ({ call: "create", path, size: 0 });
const names = (path: string): NameInput => ({ call: "readdir", path });
const rename = (from: string, to: string): NameInput => ({ call: "rename", from, to });

const LEGAL: Record<string, NameOperation[]> = {
  "one after the other": history(
    [1, 2, mkdir("/d/a"), DONE],
    [3, 4, create("/d/a/b"), DONE],
    [5, 6, remove("/d/a"), refused("ENOTEMPTY")],
    [7, 8, rename("/d/a/b", "/d/c"), DONE],
    [9, 10, names("/d"), { names: ["a", "c"] }],
  ),
  "of two that make a name one is refused": history(
    [1, 5, mkdir("/d/a"), refused("EEXIST")],
    [2, 6, mkdir("/d/a"), DONE],
  ),
  "what is unknown comes late": history(
    [1, 2, mkdir("/d/a")],
    [3, 4, names("/d"), { names: [] }],
    [5, 6, names("/d"), { names: ["a"] }],
  ),
  "what is unknown and refused changes nothing": history(
    [1, 2, mkdir("/d/a"), DONE],
    [3, 4, mkdir("/d/a")],
    [5, 6, remove("/d/a"), DONE],
    [7, 8, names("/d"), { names: [] }],
  ),
};
const ILLEGAL: Record<string, NameOperation[]> = {
  "a name that is gone": history([1, 2, mkdir("/d/a"), DONE], [3, 4, names("/d"), { names: [] }]),
  "both make the same name": history([1, 5, mkdir("/d/a"), DONE], [2, 6, mkdir("/d/a"), DONE]),
  "a refusal for no reason": history([1, 2, mkdir("/d/a"), refused("EEXIST")]),
  "a name that comes and goes": history(
    [1, 2, mkdir("/d/a")],
    [3, 4, names("/d"), { names: ["a"] }],
    [5, 6, names("/d"), { names: [] }],
  ),
  "a rename that leaves the old name": history(
    [1, 2, create("/d/a"), DONE],
    [3, 4, rename("/d/a", "/d/b"), DONE],
    [5, 6, names("/d"), { names: ["a", "b"] }],
  ),
};

describe("a namespace against its model", () => {
  for (const [name, operations] of Object.entries(LEGAL)) {
    it(`allows: ${name}`, () => assert.equal(checkNames(["/d"], operations).kind, "linearizable"));
  }
  for (const [name, operations] of Object.entries(ILLEGAL)) {
    it(`refuses: ${name}`, () => assert.equal(checkNames(["/d"], operations).kind, "violated"));
  }
});
