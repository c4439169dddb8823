import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const GATE_FILES = [".dependency-cruiser.mjs", "biome.json", "knip.json", "lint", "scripts", "tsconfig.json"];

/** A product of three files that every gate accepts; a canary adds one violation to it. */
const CLEAN: Readonly<Record<string, string>> = {
  "package.json": manifest({}),
  "src/index.ts": 'export { frames } from "./client/frames.ts";\n',
  "src/client/frames.ts": [
    'import { HEADER_BYTES } from "../wire/header.ts";',
    "",
    "/** How many headers fit. */",
    "export function frames(bytes: number): number {",
    "  return Math.floor(bytes / HEADER_BYTES);",
    "}",
    "",
  ].join("\n"),
  "src/wire/header.ts": "export const HEADER_BYTES = 64;\n",
};

/** The sample's package.json with these dependencies, in the form that the formatter gives it. */
export function manifest(dependencies: Readonly<Record<string, string>>): string {
  const fields = {
    name: "sample",
    type: "module",
    private: true,
    exports: { ".": "./src/index.ts" },
    dependencies,
  };
  return `${JSON.stringify(fields, null, 2)}\n`;
}

interface Verdict {
  readonly passed: boolean;
  /** All that the gate printed. */
  readonly said: string;
}

/** Runs a gate, with the project's own configuration, on the clean sample with `files` laid over it. */
function judge(gate: string, files: Readonly<Record<string, string>> = {}): Verdict {
  const dir = mkdtempSync(join(tmpdir(), "didafs-gate-"));
  try {
    for (const name of GATE_FILES) cpSync(join(ROOT, name), join(dir, name), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(dir, "node_modules"));
    for (const [path, text] of Object.entries({ ...CLEAN, ...files })) {
      mkdirSync(join(dir, dirname(path)), { recursive: true });
      writeFileSync(join(dir, path), text);
    }
    const run = spawnSync(process.execPath, ["scripts/check.mjs", gate], {
      cwd: dir,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
    });
    return { passed: run.status === 0, said: run.stdout + run.stderr };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The gate accepts the clean sample; otherwise a canary could fail for a reason of its own. */
export function assertClean(gate: string, files: Readonly<Record<string, string>> = {}): void {
  const { passed, said } = judge(gate, files);
  assert.ok(passed, said);
}

/** The gate refuses the sample with `files`, and says `naming`. */
export function assertRefused(
  gate: string,
  files: Readonly<Record<string, string>>,
  ...naming: RegExp[]
): void {
  const { passed, said } = judge(gate, files);
  assert.ok(!passed, `the ${gate} gate let it pass:\n${said}`);
  for (const name of naming) assert.ok(name.test(said), `the ${gate} gate did not say ${name}:\n${said}`);
}
