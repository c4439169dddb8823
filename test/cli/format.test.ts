import assert from "node:assert/strict";
import { test } from "node:test";
import { formatBytes, formatMode, formatTable } from "../../src/cli/format.ts";
import { date, seconds, sizeChange, stamp, stripeUnit, wholeNumber } from "../../src/cli/options.ts";
import { printable } from "../../src/cli/printable.ts";

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
  for (const text of ["0", "2048", "5000", "3M", "2T", "M", ""]) assert.throws(() => stripeUnit(text));
});

test("sizes as they are, or by how much more or less", () => {
  assert.deepEqual(
    ["1M", "+1K", "-1K", "-2M", "0", "3T"].map((text) => sizeChange(text)(2 ** 20)),
    [2 ** 20, 2 ** 20 + 1024, 2 ** 20 - 1024, 0, 0, 3 * 2 ** 40],
  );
  for (const text of ["", "+", "--1", "x", "1.5", "-1X", "99999T"]) assert.throws(() => sizeChange(text));
});

test("times as touch and date write them", () => {
  const local = new Date(2026, 0, 31, 23, 59, 0).getTime();
  assert.deepEqual(["202601312359", "2601312359", "202601312359.00"].map(stamp), [local, local, local]);
  assert.equal(stamp("6901010000"), new Date(1969, 0, 1).getTime());
  assert.equal(stamp("01312359.07"), new Date(new Date().getFullYear(), 0, 31, 23, 59, 7).getTime());
  assert.deepEqual(
    ["@1700000000", "@-1.5", "2026-01-31T00:00:00Z", "2026-01-31", "2026-01-31 23:59"].map(date),
    [1_700_000_000_000, -1500, Date.UTC(2026, 0, 31), new Date(2026, 0, 31).getTime(), local],
  );
  for (const text of ["", "1", "202602300000", "202613010000", "2026013124599"])
    assert.throws(() => stamp(text));
  for (const text of ["", "tomorrow", "@", "2026", "2026-13-01", "2026-02-31", "2026-02-30T00:00:00Z"])
    assert.throws(() => date(text));
});

test("what a terminal cannot show is escaped, bytes that are no UTF-8 included", () => {
  assert.equal(printable("a\u001b\n\u0085\udcffé😀"), "a\\x1b\\x0a\\x85\\xffé😀");
});
