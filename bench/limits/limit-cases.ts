import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Absent } from "../harness/absent.ts";
import { type Round, roundOf } from "../harness/messages.ts";
import type { CaseSpec, OpenCaseRunner } from "../harness/row.ts";
import { runProgram } from "../harness/run-program.ts";
import { timingOf } from "../harness/statistics.ts";
import { fillPattern, hashOf, patternBytes, patternSum } from "../words/pattern.ts";
import type { Moves, Working } from "../words/word-case.ts";

const SPARE_MS = 30_000;

type Open = CaseSpec["open"];

/** Loads from, or stores to, a plain file that is mapped: mapped-words.c. */
export function openMappedWords(working: Working, moves: Moves): Open {
  const { words, batchOps } = working;
  const command = moves === "get" ? "load" : "store";
  return openLimit("mapped-words", working, moves, (file) => [command, file, `${words}`, `${batchOps}`]);
}

/** 8 bytes to and fro over TCP, polled on both sides: ping-pong.c. */
export function openPingPong(working: Working): Open {
  return openLimit("ping-pong", working, "get", (file) => [file, `${working.words}`]);
}

/** The programs read their words from FILE or FILE.words, and leave what they read in FILE.seen. */
function openLimit(
  name: string,
  working: Working,
  moves: Moves,
  argumentsFor: (file: string) => string[],
): Open {
  return (context, row, spec) => openProgram(name, working, moves, argumentsFor, context, row, spec);
}

async function openProgram(
  name: string,
  { words, batchOps }: Working,
  moves: Moves,
  argumentsFor: (file: string) => string[],
  context: Parameters<Open>[0],
  row: Parameters<Open>[1],
  spec: CaseSpec,
): Promise<OpenCaseRunner | Absent> {
  const program = await context.program(name);
  if (typeof program !== "string") return program;
  const file = path.join(context.directory(`${row.id}-${spec.id}`), "plain");
  const pattern = new Int32Array(words * 2);
  fillPattern(pattern, 0);
  writeFileSync(file, patternBytes(pattern));
  writeFileSync(`${file}.words`, patternBytes(pattern));
  const { roundMs } = context.settings;
  return {
    async round(seed, signal) {
      if (moves === "put") fillPattern(pattern, seed);
      writeFileSync(`${file}.words`, patternBytes(pattern));
      const limits = { withinMs: roundMs + SPARE_MS, signal };
      const printed = await runProgram(program, [...argumentsFor(file), String(roundMs)], limits);
      const moved = readFileSync(moves === "put" ? file : `${file}.seen`);
      return programRound(printed, batchOps, moves === "get" ? pattern : undefined, {
        hash: hashOf(moved),
        expectedHash: hashOf(patternBytes(pattern)),
      });
    },
    close: async () => {},
  };
}

/** @param pattern what was read, where its sum is to be checked */
function programRound(
  printed: string,
  batchOps: number,
  pattern: Int32Array | undefined,
  hashes: Pick<Round, "hash" | "expectedHash">,
): Round {
  const [operations = 0, sum, ...batchesNs] = printed.trimEnd().split("\n").map(Number);
  const timing = timingOf(Float64Array.from(batchesNs, (batchNs) => batchNs / batchOps));
  const expected = pattern === undefined ? sum : patternSum(pattern, operations) >>> 0;
  if (sum === expected) return roundOf(timing, operations, hashes);
  return roundOf(timing, operations, { hash: `sum ${sum}`, expectedHash: `sum ${expected}` });
}
