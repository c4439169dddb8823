/** What the writer of a group takes for a fault, and what not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { groupFault } from "./epoch-groups.ts";

const RECORD = { begun: 9, acknowledged: 6, void: [8] };

test("a group is as its last acknowledged epoch left it, or one of those after it that may have had effect", () => {
  const faultOf = (...found: number[]): string | undefined => groupFault(0, found, RECORD);
  for (const epoch of [6, 7, 9]) assert.equal(faultOf(epoch, epoch, epoch), undefined);
  assert.match(String(faultOf(7, 7, 6)), /was torn: 7,7,6/);
  assert.match(String(faultOf(5, 5, 5)), /as epoch 5 left it, and epoch 6 was acknowledged: it is lost/);
  assert.match(String(faultOf(10, 10, 10)), /as epoch 10 left it, and none after 9 was begun/);
  assert.match(String(faultOf(8, 8, 8)), /as epoch 8 left it, which was said to have no effect/);
});
