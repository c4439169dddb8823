import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMode } from "../../src/cli/format.ts";
import { parseModeChange } from "../../src/cli/mode-change.ts";

const changed = (text: string, mode: number, directory = false): string =>
  parseModeChange(text)(mode, directory).toString(8);

test("octal modes stand for themselves", () => {
  assert.deepEqual([changed("640", 0o777), changed("0", 0o777), changed("4755", 0)], ["640", "0", "4755"]);
});

test("symbolic modes change what they name, one after the other", () => {
  const cases: [text: string, mode: number, result: string][] = [
    ["u+x", 0o644, "744"],
    ["go-w", 0o666, "644"],
    ["a+r", 0o200, "644"],
    ["+x", 0o644, "755"],
    ["-w", 0o666, "444"],
    ["g=u", 0o640, "660"],
    ["o=g", 0o641, "644"],
    ["u=rw,go=r", 0o777, "644"],
    ["u=", 0o777, "77"],
    ["ug+r-x", 0o711, "641"],
    ["u+s,+t", 0o755, "5755"],
    ["g+s", 0o755, "2755"],
    ["a-s", 0o6755, "755"],
    ["go=", 0o1777, "700"],
  ];
  for (const [text, mode, result] of cases)
    assert.equal(changed(text, mode), result, `${text} of ${mode.toString(8)}`);
});

test("X is for directories and for what somebody may run; a directory keeps its set-id bits", () => {
  assert.deepEqual(
    [changed("a+X", 0o644), changed("a+X", 0o744), changed("a+X", 0o644, true)],
    ["644", "755", "755"],
  );
  assert.deepEqual([changed("g=rx", 0o2775, true), changed("g=rx", 0o2775)], ["2755", "755"]);
});

test("what is no mode is wrong usage", () => {
  for (const text of ["", "8", "77777", "x", "u", "u+z", "u+x,", "uu", "+ug"]) {
    assert.throws(() => parseModeChange(text), { code: "ERR_INVALID_ARGUMENT" }, text);
  }
});

test("set-id and sticky bits are shown as ls shows them", () => {
  assert.deepEqual(
    [0o4755, 0o4644, 0o2755, 0o1777, 0o1776].map((mode) => formatMode("file", mode)),
    ["-rwsr-xr-x", "-rwSr--r--", "-rwxr-sr-x", "-rwxrwxrwt", "-rwxrwxrwT"],
  );
});
