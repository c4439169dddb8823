import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startCluster } from "../../src/runtime/cluster.ts";
import { compileProgram } from "../limits/compile.ts";
import { startRedis } from "../peers/redis-server.ts";
import type { Absent } from "./absent.ts";
import type { ClusterAddress } from "./case.ts";

/** How long things are measured. */
export interface Settings {
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmUpMs: number;
}

/** Drive of the throw-away cluster: backing files on the file system of the temporary directory. */
export const DRIVE = "file";

/** What the cases of one run share. All of it goes when it is disposed. */
export interface BenchContext extends AsyncDisposable {
  readonly settings: Settings;
  readonly signal: AbortSignal;
  /** Starts the throw-away cluster when it is first asked for. */
  cluster(): Promise<ClusterAddress>;
  /** A new directory, on the file system that holds the cluster's data. */
  directory(name: string): string;
  /** A program of bench/limits, compiled. */
  program(name: string): Promise<string | Absent>;
  /** The port of a Redis server of this run. */
  redisPort(): Promise<number | Absent>;
}

export function openContext(settings: Settings, signal: AbortSignal): BenchContext {
  const closers = new AsyncDisposableStack();
  const dir = mkdtempSync(path.join(tmpdir(), "didafs-bench-"));
  closers.defer(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  const directory = (name: string): string => {
    const made = path.join(dir, name);
    mkdirSync(made, { recursive: true });
    return made;
  };
  const programs = new Map<string, Promise<string | Absent>>();
  let redis: Promise<number | Absent> | undefined;
  let cluster: Promise<ClusterAddress> | undefined;
  return {
    settings,
    signal,
    cluster() {
      cluster ??= startThrowAway(path.join(dir, "cluster"), closers, signal);
      return cluster;
    },
    directory,
    program(name) {
      const compiled = programs.get(name) ?? compileProgram(name, directory("programs"), signal);
      programs.set(name, compiled);
      return compiled;
    },
    redisPort() {
      redis ??= startRedis(directory("redis"), closers, signal);
      return redis;
    },
    [Symbol.asyncDispose]: () => closers.disposeAsync(),
  };
}

/** Temporary data, a key of its own, a port of the kernel's choosing, processes as `didafs up` starts them. */
async function startThrowAway(
  dir: string,
  closers: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<ClusterAddress> {
  const key = randomBytes(32);
  const cluster = await startCluster({
    dir,
    key,
    targets: 1,
    drive: DRIVE,
    port: 0,
    spawn: "process",
    signal,
  });
  closers.defer(() => cluster.stop());
  return { url: cluster.url, keyHex: key.toString("hex") };
}
