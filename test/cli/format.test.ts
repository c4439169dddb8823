import assert from "node:assert/strict";
import { test } from "node:test";
import { formatBytes, formatMode, formatTable } from "../../src/cli/format.ts";
import { seconds, stripeUnit, wholeNumber } from "../../src/cli/options.ts";

test("bytes in at most four digits", () => {
  const shown = [0, 1023, 1024, 1536, 10_188, 10_240, 2 ** 20 - 1, 2 ** 40 * 1.25, 2 ** 53].map(formatBytes);
  assert.deepEqual(shown, [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 KiB",
    "9.9 KiB",
    "10 KiB",
    "1.0 MiB",
    "1.3 TiB",
    "8.0 PiB",
  ]);
});

test("modes as ls shows them", () => {
  assert.equal(formatMode("file", 0o644), "-rw-r--r--");
  assert.equal(formatMode("directory", 0o751), "drwxr-x--x");
});

test("tables are aligned and have no blanks at their ends", () => {
  assert.equal(
    formatTable(
      [
        ["a", "10", "x"],
        ["bcd", "5", ""],
      ],
      new Set([1]),
    ),
    "a    10  x\nbcd   5",
  );
});

test("numbers, seconds and stripe units; anything else is a usage error", () => {
  assert.equal(wholeNumber(1, 64)("64"), 64);
  assert.equal(seconds("1.5"), 1500);
  assert.equal(seconds("0.0001"), 1);
  assert.deepEqual(["4096", "64K", "64kib", "1M", "2GiB"].map(stripeUnit), [
    4096,
    65536,
    65536,
    2 ** 20,
    2 ** 31,
  ]);
  for (const text of ["0", "65", "-1", "1.5", "1e1", "", "x"]) assert.throws(() => wholeNumber(1, 64)(text));
  for (const text of ["0", "-1", "", "1s", "Infinity"]) assert.throws(() => seconds(text));
  for (const text of ["0", "2048", "5000", "3M", "1T", "M", ""]) assert.throws(() => stripeUnit(text));
});
