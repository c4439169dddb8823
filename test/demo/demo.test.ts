import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../demo/main.ts", import.meta.url));
/** A package of a few hundred files, with texts and sources. */
const INPUT = fileURLToPath(new URL("../../node_modules/dependency-cruiser", import.meta.url));
const BOUND_MS = 100_000;

interface Run {
  readonly code: number | null;
  readonly output: string;
  /** What was left in the temporary directory. */
  readonly left: string[];
}

/** @param interruptAt output at which the demo gets a SIGINT */
async function runDemo(args: readonly string[], interruptAt?: string): Promise<Run> {
  const temporary = mkdtempSync(path.join(tmpdir(), "didafs-demo-test-"));
  try {
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: BOUND_MS,
      killSignal: "SIGKILL",
    });
    let output = "";
    let interrupted = false;
    const hear = (text: string): void => {
      output += text;
      if (interruptAt === undefined || interrupted || !output.includes(interruptAt)) return;
      interrupted = true;
      child.kill("SIGINT");
    };
    child.stdout.setEncoding("utf8").on("data", hear);
    child.stderr.setEncoding("utf8").on("data", hear);
    const [code] = (await once(child, "close")) as [number | null];
    return { code, output, left: readdirSync(temporary) };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

test("the demo runs on a real directory, holds every comparison and leaves nothing", async () => {
  const { code, output, left } = await runDemo([INPUT]);
  assert.equal(code, 0, output);
  for (const line of [
    /^Input: \d+ files, /m,
    /^1 Ingest: /m,
    /^2 Read back .* equal on both paths$/m,
    /^ {2}direct: \d+ mappings .* no access /m,
    /^ {2}tcp: .* left over TCP/m,
    /^3 Word count: 4 processes/m,
    /every word's count as one process counts it$/m,
    /^4 Crash: 4 times a target killed/m,
    /^ {2}a fresh process found all [\d,]+ blocks, byte for byte/m,
    /^All comparisons held\./m,
  ])
    assert.match(output, line);
  assert.deepEqual(left, []);
});

test("an interrupted demo says so and leaves nothing", async () => {
  const { code, output, left } = await runDemo([INPUT], "Input: ");
  assert.equal(code, 130, output);
  assert.match(output, /interrupted/);
  assert.deepEqual(left, []);
});

test("a directory without files is refused", async () => {
  const empty = mkdtempSync(path.join(tmpdir(), "didafs-demo-empty-"));
  try {
    const { code, output } = await runDemo([empty]);
    assert.equal(code, 2);
    assert.match(output, /no file with anything in it/);
  } finally {
    rmSync(empty, { recursive: true });
  }
});
