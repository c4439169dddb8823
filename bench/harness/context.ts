import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startCluster } from "../../src/runtime/cluster.ts";
import { type Compiler, compileProgram } from "../limits/compile.ts";
import { type RedisKeeps, redisSocket, startRedis } from "../peers/redis-server.ts";
import type { Absent } from "./absent.ts";
import type { ClusterAddress } from "./case.ts";

/** How long things are measured. */
export interface Settings {
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmUpMs: number;
  /** How long a case may take, without a sign of progress, for more than what is measured; default: 30 s. */
  readonly spareMs?: number;
}

/** Drive of the throw-away cluster: backing files on the file system of the temporary directory. */
export const DRIVE = "file";

/** What the cases of one run share. All of it goes when it is disposed. */
export interface BenchContext extends AsyncDisposable {
  readonly settings: Settings;
  readonly signal: AbortSignal;
  /** Starts the throw-away cluster of so many targets when it is first asked for; default 1. */
  cluster(targets?: number): Promise<ClusterAddress>;
  /** A new directory, on the file system that holds the cluster's data. */
  directory(name: string): string;
  /** A program of bench/limits, compiled; by the C compiler unless another is named. */
  program(name: string, compiler?: Compiler): Promise<string | Absent>;
  /** The port of a Redis server of this run; default: one that keeps nothing. */
  redisPort(keeps?: RedisKeeps): Promise<number | Absent>;
  /** The unix socket of the one that keeps nothing. */
  redisSocket(): Promise<string | Absent>;
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
  const redis = new Map<RedisKeeps, Promise<number | Absent>>();
  const clusters = new Map<number, Promise<ClusterAddress>>();
  return {
    settings,
    signal,
    cluster(targets = 1) {
      const started =
        clusters.get(targets) ??
        startThrowAway(path.join(dir, `cluster-${targets}`), targets, closers, signal);
      clusters.set(targets, started);
      return started;
    },
    directory,
    program(name, compiler = "cc") {
      const compiled = programs.get(name) ?? compileProgram(name, compiler, directory("programs"), signal);
      programs.set(name, compiled);
      return compiled;
    },
    redisPort(keeps = "nothing") {
      const started = redis.get(keeps) ?? startRedis(directory(`redis-${keeps}`), keeps, closers, signal);
      redis.set(keeps, started);
      return started;
    },
    async redisSocket() {
      const port = await this.redisPort();
      return typeof port === "number" ? redisSocket(directory("redis-nothing")) : port;
    },
    [Symbol.asyncDispose]: () => closers.disposeAsync(),
  };
}

/** Temporary data, a key of its own, a port of the kernel's choosing, processes as `didafs up` starts them. */
async function startThrowAway(
  dir: string,
  targets: number,
  closers: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<ClusterAddress> {
  const key = randomBytes(32);
  const cluster = await startCluster({
    dir,
    key,
    targets,
    drive: DRIVE,
    port: 0,
    spawn: "process",
    signal,
  });
  closers.defer(() => cluster.stop());
  return { url: cluster.url, keyHex: key.toString("hex"), dir };
}
