// The layering gate: dependency-cruiser over src/, plus the proof that it looked at every file.
// (With a TypeScript it does not support, dependency-cruiser cruises 0 modules and calls that a success.)
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = existsSync(`${root}src`)
  ? readdirSync(`${root}src`, { recursive: true })
      .filter((name) => /\.[cm]?[jt]s$/.test(name))
      .map((name) => `src/${name}`)
  : [];
if (sources.length === 0) {
  console.log("layering: src/ holds no source file yet, nothing to check");
  process.exit(0);
}

const cruise = spawnSync(
  process.execPath,
  [
    "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs",
    "src",
    "--config",
    ".dependency-cruiser.mjs",
    "--output-type",
    "json",
  ],
  { cwd: root, encoding: "utf8", maxBuffer: 2 ** 28 },
);
if (cruise.status !== 0 || cruise.stdout === "") {
  console.error(`layering: dependency-cruiser itself failed\n${cruise.stdout}${cruise.stderr}`);
  process.exit(1);
}

const { modules, summary } = JSON.parse(cruise.stdout);
const cruised = new Set(modules.map((module) => module.source));
const missed = sources.filter((source) => !cruised.has(source));
if (missed.length > 0) {
  console.error(
    `layering: ${missed.length} of ${sources.length} files were not cruised, for example ${missed[0]}`,
  );
  process.exit(1);
}

const comments = new Map(summary.ruleSetUsed.forbidden.map((rule) => [rule.name, rule.comment]));
for (const { from, to, rule, cycle } of summary.violations) {
  const way = cycle ? [from, ...cycle.map((step) => step.name)].join(" → ") : `${from} → ${to}`;
  console.error(`${way}\n    ${rule.name}: ${comments.get(rule.name)}`);
}
if (summary.violations.length > 0) {
  console.error(`layering: ${summary.violations.length} forbidden imports in ${sources.length} files`);
  process.exit(1);
}
console.log(`layering: ${sources.length} files, ${summary.totalDependenciesCruised} imports, none forbidden`);
