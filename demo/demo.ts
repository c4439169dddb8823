import { connect } from "../src/index.ts";
import { findInput, inputRoots } from "./input.ts";
import { totalBytes } from "./manifest.ts";
import type { Output } from "./output.ts";
import { formatBytes, formatCount, formatSeconds } from "./report.ts";
import { type ScratchCluster, startScratchCluster } from "./scratch-cluster.ts";
import { crash } from "./stages/crash.ts";
import { ingest } from "./stages/ingest.ts";
import { readBack } from "./stages/read-back.ts";
import { countWords } from "./stages/words.ts";

const TARGETS = 3;
/** Beside the input: the words' table, the crash's file, metadata. */
const BYTES_BESIDE = 512e6;
const LOG_LINES = 12;

/** The whole demo. @throws Mismatch when a comparison does not hold; all that was started is taken down either way */
export async function runDemo(dir: string | undefined, output: Output, signal: AbortSignal): Promise<void> {
  const startMs = performance.now();
  const roots = inputRoots(dir);
  const input = findInput(roots);
  const bytes = totalBytes(input.files);
  if (bytes === 0)
    throw new Error(`${roots.map(({ from }) => from).join(", ")}: no file with anything in it`);
  output.now("starting a cluster");
  {
    await using scratch = await startScratchCluster({
      targets: TARGETS,
      bytesWanted: bytes + BYTES_BESIDE,
      signal,
    });
    output.line(`DiDAFS demo: a cluster of ${TARGETS} targets on files, each a process, at ${scratch.url}`);
    const left = `left out: ${input.links} symbolic links, ${input.others} special files`;
    output.line(`Input: ${formatCount(input.files.length)} files, ${formatBytes(bytes)} (${left}) from`);
    for (const { from, to } of roots) output.line(`  ${from} → ${to}`);
    output.line();
    await using cluster = await connect(scratch.url, { keyFile: scratch.keyFile });
    const stage = { scratch, cluster, output, signal, input, manifestFile: scratch.file("manifest.json") };
    await explained(scratch, async () => {
      await ingest(stage);
      await readBack(stage);
      await countWords(stage);
      await crash(stage);
    });
    output.now("taking everything down");
  }
  output.line();
  output.line(
    `All comparisons held. Everything is taken down again (${formatSeconds((performance.now() - startMs) / 1000)}).`,
  );
}

/** Adds to an error what the supervisor logged, since its files go with the cluster. */
async function explained(scratch: ScratchCluster, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof Error && scratch.log.length > 0)
      error.message += `\nThe cluster's supervisor logged:\n  ${scratch.log.slice(-LOG_LINES).join("\n  ")}`;
    throw error;
  }
}
