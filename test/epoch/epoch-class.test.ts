import assert from "node:assert/strict";
import { test } from "node:test";
import { allClasses, DURABILITY, type EpochClass, judge } from "../../src/epoch/epoch-class.ts";

const said = (asked: EpochClass): string => {
  const { atomicity, consistency, isolation, durability } = asked;
  return `${atomicity} ${consistency} ${isolation} ${durability}`;
};

test("each of the 96 combinations is a class, another one by name, or none", () => {
  const classes = allClasses();
  assert.equal(new Set(classes.map(said)).size, 96);
  const judged = Map.groupBy(classes, (asked) => judge(asked).kind);
  assert.deepEqual(
    judged
      .get("invalid")
      ?.filter(({ durability }) => durability === "memory")
      .map(said),
    [
      "none relaxed serializable memory",
      "none release serializable memory",
      "none sequential serializable memory",
      "all sequential none memory",
      "all sequential shared memory",
      "all sequential exclusive memory",
      "all sequential serializable memory",
    ],
  );
  assert.deepEqual(
    judged
      .get("valid")
      ?.filter(({ durability }) => durability === "memory")
      .map(said),
    [
      "none relaxed none memory",
      "none release none memory",
      "none release shared memory",
      "none release exclusive memory",
      "none sequential none memory",
      "none sequential shared memory",
      "none sequential exclusive memory",
      "all relaxed none memory",
      "all release none memory",
      "all release shared memory",
      "all release exclusive memory",
      "all release serializable memory",
    ],
  );
  const counts = { valid: 37, equal: 31, invalid: 28 };
  for (const [kind, count] of Object.entries(counts)) {
    assert.equal(judged.get(kind as "valid")?.length, count, kind);
  }
});

test("what a combination comes to is a class, and never weaker on any axis", () => {
  const classes = allClasses();
  const rank = (asked: EpochClass): number[] => [
    ["none", "all"].indexOf(asked.atomicity),
    ["relaxed", "release", "sequential"].indexOf(asked.consistency),
    ["none", "shared", "exclusive", "serializable"].indexOf(asked.isolation),
    DURABILITY.indexOf(asked.durability),
  ];
  for (const asked of classes) {
    const verdict = judge(asked);
    if (verdict.kind !== "equal") continue;
    assert.equal(judge(verdict.to).kind, "valid", said(asked));
    const [before, after] = [rank(asked), rank(verdict.to)];
    assert.ok(
      before.every((level, axis) => level <= (after[axis] as number)),
      said(asked),
    );
    assert.match(verdict.why, /^[a-z]/);
  }
});

test("durability alone makes no class invalid, and the strongest of each axis but one goes together", () => {
  for (const asked of allClasses()) {
    const kinds = DURABILITY.map((durability) => judge({ ...asked, durability }).kind === "invalid");
    assert.equal(new Set(kinds).size, 1, said(asked));
  }
  const safe = { atomicity: "all", consistency: "release", isolation: "serializable" } as const;
  assert.equal(judge({ ...safe, durability: "replicated" }).kind, "valid");
});
