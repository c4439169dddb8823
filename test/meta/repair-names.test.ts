import assert from "node:assert/strict";
import { test } from "node:test";
import type { Problem } from "../../src/wire/control.ts";
import { World } from "./harness.ts";

/** Text that stands for no bytes (std/byte-text.ts). */
const NO_NAMES = ["\ud800", "a\udc00", "\udfff/b"];

test("a problem of a name that no entry can have is gone", async (context) => {
  const world = await World.open(context);
  const origin = await world.origin();
  for (const name of NO_NAMES) {
    const place = { directory: 1, name, inode: 1 };
    const problems: Problem[] = [
      { kind: "dangling-entry", ...place },
      { kind: "wrong-type-entry", ...place },
      { kind: "stray-entry", ...place },
      { kind: "second-entry", ...place, other: { directory: 1, name } },
      { kind: "directory-loop", entries: [place] },
    ];
    for (const problem of problems) {
      assert.deepEqual(await origin.call("meta.repair", { problem, apply: true }), { state: "gone" });
    }
  }
  assert.deepEqual(world.log.complaints, []);
});
