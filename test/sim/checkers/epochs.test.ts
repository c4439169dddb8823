import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AnomalyName, Epoch, EpochClass } from "../../../src/sim/checkers/epoch-history.ts";
import { checkEpochs } from "../../../src/sim/checkers/epochs.ts";
import { history, type Line } from "./epoch-notation.ts";

const CLASSES: Record<string, EpochClass> = {
  none: { isolation: "none", consistency: "relaxed" },
  "none, release": { isolation: "none", consistency: "release" },
  serializable: { isolation: "serializable", consistency: "relaxed" },
  "serializable, release": { isolation: "serializable", consistency: "release" },
  shared: { isolation: "shared", consistency: "relaxed" },
  exclusive: { isolation: "exclusive", consistency: "relaxed" },
};
const ALL = Object.keys(CLASSES);
const ISOLATED = ALL.filter((name) => !name.startsWith("none"));
const IN_TIME = ALL.filter((name) => name !== "none" && name !== "serializable");

interface Case {
  readonly name: AnomalyName;
  readonly illegal: readonly Line[];
  /** The same with one value changed, which every class permits. */
  readonly legal: readonly Line[];
  /** All others permit it. */
  readonly refusing: readonly string[];
  readonly realTime?: true;
}

/** All overlap, unless the times are what matters. */
const one = (steps: string): Line => [1, 9, steps];
const seen = (steps: string): Line => [20, "final", steps];

