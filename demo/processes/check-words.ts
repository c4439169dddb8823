import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { connect } from "../../src/index.ts";
import { readManifest } from "../manifest.ts";
import { failOn, Mismatch } from "../mismatch.ts";
import { readTable } from "../words/shared-table.ts";
import { forEachWord } from "../words/tokenizer.ts";
import { wordKey } from "../words/word-key.ts";
import { Access, runProcess } from "./process.ts";

const Plan = v.object({
  ...Access,
  texts: v.string(),
  table: v.string(),
});

export interface CheckWordsResult {
  readonly words: number;
  readonly distinct: number;
  /** How long this process took to count alone. */
  readonly seconds: number;
}

/** Counts the words of the texts' sources alone, and compares every word's count with the shared table. */
runProcess(Plan, async (plan): Promise<CheckWordsResult> => {
  const startMs = performance.now();
  const { counts, total } = await countAlone(readManifest(plan.texts).map(({ source }) => source));
  const seconds = (performance.now() - startMs) / 1000;
  if (total === 0) throw new Error("the texts have no words: nothing to compare");
  await using cluster = await connect(plan.url, { keyFile: plan.keyFile });
  await using file = await cluster.open(plan.table);
  await using window = await file.window({ sharing: "raw" });
  const shared = await readTable(window);
  compare(counts, shared.counts);
  if (shared.total !== total)
    throw new Mismatch(`the processes counted ${shared.total} words, one counts ${total}`);
  return { words: total, distinct: counts.size, seconds };
});

async function countAlone(
  sources: readonly string[],
): Promise<{ counts: Map<string, number>; total: number }> {
  const counts = new Map<string, number>();
  let total = 0;
  for (const source of sources) {
    const bytes = await readFile(source);
    forEachWord(bytes, 0, bytes.byteLength, (begin, end) => {
      const word = bytes.toString("latin1", begin, end);
      counts.set(word, (counts.get(word) ?? 0) + 1);
      total += 1;
    });
  }
  return { counts, total };
}

function compare(expected: ReadonlyMap<string, number>, shared: Map<bigint, number>): void {
  const wrong: string[] = [];
  for (const [word, count] of expected) {
    const bytes = Buffer.from(word, "latin1");
    const key = wordKey(bytes, 0, bytes.byteLength);
    const found = shared.get(key);
    // Each key stands for one word: were two words to share one, the second would find it gone.
    shared.delete(key);
    if (found !== count)
      wrong.push(`${JSON.stringify(word)}: ${count} times, the table says ${found ?? "none"}`);
  }
  for (const [key, count] of shared)
    wrong.push(`the table counts ${count} of ${key}, which is no word's key`);
  failOn(wrong, `${wrong.length} of ${expected.size} words have another count`);
}
