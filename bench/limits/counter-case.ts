import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type CounterParameters, checkAdded, startBytes, WORD_BYTES } from "../counters/words.ts";
import { WHOLE } from "../harness/messages.ts";
import { type CaseSpec, shareOf } from "../harness/row.ts";
import { runProgram } from "../harness/run-program.ts";
import { timingOf } from "../harness/statistics.ts";
import { parsePrinted } from "./program.ts";

const SPARE_MS = 30_000;
const PAGE_BYTES = 4096;

/** `lock xadd` on a word of a mapped file: shared-counter.c. */
export function openSharedCounter({
  word,
  processes,
  batchOps,
}: Pick<CounterParameters, "word" | "processes" | "batchOps">): CaseSpec["open"] {
  return async (context, row, spec) => {
    const program = await context.program("shared-counter");
    if (typeof program !== "string") return program;
    const file = path.join(context.directory(`${row.id}-${spec.id}`), "word");
    const roundMs = context.settings.roundMs * shareOf(row);
    const how = [file, `${WORD_BYTES[word]}`, `${processes}`, `${batchOps}`, `${roundMs}`];
    return {
      async round(seed, signal) {
        const start = startBytes(word, seed);
        const page = new Uint8Array(PAGE_BYTES);
        page.set(start);
        writeFileSync(file, page);
        const text = await runProgram(program, how, { withinMs: roundMs + SPARE_MS, signal });
        const { timed, tookNs, all, sum, samplesNs } = parsePrinted(text, batchOps);
        const left = readFileSync(file).subarray(0, WORD_BYTES[word]);
        const rate = (timed / tookNs) * 1e9;
        return {
          lines: { [WHOLE]: { ...timingOf(samplesNs), operations: timed, operationsPerSecond: rate } },
          ...checkAdded(word, start, left, { operations: all, sum }),
        };
      },
      close: async () => {},
    };
  };
}
