import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type RunningCluster, startCluster } from "../src/runtime/cluster.ts";
import { formatBytes } from "./report.ts";

/** A cluster with fresh data and a key of its own, in a temporary directory; both go with it. */
export interface ScratchCluster extends AsyncDisposable {
  readonly url: string;
  readonly keyFile: string;
  readonly targets: number;
  /** What the supervisor logged. */
  readonly log: readonly string[];
  /** A file outside the cluster's data. */
  file(name: string): string;
}

export interface ScratchOptions {
  readonly targets: number;
  /** What the drives must have room for. */
  readonly bytesWanted: number;
  readonly signal: AbortSignal;
}

/** Services as processes on drives of files, as `didafs up` starts them. */
export async function startScratchCluster(options: ScratchOptions): Promise<ScratchCluster> {
  const { targets, bytesWanted, signal } = options;
  checkRoom(bytesWanted);
  const dir = mkdtempSync(path.join(tmpdir(), "didafs-demo-"));
  const remove = (): void => rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  const key = randomBytes(32);
  const file = (name: string): string => path.join(dir, name);
  const keyFile = file("key");
  const log: string[] = [];
  let cluster: RunningCluster;
  try {
    writeFileSync(keyFile, key.toString("hex"), { mode: 0o600 });
    cluster = await startCluster({
      dir: file("data"),
      key,
      targets,
      drive: "file",
      port: 0,
      spawn: "process",
      signal,
      onLog: (line) => void log.push(line),
    });
  } catch (error) {
    remove();
    throw error;
  }
  const stop = async (): Promise<void> => {
    await cluster.stop();
    remove();
  };
  return { url: cluster.url, keyFile, targets, log, file, [Symbol.asyncDispose]: stop };
}

function checkRoom(bytesWanted: number): void {
  const { bavail, bsize } = statfsSync(tmpdir());
  if (bavail * bsize >= bytesWanted) return;
  throw new Error(
    `${tmpdir()} has ${formatBytes(bavail * bsize)} free, the demo needs ${formatBytes(bytesWanted)}; set TMPDIR to a directory with more`,
  );
}
