/** A reader of mapped bytes and versions, with the worker that writes them between any two of its steps. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { betweenAtomicAccesses } from "../../src/sim/interleaver.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import {
  countLine,
  freeLine,
  isLineTaken,
  lineCountsBytes,
  lineVersion,
  takeLine,
} from "../../src/structs/line-counts.ts";
import { MappedLines } from "../../src/transport/mapped-lines.ts";
import { LINE_BYTES } from "../../src/wire/epoch-message.ts";

const ENTRIES = 4;
/** A byte each of two lines. */
const PLACES = [LINE_BYTES - 1, LINE_BYTES] as const;

/** Two lines of a region, where an epoch replaces 1 by 2 in both. */
class Shared {
  readonly bytes = new Uint8Array(2 * LINE_BYTES).fill(1);
  readonly words: Int32Array<ArrayBuffer>;
  readonly lines: MappedLines;

  constructor() {
    const memory = new SimMemory();
    const descriptor = memory.newDescriptor();
    memory.share(descriptor, lineCountsBytes(ENTRIES));
    this.words = memory.map(descriptor, 0, lineCountsBytes(ENTRIES), true).i32;
    this.lines = new MappedLines(memory, descriptor, ENTRIES);
  }

  /** What the worker does, step by step. */
  steps(): (() => void)[] {
    const each = (change: (line: number) => void) => [() => change(0), () => change(1)];
    return [
      ...each((line) => takeLine(this.words, line)),
      ...each((line) => this.bytes.fill(2, line * LINE_BYTES, (line + 1) * LINE_BYTES)),
      ...each((line) => countLine(this.words, line)),
      ...each((line) => freeLine(this.words, line)),
    ];
  }

  /** @param between is called in the middle of the copy */
  read(between: () => void = () => {}): { seen: number[]; versions: number[] | undefined } {
    const seen = [0, 0];
    const versions = this.lines.read(PLACES[0], 2, () => {
      seen[0] = this.bytes[PLACES[0]] as number;
      between();
      seen[1] = this.bytes[PLACES[1]] as number;
    });
    return { seen, versions };
  }
}

type Read = ReturnType<Shared["read"]>;

/** Two lines of one moment, and the versions of that one; or nothing. */
function checkRead({ seen, versions }: Read): void {
  if (versions === undefined) return;
  const legal = [
    [
      [1, 1],
      [0, 0],
    ],
    [
      [2, 2],
      [1, 1],
    ],
  ];
  assert.ok(
    legal.some((one) => JSON.stringify(one) === JSON.stringify([seen, versions])),
    `bytes ${seen} with versions ${versions}`,
  );
}

/** The steps that the worker does before the reader begins, and those that it does in the middle: all choices. */
function everySplit(stepCount: number): [number, number][] {
  const splits: [number, number][] = [];
  for (let before = 0; before <= stepCount; before += 1)
    for (let end = before; end <= stepCount; end += 1) splits.push([before, end]);
  return splits;
}

/** @param read tried at every place of every split @returns how often it got its bytes, and how often it did not */
function tryEverywhere(read: (shared: Shared, between: () => void) => Read): {
  got: number;
  refused: number;
} {
  const count = { got: 0, refused: 0 };
  const took = (result: Read): void => {
    checkRead(result);
    if (result.versions === undefined) count.refused += 1;
    else count.got += 1;
  };
  const stepCount = new Shared().steps().length;
  for (const [before, end] of everySplit(stepCount)) {
    const begin = () => {
      const shared = new Shared();
      const steps = shared.steps();
      for (const step of steps.slice(0, before)) step();
      const middle = steps.slice(before, end);
      const rest = (): void => {
        for (const step of middle.splice(0)) step();
      };
      return { shared, rest };
    };
    const { shared, rest } = begin();
    took(read(shared, rest));
    betweenAtomicAccesses(() => {
      const attempt = begin();
      let result: Read;
      return {
        body: () => {
          result = read(attempt.shared, () => {});
        },
        other: attempt.rest,
        check: () => took(result),
      };
    });
  }
  return count;
}

describe("a reader of mapped lines", () => {
  it("gets bytes of one moment with their versions, or nothing, wherever the worker is", () => {
    const { got, refused } = tryEverywhere((shared, between) => shared.read(between));
    assert.ok(got > 50 && refused > 50, `${got} got theirs, ${refused} did not`);
  });

  it("would get halves, did it not look a second time", () => {
    const looksOnce = ({ words, bytes }: Shared, between: () => void): Read => {
      if (isLineTaken(words, 0) || isLineTaken(words, 1)) return { seen: [], versions: undefined };
      const versions = [lineVersion(words, 0), lineVersion(words, 1)];
      const first = bytes[PLACES[0]] as number;
      between();
      return { seen: [first, bytes[PLACES[1]] as number], versions };
    };
    assert.throws(() => tryEverywhere(looksOnce), /bytes (1,2|2,1) with versions 0,0/);
  });

  it("gets nothing while lines are taken, and copies again what was written meanwhile", () => {
    const shared = new Shared();
    const [take, , write, , count, , free] = shared.steps() as (() => void)[];
    take?.();
    assert.equal(shared.read().versions, undefined);
    write?.();
    count?.();
    free?.();
    assert.deepEqual(shared.read(), { seen: [2, 1], versions: [1, 0] });
    let copies = 0;
    const written = shared.read(() => {
      copies += 1;
      if (copies === 1) countLine(shared.words, 0);
    });
    assert.deepEqual([copies, written.versions], [2, [2, 0]]);
    copies = 0;
    const never = shared.read(() => {
      copies += 1;
      countLine(shared.words, 0);
    });
    assert.equal(never.versions, undefined, "who is overtaken again and again asks somebody else");
    assert.ok(copies < 10);
  });
});
