// Runs the fuzzer alone: `node scripts/fuzz.mjs [--seconds N] [--seed S] [part ...]`, with a random seed by default; parts are the test files of test/fuzz,
// all of them by default. docs/fuzzing.md says how to read what it prints.
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string" }, seed: { type: "string" } },
});
const parts = readdirSync(path.join(root, "test/fuzz"))
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => name.slice(0, -".test.ts".length));
const asked = positionals.length > 0 ? positionals : parts;
const unknown = asked.filter((part) => !parts.includes(part));
if (unknown.length > 0) {
  console.error(`fuzz: there is no part ${unknown.join(", ")}; there are ${parts.join(", ")}`);
  process.exit(2);
}

const env = { ...process.env };
if (values.seconds !== undefined) env.DIDAFS_FUZZ_SECONDS = values.seconds;
env.DIDAFS_FUZZ_SEED = values.seed ?? String(randomInt(2 ** 31));
const files = asked.map((part) => `test/fuzz/${part}.test.ts`);
const child = spawn(process.execPath, ["--test", "--test-concurrency=1", ...files], {
  cwd: root,
  env,
  stdio: "inherit",
});
child.on("close", (code) => {
  process.exitCode = code ?? 1;
});
