import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Absent } from "../harness/absent.ts";
import type { Round } from "../harness/messages.ts";
import { fillPattern, hashOf, patternBytes, patternSum } from "../harness/pattern.ts";
import type { CaseSpec, OpenCaseRunner } from "../harness/row.ts";
import { runProgram } from "../harness/run-program.ts";
import { timingOf } from "../harness/statistics.ts";

const SPARE_MS = 30_000;

type Open = CaseSpec["open"];

/** Loads from, or stores to, a plain file that is mapped: mapped-words.c. */
export const openMappedWords: Open = (context, row, spec) =>
  openLimit("mapped-words", context, row, spec, (file) => [
    spec.moves === "get" ? "load" : "store",
    file,
    String(row.words),
    String(row.batchOps),
  ]);

/** 8 bytes to and fro over TCP, polled on both sides: ping-pong.c. */
export const openPingPong: Open = (context, row, spec) =>
  openLimit("ping-pong", context, row, spec, (file) => [file, String(row.words)]);

/** The programs read their words from FILE or FILE.words, and leave what they read in FILE.seen. */
async function openLimit(
  name: string,
  context: Parameters<Open>[0],
  row: Parameters<Open>[1],
  spec: CaseSpec,
  argumentsFor: (file: string) => string[],
): Promise<OpenCaseRunner | Absent> {
  const program = await context.program(name);
  if (typeof program !== "string") return program;
  const file = path.join(context.directory(`${row.id}-${spec.id}`), "plain");
  const pattern = new Int32Array(row.words * 2);
  fillPattern(pattern, 0);
  writeFileSync(file, patternBytes(pattern));
  writeFileSync(`${file}.words`, patternBytes(pattern));
  const { roundMs } = context.settings;
  return {
    async round(seed, signal) {
      if (spec.moves === "put") fillPattern(pattern, seed);
      writeFileSync(`${file}.words`, patternBytes(pattern));
      const limits = { withinMs: roundMs + SPARE_MS, signal };
      const printed = await runProgram(program, [...argumentsFor(file), String(roundMs)], limits);
      const moved = readFileSync(spec.moves === "put" ? file : `${file}.seen`);
      return roundOf(printed, row.batchOps, spec.moves === "get" ? pattern : undefined, {
        hash: hashOf(moved),
        expectedHash: hashOf(patternBytes(pattern)),
      });
    },
    close: async () => {},
  };
}

/** @param pattern what was read, where its sum is to be checked */
function roundOf(
  printed: string,
  batchOps: number,
  pattern: Int32Array | undefined,
  hashes: Pick<Round, "hash" | "expectedHash">,
): Round {
  const [operations = 0, sum, ...batchesNs] = printed.trimEnd().split("\n").map(Number);
  const timing = timingOf(Float64Array.from(batchesNs, (batchNs) => batchNs / batchOps));
  const expected = pattern === undefined ? sum : patternSum(pattern, operations) >>> 0;
  if (sum === expected) return { ...timing, operations, ...hashes };
  return { ...timing, operations, hash: `sum ${sum}`, expectedHash: `sum ${expected}` };
}
