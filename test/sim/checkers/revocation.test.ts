import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AccessOperation,
  checkRevocations,
  type RevokeOperation,
} from "../../../src/sim/checkers/revocation.ts";

const revoke = (
  invoked: number,
  returned: number,
  outcome: RevokeOperation["outcome"] = "done",
): RevokeOperation => ({
  client: "r",
  input: { path: "/f" },
  invoked,
  returned,
  outcome,
  output: null,
});
const access = (opened: number, invoked: number, excused = false): AccessOperation => ({
  client: "c",
  input: { window: "w", opened, excused },
  invoked,
  returned: invoked + 1,
  outcome: "done",
  output: null,
});

describe("access that was taken back", () => {
  const legal: [string, RevokeOperation[], AccessOperation[]][] = [
    ["access before it", [revoke(5, 8)], [access(1, 2)]],
    ["access while it is under way", [revoke(5, 8)], [access(1, 6)]],
    ["windows opened meanwhile or later", [revoke(5, 8)], [access(6, 10), access(9, 12)]],
    ["mapped bytes of a process that was stopped", [revoke(5, 8)], [access(1, 10, true)]],
    ["a revocation that nobody knows the end of", [revoke(5, 8, "unknown")], [access(1, 10)]],
  ];
  for (const [name, revocations, accesses] of legal) {
    it(`allows: ${name}`, () => assert.equal(checkRevocations(revocations, accesses), undefined));
  }
  it("refuses: access by an old window after it", () => {
    assert.match(String(checkRevocations([revoke(5, 8)], [access(1, 2), access(1, 10)])), /c reached \/f/);
  });
});
