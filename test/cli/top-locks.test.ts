import assert from "node:assert/strict";
import { test } from "node:test";
import { reportTarget } from "../../src/cli/top/report.ts";
import { viewText } from "../../src/cli/top/view.ts";

test("top tells how many locks are held and waited for, where there are any", () => {
  const nothing = reportTarget({ name: "target-0" }, undefined);
  const view = (held: number, waiting: number): string =>
    viewText({
      timeMs: 0,
      intervalMs: 1000,
      dir: "/data",
      cluster: "c".repeat(32),
      targets: [{ ...nothing, locks: { held, waiting } }],
      files: [],
    });
  assert.match(view(3, 1), /^target-0: locks held 3, waited for 1$/m);
  assert.doesNotMatch(view(0, 0), /locks/);
});

test("top tells which targets have epochs under way", () => {
  const nothing = reportTarget({ name: "target-0" }, undefined);
  const view = (underWay: number): string =>
    viewText({
      timeMs: 0,
      intervalMs: 1000,
      dir: "/data",
      cluster: "c".repeat(32),
      targets: [{ ...nothing, epochs: { underWay, logBytes: 0 } }],
      files: [],
    });
  assert.match(view(2), /^target-0: epochs under way 2$/m);
  assert.doesNotMatch(view(0), /under way/);
});
