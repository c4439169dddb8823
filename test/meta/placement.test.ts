import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "../../src/meta/placement.ts";

const target = (number: number, weight = 100) => ({ id: number.toString(16).padStart(32, "0"), weight });
const FILES = 4000;

function shares(candidates: ReturnType<typeof target>[]): Map<string, number> {
  const count = new Map<string, number>();
  for (let inode = 1; inode <= FILES; inode++) {
    for (const { id } of place(inode, 1, candidates)) count.set(id, (count.get(id) ?? 0) + 1);
  }
  return count;
}

test("the choice is the same whoever makes it, and in whatever order the targets are known", () => {
  const candidates = [1, 2, 3, 4, 5].map((number) => target(number));
  for (let inode = 1; inode < 50; inode++) {
    assert.deepEqual(place(inode, 3, candidates), place(inode, 3, candidates.toReversed()));
  }
  // Golden: a change of the hash would place files anew.
  assert.deepEqual(
    [1, 2, 3].map((inode) => Number(place(inode, 1, candidates)[0]?.id)),
    [2, 3, 4],
  );
});

test("the targets of one file differ, and all are taken when all are asked for", () => {
  const candidates = [1, 2, 3, 4].map((number) => target(number));
  for (let inode = 1; inode < 50; inode++) {
    assert.equal(new Set(place(inode, 4, candidates).map(({ id }) => id)).size, 4);
  }
});

test("a target's share follows its weight", () => {
  const count = shares([target(1, 100), target(2, 300), target(3, 0)]);
  const share = (count.get(target(2).id) ?? 0) / FILES;
  assert.ok(Math.abs(share - 0.75) < 0.03, `a weight of 300 in 400 got ${share}`);
});

test("a target that comes takes files from the others, but moves none between them", () => {
  const before = [1, 2, 3].map((number) => target(number));
  for (let inode = 1; inode <= 500; inode++) {
    const [old] = place(inode, 1, before);
    const [now] = place(inode, 1, [...before, target(4)]);
    assert.ok(now?.id === old?.id || now?.id === target(4).id);
  }
});