const CASES: Record<string, Case> = {
  "a dirty write": {
    name: "G0",
    illegal: [one("x+=1 y+=1"), one("x+=2 y+=2"), one("x=[1,2] y=[2,1]")],
    legal: [one("x+=1 y+=1"), one("x+=2 y+=2"), one("x=[1,2] y=[1,2]")],
    refusing: ALL,
  },
  "a dirty write of numbers, which the end shows": {
    name: "G0",
    illegal: [one("x:=1 y:=1"), one("x:=2 y:=2"), seen("x=1 y=2")],
    legal: [one("x:=1 y:=1"), one("x:=2 y:=2"), seen("x=2 y=2")],
    refusing: ALL,
    realTime: true,
  },
  "an aborted read": {
    name: "G1a",
    illegal: [[1, "aborted", "x:=1"], one("x=1")],
    legal: [[1, "aborted", "x:=1"], one("x=0")],
    refusing: ALL,
  },
  "an aborted read in the middle of a list": {
    name: "G1a",
    illegal: [[1, "aborted", "x+=1"], one("x+=2"), one("x=[1,2]")],
    legal: [[1, "aborted", "x+=1"], one("x+=2"), one("x=[2]")],
    refusing: ALL,
  },
  "an intermediate read": {
    name: "G1b",
    illegal: [one("x:=1 x:=2"), one("x=1")],
    legal: [one("x:=1 x:=2"), one("x=2")],
    refusing: ALL,
  },
  "an intermediate read of a list": {
    name: "G1b",
    illegal: [one("x+=1 x+=2"), one("x=[1]")],
    legal: [one("x+=1 x+=2"), one("x=[1,2]")],
    refusing: ALL,
  },
  "circular information flow": {
    name: "G1c",
    illegal: [one("x:=1 y=2"), one("y:=2 x=1")],
    legal: [one("x:=1 y=2"), one("y:=2 x=0")],
    refusing: ALL,
  },
  "read skew": {
    name: "G-single",
    illegal: [one("x:=1 y:=1"), one("x=0 y=1")],
    legal: [one("x:=1 y:=1"), one("x=1 y=1")],
    refusing: ISOLATED,
  },
  "read skew of lists": {
    name: "G-single",
    illegal: [one("x+=1 y+=1"), one("x=[] y=[1]")],
    legal: [one("x+=1 y+=1"), one("x=[1] y=[1]")],
    refusing: ISOLATED,
  },
  "a read that is not repeatable": {
    name: "G-single",
    illegal: [one("x:=1"), one("x=0 x=1")],
    legal: [one("x:=1"), one("x=1 x=1")],
    refusing: ISOLATED,
  },
  "a read of two versions whose order nothing else shows": {
    name: "G-single",
    illegal: [one("x:=1"), one("x:=2"), one("x=1 x=2")],
    legal: [one("x:=1"), one("x:=2"), one("x=1 x=1")],
    refusing: ISOLATED,
  },
  "a lost update": {
    name: "lost update",
    illegal: [one("x=0 x:=1"), one("x=0 x:=2")],
    legal: [one("x=0 x:=1"), one("x=1 x:=2")],
    refusing: ISOLATED,
  },
  "a lost update of three": {
    name: "lost update",
    illegal: [one("x=0 x:=1"), one("x=0 x:=2"), one("x=0 x:=3"), one("x=0"), one("x=3")],
    legal: [one("x=0 x:=1"), one("x=1 x:=2"), one("x=2 x:=3"), one("x=0"), one("x=3")],
    refusing: ISOLATED,
  },
  "an update of a list that did not see another one": {
    name: "lost update",
    illegal: [one("x=[] x+=1"), one("x=[] x+=2"), one("x=[1,2]")],
    legal: [one("x=[] x+=1"), one("x=[1] x+=2"), one("x=[1,2]")],
    refusing: ISOLATED,
  },
  "write skew": {
    name: "G2",
    illegal: [one("x=0 y=0 x:=1"), one("x=0 y=0 y:=2")],
    legal: [one("x=0 y=0 x:=1"), one("x=1 y=0 y:=2")],
    refusing: ISOLATED,
  },
  "write skew of lists": {
    name: "G2",
    illegal: [one("x=[] y=[] x+=1"), one("x=[] y=[] y+=2")],
    legal: [one("x=[] y=[] x+=1"), one("x=[1] y=[] y+=2")],
    refusing: ISOLATED,
  },
  "readers that disagree who was first": {
    name: "G2",
    illegal: [one("x:=1"), one("y:=1"), one("x=1 y=0"), one("x=0 y=1")],
    legal: [one("x:=1"), one("y:=1"), one("x=1 y=0"), one("x=1 y=1")],
    refusing: ISOLATED,
  },
  "an own write that is not read": {
    name: "internal",
    illegal: [one("x:=1 x=0")],
    legal: [one("x:=1 x=1")],
    refusing: ALL,
  },
  "an own write that is read before": {
    name: "internal",
    illegal: [one("x=1 x:=1")],
    legal: [one("x=0 x:=1")],
    refusing: ALL,
  },
  "an own append that is not at the end": {
    name: "internal",
    illegal: [one("x+=1 x=[1,2]"), one("x+=2")],
    legal: [one("x+=1 x=[2,1]"), one("x+=2")],
    refusing: ALL,
  },
  "lists with different beginnings": {
    name: "incompatible versions",
    illegal: [one("x+=1"), one("x+=2"), one("x=[1,2]"), one("x=[2]")],
    legal: [one("x+=1"), one("x+=2"), one("x=[1,2]"), one("x=[1]")],
    refusing: ALL,
  },
  "a list with something twice": {
    name: "incompatible versions",
    illegal: [one("x+=1"), one("x=[1,1]")],
    legal: [one("x+=1"), one("x=[1]")],
    refusing: ALL,
  },
  "appends of one epoch out of order": {
    name: "incompatible versions",
    illegal: [one("x+=1 x+=2"), one("x+=3"), one("x=[2,1,3]")],
    legal: [one("x+=1 x+=2"), one("x+=3"), one("x=[1,2,3]")],
    refusing: ALL,
  },
  "a value from nowhere": {
    name: "unknown value",
    illegal: [one("x=7")],
    legal: [one("x=0")],
    refusing: ALL,
  },
  "a stale read": {
    name: "G-single",
    illegal: [
      [1, 2, "x:=1"],
      [3, 4, "x=0"],
    ],
    legal: [
      [1, 2, "x:=1"],
      [3, 4, "x=1"],
    ],
    refusing: IN_TIME,
    realTime: true,
  },
  "a version that was overwritten before": {
    name: "G-single",
    illegal: [
      [1, 2, "x:=1"],
      [3, 4, "x:=2"],
      [5, 6, "x=1"],
    ],
    legal: [
      [1, 2, "x:=1"],
      [3, 4, "x:=2"],
      [5, 6, "x=2"],
    ],
    refusing: IN_TIME,
    realTime: true,
  },
  "a read of the future": {
    name: "G1c",
    illegal: [
      [1, 2, "x=1"],
      [3, 4, "x:=1"],
    ],
    legal: [
      [1, 2, "x=0"],
      [3, 4, "x:=1"],
    ],
    refusing: IN_TIME,
    realTime: true,
  },
  "what was in doubt is seen in part": {
    name: "G-single",
    illegal: [[1, "unknown", "x:=1 y:=2"], seen("y=0 x=1")],
    legal: [[1, "unknown", "x:=1 y:=2"], seen("y=0 x=0")],
    refusing: ALL,
  },
  "what was in doubt on two lists is there on one": {
    name: "G-single",
    illegal: [[1, "unknown", "x+=1 y+=2"], one("x+=3"), seen("y=[] x=[1,3]")],
    legal: [[1, "unknown", "x+=1 y+=2"], one("x+=3"), seen("y=[2] x=[1,3]")],
    refusing: ALL,
  },
  "what was committed is lost": {
    name: "G-single",
    illegal: [one("x:=1"), seen("x=0")],
    legal: [one("x:=1"), seen("x=1")],
    refusing: ALL,
    realTime: true,
  },
  "what was committed is lost in the middle of a list": {
    name: "G-single",
    illegal: [one("x+=1"), one("x+=2"), one("x+=3"), seen("x=[1,3]")],
    legal: [one("x+=1"), one("x+=2"), one("x+=3"), seen("x=[1,2,3]")],
    refusing: ALL,
    realTime: true,
  },
};

