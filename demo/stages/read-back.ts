import { growth, proveDirect, proveTcp, restingCounters } from "../byte-counters.ts";
import { readManifest, totalBytes } from "../manifest.ts";
import type { ReadBackResult } from "../processes/read-back.ts";
import { bytesPerSecond, filesPerSecond, formatCount, formatRatio, formatSeconds, row } from "../report.ts";
import { both, type Took } from "../timing.ts";
import { type Stage, startOn } from "./stage.ts";

/** One process each reads everything by `fs`, over the direct path and over TCP, and compares digests. */
export async function readBack(stage: Stage): Promise<void> {
  const { output, cluster, signal, scratch } = stage;
  const files = readManifest(stage.manifestFile);
  const bytes = totalBytes(files);
  const entry = new URL("../processes/read-back.ts", import.meta.url);
  const read = (from: string, name: string): Promise<ReadBackResult> => {
    const news = output.progress(`reading back, ${name}`, files.length, bytes);
    return startOn<ReadBackResult>(stage, entry, { manifest: stage.manifestFile, from }, news).result;
  };
  const fs = await read("fs", "fs");
  const before = await restingCounters(cluster, signal);
  const direct = await read("direct", "direct path");
  const between = await restingCounters(cluster, signal);
  const tcp = await read("tcp", "TCP");
  const after = await restingCounters(cluster, signal);
  const directProof = proveDirect(growth(before, between), files, scratch.targets);
  const tcpProof = proveTcp(growth(between, after), files, scratch.targets);
  output.line();
  output.line("2 Read back by other processes: SHA-256 of every file equal on both paths");
  output.line(row("", "small files/s", "of fs", "large MB/s", "of fs", "time"));
  output.line(rates("fs, the sources", fs, fs));
  output.line(rates("direct (mapped)", direct, fs));
  output.line(rates("tcp", tcp, fs));
  output.line("  All three: a process, 16 files at a time, read and hash; same order; page cache warm.");
  output.line(`  direct: ${directProof}`);
  output.line(`  tcp: ${tcpProof}`);
}

function rates(name: string, { small, large }: ReadBackResult, peer: ReadBackResult): string {
  return row(
    name,
    ...rate(small, peer.small, filesPerSecond, 1),
    ...rate(large, peer.large, bytesPerSecond, 1e6),
    formatSeconds(both(small, large).seconds),
  );
}

function rate(took: Took, peer: Took, of: (took: Took) => number, unit: number): [string, string] {
  if (took.files === 0) return ["none", ""];
  return [formatCount(of(took) / unit), took === peer ? "" : formatRatio(of(took), of(peer))];
}
