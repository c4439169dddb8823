import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";
import { outputOf, programOf, sectionOf } from "./page-programs.ts";

const PAGE = "docs/epochs.md";

/** By heading, in the order of the page. */
const OUTPUTS: Readonly<Record<string, string>> = {
  "The default: a transaction over two files": "1 10\n",
  "Replacing something as a whole": "true\n",
  "Locks, where many want the same": "4 0 0 4\n",
  "A critical section on a raw window": "8 49\n",
  "Many writes, stable at the end": "63\n",
  "A message, and then its flag": "42\n",
  "Writes whose order nobody needs": "10 100 10 100\n",
  "Nothing to wait for": "100\n",
  "Without a body": "3 2 only one link is left\n",
  "Whatever becomes of the answer": "75\n",
};

describe("the programs of the page about epochs, as written, one after the other on one cluster", () => {
  let local: LocalCluster;
  before(async () => {
    local = await startLocalCluster({ targets: 2 });
  });
  after(() => local[Symbol.asyncDispose]());

  it("are all tried", () => {
    const headings = sectionOf(PAGE, "## Programs").matchAll(/^### (.*)$/gm);
    assert.deepEqual(
      [...headings].map((match) => match[1]),
      Object.keys(OUTPUTS),
    );
  });

  it("and that of the README", async () => {
    assert.equal(await outputOf(programOf("README.md", "## Epochs"), local.env), "-30 30\n");
  });

  for (const [heading, output] of Object.entries(OUTPUTS)) {
    it(heading, async () => {
      assert.equal(await outputOf(programOf(PAGE, `### ${heading}`), local.env), output);
    });
  }
});
