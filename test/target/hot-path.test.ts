import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const COMMANDS = 1_000_000;
/**
 * A system call boxes the address that it is given, and so costs some 30 bytes: about 200 for the six or seven of a batch
 * of 64, the client's among them, which is three bytes a command.
 */
const BATCHED_BYTES = 6;
/** What the engine or the way into the C library need for one command, by load. */
const EXCEPTIONS: Readonly<Record<string, number>> = {
  // Bigints: operand and result of an atomic operation on 64 bits.
  "add i64": 76,
  // The addresses of a long copy.
  "put 4 KiB": 64,
};

test("a worker under mixed load allocates nothing per command, and keeps to its compiled code", () => {
  const child = spawnSync(
    process.execPath,
    [
      "--max-semi-space-size=512",
      "--min-semi-space-size=512",
      new URL("hot-path-child.ts", import.meta.url).pathname,
      `${COMMANDS}`,
    ],
    { encoding: "utf8", timeout: 300_000 },
  );
  assert.equal(child.status, 0, child.stderr);
  const said = child.stdout.split("\n").filter((line) => line.trim() !== "");
  const result = said.find((line) => line.startsWith("RESULT "));
  const others = said.filter((line) => line !== result && !/canary/i.test(line));
  assert.ok(others.length < said.length - 1, "code that is thrown away is said");
  assert.deepEqual(
    others,
    [],
    "no code was thrown away, and nothing was collected that would be missed here",
  );
  const loads = JSON.parse((result as string).slice(7)) as {
    name: string;
    commands: number;
    bytes: number;
  }[];
  assert.ok(loads.reduce((sum, { commands }) => sum + commands, 0) >= COMMANDS);
  for (const { name, commands, bytes } of loads) {
    const most = EXCEPTIONS[name] ?? BATCHED_BYTES;
    assert.ok(bytes / commands <= most, `${name}: ${bytes / commands} bytes a command`);
  }
  // Without it the measure itself would be in doubt.
  const bigints = loads.find(({ name }) => name === "add i64");
  assert.ok(bigints !== undefined && bigints.bytes / bigints.commands > 20, "what is allocated is seen");
});
