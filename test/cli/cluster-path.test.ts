import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { parseClusterPath, parsePlace, showClusterPath } from "../../src/cli/cluster-path.ts";

test("a colon and a slash mean the cluster, a dash the standard streams, all else this machine", () => {
  assert.deepEqual(parsePlace(":/a/b"), { kind: "cluster", path: "/a/b", base: "b", slash: false });
  assert.deepEqual(parsePlace("-"), { kind: "stream" });
  assert.deepEqual(parsePlace("./-"), { kind: "local", path: path.resolve("-"), base: "-", slash: false });
  assert.deepEqual(parsePlace("./:x"), { kind: "local", path: path.resolve(":x"), base: ":x", slash: false });
});

test("slashes and dots are put in order; a slash at the end is remembered", () => {
  assert.deepEqual(parsePlace("://a//./b/../c/"), { kind: "cluster", path: "/a/c", base: "c", slash: true });
  assert.deepEqual(parsePlace(":/../.."), { kind: "cluster", path: "/", base: "", slash: false });
  assert.equal(parseClusterPath(":/"), "/");
});

test("where the contents of a directory are meant, there is no last name", () => {
  for (const text of [".", "..", "dir/.", "dir/../", "/", ":/", ":/dir/.", ":/."]) {
    const place = parsePlace(text);
    assert.equal(place.kind !== "stream" && place.base, "", text);
  }
  for (const text of ["a.", ".a", "dir/..a", ":/a..", "..."]) {
    const place = parsePlace(text);
    assert.notEqual(place.kind !== "stream" && place.base, "", text);
  }
});

test("commands on the cluster only take its paths with or without the colon", () => {
  assert.equal(parseClusterPath(":/a/"), "/a");
  assert.equal(parseClusterPath("/a"), "/a");
  assert.equal(showClusterPath("/a"), ":/a");
});

test("what is no path is refused", () => {
  for (const text of ["", "a", ":a", ":", ":\0", ":/a\0b", "-"]) {
    assert.throws(() => parseClusterPath(text), { code: "ERR_INVALID_ARGUMENT" }, JSON.stringify(text));
  }
  for (const text of ["", ":a", ":"]) assert.throws(() => parsePlace(text), { code: "ERR_INVALID_ARGUMENT" });
});
