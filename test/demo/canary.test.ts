import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { journalLines, readJournal } from "../../demo/blocks/journal.ts";
import { findInput } from "../../demo/input.ts";
import { type IngestedFile, readManifest, writeList } from "../../demo/manifest.ts";
import { type ScratchCluster, startScratchCluster } from "../../demo/scratch-cluster.ts";
import { tableBytes } from "../../demo/words/shared-table.ts";
import { connect } from "../../src/index.ts";

/** Each comparison of the demo, with something wrong: its process must end with 1 and name what is wrong. */
const TARGETS = 2;
const PROCESS_MS = 60_000;
const EXIT_MISMATCH = 1;
const INPUT = fileURLToPath(new URL("../../src/client", import.meta.url));
const SLOTS = 2 ** 16;

let scratch: ScratchCluster;
let manifest: IngestedFile[];

/** Runs a process of the demo by hand. */
async function run(
  name: string,
  plan: object,
): Promise<{ code: number | null; said: string; result: unknown }> {
  const { url, keyFile } = scratch;
  const file = fileURLToPath(new URL(`../../demo/processes/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [file, JSON.stringify({ url, keyFile, ...plan })], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: PROCESS_MS,
    killSignal: "SIGKILL",
  });
  let [printed, said] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => {
    printed += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, said, result: printed === "" ? undefined : JSON.parse(printed) };
}

async function mustHold(name: string, plan: object): Promise<unknown> {
  const { code, said, result } = await run(name, plan);
  assert.equal(code, 0, said);
  return result;
}

async function mustNotHold(name: string, plan: object, complaint: RegExp): Promise<void> {
  const { code, said } = await run(name, plan);
  assert.equal(code, EXIT_MISMATCH, said);
  assert.match(said, complaint);
}

before(async () => {
  const signal = AbortSignal.timeout(PROCESS_MS);
  scratch = await startScratchCluster({ targets: TARGETS, bytesWanted: 1e8, signal });
  writeList(scratch.file("input.json"), findInput([{ from: INPUT, to: "/in" }]).files);
  const list = scratch.file("manifest.json");
  await mustHold("ingest", { input: scratch.file("input.json"), manifest: list, targets: TARGETS });
  manifest = readManifest(list);
});

after(() => scratch[Symbol.asyncDispose]());

for (const from of ["fs", "direct", "tcp"]) {
  test(`a digest that is wrong by one bit is found when reading by ${from}`, async () => {
    const honest = scratch.file("manifest.json");
    await mustHold("read-back", { manifest: honest, from });
    const doctored = scratch.file(`doctored-${from}.json`);
    const victim = manifest.at(-1) as IngestedFile;
    const digit = (Number.parseInt(victim.sha256.slice(-1), 16) ^ 1).toString(16);
    const wrong = { ...victim, sha256: victim.sha256.slice(0, -1) + digit };
    writeList(doctored, [...manifest.slice(0, -1), wrong]);
    await mustNotHold(
      "read-back",
      { manifest: doctored, from },
      new RegExp(`1 files .*differ.*\\s+${victim.path}: `),
    );
  });
}

test("an empty list of expectations is no success", async () => {
  const empty = scratch.file("empty.json");
  writeList(empty, []);
  const { code, said } = await run("read-back", { manifest: empty, from: "direct" });
  assert.equal(code, 2);
  assert.match(said, /nothing to compare/);
});

test("one count too many, or a word of another text, is found", async () => {
  const texts = scratch.file("manifest.json");
  const table = "/table";
  await using cluster = await connect(scratch.url, { keyFile: scratch.keyFile });
  await using file = await cluster.open(table, { create: "exclusive", size: tableBytes(SLOTS) });
  await mustHold("count-words", { texts, table, slots: SLOTS });
  await mustHold("check-words", { texts, table });

  const other = scratch.file("other.json");
  const [first, ...rest] = manifest;
  const source = fileURLToPath(new URL("../../LICENSE", import.meta.url));
  writeList(other, [{ ...(first as IngestedFile), source }, ...rest]);
  await mustNotHold("check-words", { texts: other, table }, /of \d+ words have another count:\s+"/);

  await using window = await file.window({ rights: "rw", sharing: "raw" });
  const words = await window.get(0, new BigUint64Array(window.length / 8));
  const slot = words.findIndex((word, at) => at >= 512 && at % 2 === 0 && word !== 0n);
  await window.fetchAdd((slot + 1) * 8, 1);
  await mustNotHold("check-words", { texts, table }, /1 of \d+ words have another count/);
});

test("an acknowledged block that is not there, and bytes that nobody wrote, are found", async () => {
  const { journal, plan } = await writeSomeBlocks();
  await mustHold("check-blocks", { ...plan, journal });

  const blocks = readJournal(journal);
  const doctored = scratch.file("doctored-journal");
  const [first, ...rest] = blocks as [(typeof blocks)[number], ...typeof blocks];
  writeFileSync(doctored, journalLines([{ ...first, seed: (first.seed ^ 2) >>> 0 }, ...rest]));
  await mustNotHold(
    "check-blocks",
    { ...plan, journal: doctored },
    /1 of \d+ acknowledged blocks .*\s+\d+ bytes at/,
  );

  writeFileSync(doctored, journalLines(rest));
  await mustNotHold("check-blocks", { ...plan, journal: doctored }, /bytes where nobody wrote/);
});

/** Lets the demo's writer go for as long as it has places. */
async function writeSomeBlocks(): Promise<{ journal: string; plan: object }> {
  const journal = scratch.file("journal");
  const place = "/blocks";
  const { code, said } = await run("write-blocks", { path: place, journal, slots: 120, targets: TARGETS });
  assert.equal(code, 2);
  assert.match(said, /every place of the file is written/);
  assert.ok(readFileSync(journal, "utf8").length > 0);
  return { journal, plan: { path: place, doubtful: [] } };
}
