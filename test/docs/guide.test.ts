import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";
import { outputOf, programOf } from "./page-programs.ts";

describe("the guide's programs, as written, one after the other on one cluster", () => {
  let local: LocalCluster;
  before(async () => {
    local = await startLocalCluster();
  });
  after(() => local[Symbol.asyncDispose]());

  const outputOfSection = (section: string): Promise<string> =>
    outputOf(programOf("docs/guide.md", `### ${section}`), local.env);

  it("Locks", async () => {
    assert.equal(await outputOfSection("Locks"), "75 25 undefined true\n");
  });

  it("Notified access", async () => {
    assert.equal(await outputOfSection("Notified access"), "0:one 1:two 2:three true\n");
  });

  it("Waiting for a word", async () => {
    assert.equal(await outputOfSection("Waiting for a word"), "3 9 true\n");
  });

  it("Groups", async () => {
    assert.equal(await outputOfSection("Groups"), "9 8 7 true true\n");
  });

  it("Epochs", async () => {
    assert.equal(await outputOfSection("Epochs"), "55 45 not enough true\n");
  });

  it("Whole files, then Streams", async () => {
    assert.equal(await outputOfSection("Whole files"), "measured at noon\n\n");
    assert.deepEqual(
      await local.cluster.readFile("/notes/program"),
      new Uint8Array(readFileSync(process.execPath)),
    );
    assert.equal(await outputOfSection("Streams"), "31,139 true\n");
    const back = gunzipSync(await local.cluster.readFile("/notes/program.gz"));
    assert.ok(back.equals(await local.cluster.readFile("/notes/program")));
  });
});
