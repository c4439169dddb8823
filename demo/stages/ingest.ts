import { totalBytes, writeList } from "../manifest.ts";
import type { IngestResult } from "../processes/ingest.ts";
import { bytesPerSecond, filesPerSecond, formatBytes, formatCount, formatSeconds, row } from "../report.ts";
import { both, type Took } from "../timing.ts";
import { type Stage, startOn } from "./stage.ts";

/** A process takes the input in and leaves the manifest. */
export async function ingest(stage: Stage): Promise<void> {
  const { output, scratch } = stage;
  const { files } = stage.input;
  const list = scratch.file("input.json");
  writeList(list, files);
  const plan = { input: list, manifest: stage.manifestFile, targets: scratch.targets };
  const news = output.progress("taking in", files.length, totalBytes(files));
  const entry = new URL("../processes/ingest.ts", import.meta.url);
  const { small, large, directories } = await startOn<IngestResult>(stage, entry, plan, news).result;
  const all = both(small, large);
  output.line(`1 Ingest: every file flushed "stable" and acknowledged`);
  output.line(row("", "files/s", "MB/s", "time"));
  output.line(rates("files below 4 MiB", small));
  if (large.files > 0) output.line(rates(`${large.files} files striped over ${scratch.targets}`, large));
  output.line(
    `  ${formatCount(all.files)} files (${formatBytes(all.bytes)}) and ${formatCount(directories)} directories in ${formatSeconds(all.seconds)}; SHA-256 kept outside the cluster`,
  );
}

function rates(name: string, took: Took): string {
  if (took.files === 0) return row(name, "none");
  const megabytes = (bytesPerSecond(took) / 1e6).toFixed(0);
  return row(name, formatCount(filesPerSecond(took)), megabytes, formatSeconds(took.seconds));
}
