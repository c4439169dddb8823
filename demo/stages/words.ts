import { readManifest, totalBytes, writeList } from "../manifest.ts";
import type { CheckWordsResult } from "../processes/check-words.ts";
import type { CountResult } from "../processes/count-words.ts";
import { formatBytes, formatCount, formatSeconds } from "../report.ts";
import { tableBytes } from "../words/shared-table.ts";
import { chooseTexts, slotsFor } from "../words/texts.ts";
import { type Stage, startOn } from "./stage.ts";

const PROCESSES = 4;
const TABLE = "/words";

/** Several processes count the words of real texts into one shared window; one that counts alone must agree. */
export async function countWords(stage: Stage): Promise<void> {
  const { output, scratch } = stage;
  const texts = chooseTexts(readManifest(stage.manifestFile));
  const bytes = totalBytes(texts);
  output.line();
  if (bytes === 0) {
    output.line("3 Word count: the input has no text file, so there is nothing to count");
    return;
  }
  const list = scratch.file("texts.json");
  writeList(list, texts);
  const slots = slotsFor(bytes);
  await (await stage.cluster.open(TABLE, { create: "exclusive", size: tableBytes(slots) })).close();
  output.now(`counting the words of ${texts.length} texts in ${PROCESSES} processes`);
  const plan = { texts: list, table: TABLE, slots };
  const counting = new URL("../processes/count-words.ts", import.meta.url);
  const running = Array.from({ length: PROCESSES }, () => startOn<CountResult>(stage, counting, plan).result);
  const counted = await Promise.all(running);
  output.now("counting them once more in one process");
  const checking = new URL("../processes/check-words.ts", import.meta.url);
  const alone = await startOn<CheckWordsResult>(stage, checking, { texts: list, table: TABLE }).result;
  const seconds = Math.max(...counted.map((one) => one.seconds));
  const perSecond = formatCount(alone.words / seconds);
  output.line(`3 Word count: ${PROCESSES} processes, one table of counters in a shared window, atomics only`);
  output.line(
    `  ${formatCount(texts.length)} texts (${formatBytes(bytes)}): ${formatCount(alone.words)} words, ${formatCount(alone.distinct)} different; every word's count as one process counts it`,
  );
  output.line(
    `  shared: ${formatSeconds(seconds)}, ${perSecond} words/s (pieces claimed: ${counted.map(({ pieces }) => pieces).join(", ")}); alone, by fs and a Map: ${formatSeconds(alone.seconds)}`,
  );
}
