import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupCommit } from "../../src/target/group-commit.ts";

test("a single origin's epoch never waits for others", () => {
  const group = new GroupCommit();
  for (let ms = 0; ms < 100; ms += 1) {
    assert.ok(group.isTime(1, ms));
    assert.equal(group.dueMs, Number.POSITIVE_INFINITY);
    group.synced(1, 0);
  }
});

test("all that commit at a time share a sync", () => {
  const group = new GroupCommit();
  assert.ok(group.isTime(1, 0));
  // While that ran, three more have come.
  group.synced(1, 3);
  assert.ok(!group.isTime(3, 1));
  assert.ok(group.isTime(4, 1));
  group.synced(4, 1);
  assert.ok(!group.isTime(4, 2));
  assert.ok(group.isTime(5, 2));
});

test("who does not come is waited for once, and not for long", () => {
  const group = new GroupCommit();
  group.synced(16, 0);
  assert.ok(!group.isTime(3, 100));
  assert.ok(!group.isTime(4, 100.5));
  const { dueMs } = group;
  assert.equal(dueMs, 101.5);
  assert.ok(!group.isTime(4, dueMs - 0.1));
  assert.ok(group.isTime(4, dueMs));
  // A worker that is told to look again at once would not rest while the sync runs.
  assert.equal(group.dueMs, Number.POSITIVE_INFINITY);
  group.synced(4, 0);
  assert.ok(group.isTime(4, 200));
});

test("the first of a group does not wait for ever because others come one by one", () => {
  const group = new GroupCommit();
  group.synced(1000, 0);
  let nowMs = 0;
  for (let waiting = 1; !group.isTime(waiting, nowMs); waiting += 1) nowMs += 0.9;
  assert.ok(nowMs >= 5 && nowMs < 6, `${nowMs} ms`);
});