const checked = (lines: readonly Line[], name: string): ReturnType<typeof checkEpochs> =>
  checkEpochs(history(...lines), CLASSES[name] as EpochClass);

describe("epochs of a class", () => {
  for (const [title, { name, illegal, legal, refusing, realTime }] of Object.entries(CASES)) {
    it(`that refuse ${title}: ${refusing === ALL ? "all" : refusing.join("; ")}`, () => {
      for (const asked of ALL) {
        assert.deepEqual(checked(legal, asked), [], `${asked}, the legal neighbour`);
        const [first] = checked(illegal, asked);
        assert.equal(first !== undefined, refusing.includes(asked), `${asked}: ${first?.text}`);
      }
      const [first] = checked(illegal, refusing.includes("serializable") ? "serializable" : "shared");
      assert.equal(first?.name, name, first?.text);
      assert.equal(first.realTime, realTime === true, first.text);
    });
  }
});

describe("epochs of isolation none", () => {
  it("never miss later what they have seen before", () => {
    assert.deepEqual(checked([one("x:=1 y:=1"), one("x=0 y=1")], "none"), []);
    const [first] = checked([one("x:=1 y:=1"), one("y=1 x=0")], "none");
    assert.equal(first?.name, "G-monotonic");
    assert.deepEqual(first.epochs.toSorted(), [0, 1]);
  });

  it("agree on one order of writes that they have seen", () => {
    const writers = [one("x:=1"), one("y:=1")];
    assert.deepEqual(checked([...writers, one("x=1 y=0"), one("x=0 y=1")], "none"), []);
    assert.equal(checked([...writers, one("x=1 y=0"), one("y=1 x=0")], "none")[0]?.name, "G-monotonic");
  });
});

