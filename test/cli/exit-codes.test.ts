import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { EXIT_CODES, exitCodeTable, exitRow } from "../../src/cli/exit-codes.ts";
import { failureJson, failureOf, failureText, labelled } from "../../src/cli/failure.ts";
import { DidafsError } from "../../src/std/errors.ts";

test("docs/operating.md holds the table of exit codes", () => {
  const docs = readFileSync(new URL("../../docs/operating.md", import.meta.url), "utf8");
  assert.ok(docs.includes(exitCodeTable()), `docs/operating.md must hold this table:\n${exitCodeTable()}`);
});

test("each exit code and each error code stands in the table once", () => {
  const exits = EXIT_CODES.map(({ exit }) => exit);
  assert.equal(new Set(exits).size, exits.length);
  const codes = EXIT_CODES.flatMap((row) => row.codes);
  assert.equal(new Set(codes).size, codes.length);
});

test("a code that the table does not name is a general failure", () => {
  assert.equal(exitRow("ERR_INTERNAL").exit, 1);
  assert.equal(exitRow("toString").exit, 1);
  assert.equal(exitRow("ERR_PORT_IN_USE").exit, 5);
});

test("our errors, the machine's and mistakes are put into words", () => {
  const ours = failureOf(new DidafsError("ENOENT", "no such file", { path: "/x" }));
  assert.deepEqual(
    [ours.code, ours.message, ours.exitCode, ours.path],
    ["ENOENT", "/x: no such file", 8, "/x"],
  );
  assert.equal(failureOf(new DidafsError("ENOENT", "no /x here", { path: "/x" })).message, "no /x here");
  let machine: unknown;
  try {
    readFileSync("/nowhere/at all");
  } catch (error) {
    machine = error;
  }
  assert.equal(failureOf(machine).message, "/nowhere/at all: no such file or directory");
  assert.equal(failureOf(machine).exitCode, 8);
  assert.deepEqual(
    [failureOf(new TypeError("oops")).code, failureOf(new TypeError("oops")).exitCode],
    ["ERR_INTERNAL", 1],
  );
  assert.equal(failureOf("text").message, "text");
});

test("an error that is told to be about something names it once", () => {
  const inner = new DidafsError("EISDIR", "it is a directory");
  assert.equal(failureOf(labelled("a to b", inner)).message, "a to b: it is a directory");
  assert.equal(failureOf(labelled("a to b", inner)).code, "EISDIR");
  assert.equal(
    failureOf(labelled("/x", new DidafsError("ENOENT", "gone", { path: "/x" }))).message,
    "/x: gone",
  );
});

test("a failure is one line and one line of advice; names cannot steer the terminal", () => {
  const failure = failureOf(new DidafsError("ENOENT", "no \u001b[2Jfile\n"));
  assert.equal(
    failureText("ls", failure),
    "didafs: ls: no \\x1b[2Jfile\\x0a (ENOENT)\n  check the name; `didafs ls` shows what the cluster holds\n",
  );
  assert.deepEqual(JSON.parse(failureJson("ls", failure)).error.exitCode, 8);
  const usage = failureText("cp", failureOf(new DidafsError("ERR_INVALID_ARGUMENT", "x")));
  assert.match(usage, /see `didafs help cp`/);
});
