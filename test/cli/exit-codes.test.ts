import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { kindTable } from "../../src/cli/check/kinds.ts";
import { errorPage } from "../../src/cli/error-page.ts";
import { EXIT_CODES, exitCodeTable, exitRow } from "../../src/cli/exit-codes.ts";
import {
  failureJson,
  failureOf,
  failureText,
  forEach,
  labelled,
  type SeveralFailures,
} from "../../src/cli/failure.ts";
import { DidafsError, type ErrorCode } from "../../src/std/errors.ts";

test("docs/operating.md holds the table of exit codes", () => {
  const docs = readFileSync(new URL("../../docs/operating.md", import.meta.url), "utf8");
  assert.ok(docs.includes(exitCodeTable()), `docs/operating.md must hold this table:\n${exitCodeTable()}`);
});

test("docs/errors.md holds the table of errors", () => {
  const docs = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
  assert.equal(docs, errorPage(), "write docs/errors.md anew with: node scripts/error-table.mjs");
});

test("every errno of the table has its name", () => {
  assert.doesNotMatch(errorPage(), /undefined|NaN/);
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

test("the advice is about the code, not about all that end with the same exit code", () => {
  assert.match(exitRow("ENODATA").next, /xattr list/);
  assert.match(exitRow("ELOOP").next, /readlink/);
  assert.match(exitRow("EISDIR").next, /-r/);
  assert.doesNotMatch(exitRow("ENOTDIR").next, /-r/);
  assert.deepEqual([exitRow("ELOOP").exit, exitRow("ENODATA").exit], [14, 8]);
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
  const inCluster = new DidafsError("ELOOP", "/x: too many links", { path: "/x" });
  assert.equal(failureOf(labelled(":/x", inCluster)).message, ":/x: too many links");
});

test("a failure is one line and one line of advice; names cannot steer the terminal", () => {
  const failure = failureOf(new DidafsError("ENOENT", "no \u001b[2Jfile\n"));
  assert.equal(
    failureText("ls", [failure]),
    "didafs: ls: no \\x1b[2Jfile\\x0a (ENOENT)\n  check the name; `didafs ls` shows what the cluster holds\n",
  );
  assert.deepEqual(JSON.parse(failureJson("ls", [failure])).error.exitCode, 8);
  const usage = failureText("cp", [failureOf(new DidafsError("ERR_INVALID_ARGUMENT", "x"))]);
  assert.match(usage, /see `didafs help cp`/);
});

test("several failures are a line each, and each advice is given once", () => {
  const missing = ["/a", "/b"].map((path) => failureOf(new DidafsError("ENOENT", "no such file", { path })));
  const text = failureText("rm", [...missing, failureOf(new DidafsError("EISDIR", "a directory"))]);
  assert.deepEqual(text.split("\n").length, 6);
  assert.match(
    text,
    /^didafs: rm: \/a: .*\ndidafs: rm: \/b: .*\ndidafs: rm: a directory \(EISDIR\)\n {2}check/,
  );
  const lines = failureJson("rm", missing).trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).error.path),
    ["/a", "/b"],
  );
});

test("a failure carries what a program needs: errno, action, applied", () => {
  const lost = new DidafsError("ERR_TIMEOUT", "no answer", { applied: "unknown" });
  const { errno, action, applied } = JSON.parse(failureJson("rm", [failureOf(lost)])).error;
  assert.deepEqual([errno, action, applied], [-110, "retry", "unknown"]);
});

test("a command goes on after a failure, unless the failure would strike everything", async () => {
  const seen: number[] = [];
  const body = (code: ErrorCode) => async (item: number) => {
    seen.push(item);
    if (item > 1) throw new DidafsError(code, `item ${item}`);
  };
  const messages = ({ failures }: SeveralFailures): string[] =>
    failures.map((error) => failureOf(error).message);
  await assert.rejects(forEach([1, 2, 3], body("ENOENT")), (error: SeveralFailures) => {
    assert.deepEqual(messages(error), ["item 2", "item 3"]);
    return true;
  });
  await assert.rejects(forEach([1, 2, 3], body("ERR_UNREACHABLE")), (error: SeveralFailures) => {
    assert.deepEqual(messages(error), ["item 2"]);
    return true;
  });
  assert.deepEqual(seen, [1, 2, 3, 1, 2]);
});

test("docs/operating.md holds the table of what check finds", () => {
  const docs = readFileSync(new URL("../../docs/operating.md", import.meta.url), "utf8");
  assert.ok(docs.includes(kindTable()), `docs/operating.md must hold this table:\n${kindTable()}`);
});