describe("epochs of unknown outcome", () => {
  it("take effect late, or never", () => {
    const late: Line[] = [
      [1, "unknown", "x:=1"],
      [3, 4, "x=0"],
      [5, 6, "x=1"],
    ];
    for (const name of ALL) {
      assert.deepEqual(checked(late, name), []);
      assert.deepEqual(checked([[1, "unknown", "x:=1"], seen("x=0")], name), []);
    }
    assert.equal(checked([...late, [7, 8, "x=0"]], "serializable, release")[0]?.name, "G-single");
  });

  it("have read what they say, if they have taken effect", () => {
    const reader: Line = [1, "unknown", "x=0 y=1 z:=1"];
    const writer = one("x:=1 y:=1");
    assert.deepEqual(checked([reader, writer, one("z=0")], "serializable"), []);
    assert.equal(checked([reader, writer, one("z=1")], "serializable")[0]?.name, "G-single");
  });

  it("show others of unknown outcome", () => {
    const lines: Line[] = [
      [1, "unknown", "x:=1 w:=1"],
      [1, "unknown", "x=1 y:=1"],
    ];
    assert.deepEqual(checked([...lines, seen("y=0 w=0")], "serializable"), []);
    assert.equal(checked([...lines, seen("y=1 w=0")], "serializable")[0]?.name, "G-single");
  });
});

it("epochs that were aborted may have read anything", () => {
  const lines: Line[] = [one("x:=1 y:=1"), [1, "aborted", "x=0 y=1 z=7"]];
  for (const name of ALL) assert.deepEqual(checked(lines, name), []);
});

describe("orders of numbers", () => {
  it("follow from epochs that read one and wrote the other", () => {
    const writers = [one("x:=1"), one("x=1 x:=2 y:=1")];
    assert.deepEqual(checked([...writers, one("y=1 x=2")], "serializable"), []);
    assert.equal(checked([...writers, one("y=1 x=1")], "serializable")[0]?.name, "G-single");
  });

  it("follow from reads that came after both", () => {
    const writers: Line[] = [
      [1, 10, "x:=1"],
      [2, 9, "x:=2"],
      [11, 12, "x=1"],
    ];
    assert.deepEqual(checked([...writers, [13, 14, "x=1"]], "serializable, release"), []);
    assert.equal(checked([...writers, [13, 14, "x=2"]], "serializable, release").length, 1);
  });

  it("follow from a read that had ended before the other one began to be written", () => {
    const lines: Line[] = [
      [1, "unknown", "x:=1"],
      [2, 3, "x=1"],
      [4, 5, "x:=2 y:=2"],
    ];
    assert.deepEqual(checked([...lines, [4, 9, "y=2 x=2"]], "serializable, release"), []);
    assert.equal(checked([...lines, [4, 9, "y=2 x=1"]], "serializable, release").length, 1);
  });

  it("follow from times for each of several that overlap", () => {
    const writers: Line[] = [
      [1, 2, "x:=1"],
      [3, 6, "x:=2 y:=2"],
      [4, 7, "x:=3 y:=3"],
    ];
    for (const later of [2, 3]) {
      assert.deepEqual(checked([...writers, [3, 9, `y=${later} x=3`]], "serializable, release"), []);
      const [first] = checked([...writers, [3, 9, `y=${later} x=1`]], "serializable, release");
      assert.deepEqual(first?.epochs.toSorted(), [later - 1, 3]);
    }
  });

  it("are not put down to times where something else shows them", () => {
    const lines: Line[] = [
      [1, 2, "x:=1"],
      [3, 4, "x=1 x:=2 y:=2"],
      [3, 9, "y=2 x=1"],
    ];
    const [first] = checked(lines, "serializable, release");
    assert.equal(first?.name, "G-single");
    assert.equal(first.realTime, false);
  });

  it("are not found where nothing shows them, as lists do", () => {
    assert.deepEqual(checked([one("x:=1 y:=1"), one("x:=2 y:=2"), one("x=1 y=2")], "serializable"), []);
    const lists = checked([one("x+=1 y+=1"), one("x+=2 y+=2"), one("x=[2,1] y=[1,2]")], "serializable");
    assert.equal(lists[0]?.name, "G0");
  });
});

