import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const LIBC = new URL("../../src/system/libc.ts", import.meta.url);

/** What importing the C library says in a process that takes itself for another machine. */
function importedOn(property: "platform" | "arch", value: string): string {
  const program = `
    Object.defineProperty(process, "${property}", { value: "${value}" });
    await import("${LIBC}").catch((error) => console.log(error.code + " " + error.message));
  `;
  const child = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.equal(child.status, 0, child.stderr);
  return child.stdout;
}

test("elsewhere the import fails with one sentence that names the way out", () => {
  assert.match(importedOn("platform", "darwin"), /^ERR_PLATFORM .*Linux only \(this is darwin\).*container/);
  assert.match(importedOn("arch", "ia32"), /^ERR_PLATFORM .*this is ia32.*64-bit Node/);
});
