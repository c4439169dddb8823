// Runs the gates: `node scripts/check.mjs [lint] [types] [layering] [dead-code]`, all of them by default.
// Each gate has a canary in test/gates/ that proves that it fails on a known violation.
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

const GATES = {
  lint: [
    "node_modules/@biomejs/biome/bin/biome",
    "check",
    "--error-on-warnings",
    "--diagnostic-level=warn",
    ".",
  ],
  types: [
    "node_modules/typescript/bin/tsc",
    "--pretty",
    String(process.stdout.isTTY === true),
    "--project",
    ".",
  ],
  layering: ["scripts/check-layers.mjs"],
  "dead-code": ["node_modules/knip/bin/knip.js", "--no-progress", "--no-config-hints"],
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(GATES, name));
if (unknown.length > 0) {
  console.error(`check: no gate is called ${unknown.join(", ")}; there are ${Object.keys(GATES).join(", ")}`);
  process.exit(2);
}

/** Runs one gate and prints what it said once it has ended, so that gates in parallel do not mix. */
function run(name) {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, GATES[name], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    const hear = (chunk) => {
      said += chunk;
    };
    child.stdout.setEncoding("utf8").on("data", hear);
    child.stderr.setEncoding("utf8").on("data", hear);
    child.on("error", (error) => hear(`${error.message}\n`));
    child.on("close", (code) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      const passed = code === 0;
      console.log(`${passed ? "✔" : "✘"} ${name} (${seconds} s)`);
      if (!passed) console.log(said.trimEnd() || `  ended with ${code}`);
      resolve(passed);
    });
  });
}

const waiting = asked.length > 0 ? asked : Object.keys(GATES);
const failed = [];
async function work() {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    if (!(await run(name))) failed.push(name);
  }
}
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
if (failed.length > 0) {
  console.log(`check: failed: ${failed.join(", ")}`);
  process.exitCode = 1;
}
