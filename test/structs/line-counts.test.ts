import assert from "node:assert/strict";
import { test } from "node:test";
import {
  copyLineVersions,
  countLine,
  entriesIn,
  freeLine,
  isLineEntries,
  isLineTaken,
  lineCountsBytes,
  lineEntries,
  lineVersion,
  takeLine,
} from "../../src/structs/line-counts.ts";

const words = (entries: number): Int32Array => new Int32Array(lineCountsBytes(entries) / 4);

test("an entry is four words: version, low half first, taken, zero", () => {
  const counts = words(4);
  assert.equal(counts.length, 16);
  countLine(counts, 2);
  takeLine(counts, 2);
  takeLine(counts, 2);
  assert.deepEqual([...counts.subarray(8, 12)], [1, 0, 2, 0]);
  counts.set([-1, 6], 8);
  countLine(counts, 2);
  assert.deepEqual([...counts.subarray(8, 12)], [0, 7, 2, 0]);
  assert.equal(lineVersion(counts, 2), 7 * 2 ** 32);
  assert.deepEqual([...counts.subarray(0, 8), ...counts.subarray(12)], new Array(12).fill(0));
});

test("there are as many entries as lines, a power of two, 65,536 at most; others are none", () => {
  const asked = [0, 1, 2, 3, 65_535, 65_536, 65_537, 2 ** 40].map(lineEntries);
  assert.deepEqual(asked, [1, 1, 2, 4, 65_536, 65_536, 65_536, 65_536]);
  assert.deepEqual([1, 2, 65_536].map(isLineEntries), [true, true, true]);
  const wrong = [0, -1, 3, 1.5, 0.5, 131_072, Number.NaN, Number.POSITIVE_INFINITY];
  assert.deepEqual(wrong.filter(isLineEntries), []);
});

test("lines that are more than the entries share them, also behind 2^32", () => {
  const counts = words(8);
  for (const line of [3, 11, 2 ** 32 + 3, 5 * 2 ** 33 + 8 * 1000 + 3]) {
    countLine(counts, line);
    takeLine(counts, line);
  }
  assert.equal(lineVersion(counts, 3), 4);
  for (let left = 4; left > 0; left -= 1) {
    assert.equal(isLineTaken(counts, 11), true, `${left} still hold a line of it`);
    freeLine(counts, 19);
  }
  assert.equal(isLineTaken(counts, 11), false);
  assert.equal(lineVersion(counts, 4), 0);
});

test("versions go on in memory with more entries; what is taken does not", () => {
  const [few, many] = [words(2), words(8)];
  for (let count = 0; count < 5; count += 1) countLine(few, 1);
  takeLine(few, 1);
  copyLineVersions(few, many);
  assert.equal(entriesIn(many), 8);
  for (const line of [1, 3, 5, 7, 9]) assert.equal(lineVersion(many, line), 5);
  for (const line of [0, 2, 4]) assert.equal(lineVersion(many, line), 0);
  assert.equal(isLineTaken(many, 1), false);
});