it("whoever ended comes before all that begin later, whatever overlaps both", () => {
  const overlapping: Line[] = [
    [3, 10, ""],
    [1, 5, ""],
  ];
  const writer: Line = [1, 2, "x:=1"];
  assert.deepEqual(checked([writer, ...overlapping, [6, 7, "x=1"]], "serializable, release"), []);
  const [first] = checked([writer, ...overlapping, [6, 7, "x=0"]], "serializable, release");
  assert.deepEqual(first?.epochs.toSorted(), [0, 3]);
});

describe("what is said", () => {
  it("names the epochs of a circle, and why each comes before the next", () => {
    const [first] = checked([one("x:=1 y:=1"), one("x=0 y=1")], "serializable");
    assert.equal(
      first?.text,
      "G-single (read skew: it saw some of what came before it, and missed some): " +
        "epoch 1 (c1, 1 to 9) comes before epoch 0 (c0, 1 to 9): it read 0 of x, before that one wrote 1; " +
        "epoch 0 (c0, 1 to 9) comes before epoch 1 (c1, 1 to 9): it wrote 1 to y, where that one read it",
    );
  });

  it("is one circle of the least epochs", () => {
    const chain = Array.from({ length: 20 }, (_, i): Line => one(`x=${i} x:=${i + 1} y${i}:=1`));
    // It comes before the sixth and after the fifteenth; and, on a shorter way, after the eighth.
    const [first, ...others] = checked([...chain, one("x=5 y14=1 y7=1")], "serializable");
    assert.deepEqual(others, []);
    assert.deepEqual(first?.epochs.toSorted(), [20, 5, 6, 7].toSorted());
  });

  it("is the shortest of several circles", () => {
    const chain = Array.from({ length: 20 }, (_, i): Line => one(`x=${i} x:=${i + 1} y${i}:=1`));
    const readers = [one("x=5 y14=1"), one("x=8 y9=1"), one("x=1 y6=1")];
    const [first] = checked([...chain, ...readers], "serializable");
    assert.deepEqual(new Set(first?.epochs), new Set([8, 9, 21]));
  });

  it("does not count what went on meanwhile", () => {
    const meanwhile = Array.from({ length: 10 }, (_, i): Line => [3 + 2 * i, 4 + 2 * i, ""]);
    const lines: Line[] = [[1, 2, "x:=1 y:=1"], [1, 90, "y=1"], ...meanwhile, [91, 92, "x=0"]];
    const [first] = checked(lines, "serializable, release");
    assert.deepEqual(first?.epochs.toSorted(), [0, 12]);
  });

  it("leaves out what an epoch did behind itself", () => {
    const lines = [one("x+=1 x+=2 y+=1"), one("x+=3 x+=4 y+=2"), one("x=[1,2,3,4] y=[2,1]")];
    const [first] = checked(lines, "serializable");
    assert.deepEqual(first?.epochs.toSorted(), [0, 1]);
  });

  it("is the gravest of what is wrong in one place, and each of other places", () => {
    const lines = [one("x+=1 y+=1 z=[]"), one("x+=2 y+=2 z+=1"), one("x=[1,2] y=[2,1] z=[1]")];
    const others = [one("u=0 u:=1"), one("u=0 u:=2")];
    const names = checked([...lines, ...others], "serializable").map(({ name }) => name);
    assert.deepEqual(names, ["G0", "lost update"]);
  });

  it("ends where it is enough", () => {
    const lines = Array.from({ length: 100 }, (_, i) => one(`x=${i + 1}`));
    assert.equal(checked(lines, "serializable").length, 20);
  });
});

it("a history that breaks the rules of histories is refused", () => {
  const wrong = (...lines: Line[]): Epoch[] => history(...lines);
  assert.throws(
    () => checkEpochs(wrong(one("x:=1"), one("x:=1")), CLASSES.none as EpochClass),
    /written to x once/,
  );
  assert.throws(() => checkEpochs(wrong(one("x=1 x=[]")), CLASSES.none as EpochClass), /number or a list/);
  assert.throws(() => checkEpochs(wrong([3, 5, ""], [4, "final", ""]), CLASSES.none as EpochClass), /final/);
});
