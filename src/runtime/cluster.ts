import path from "node:path";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import { createLogger, errorFields, type Logger } from "../std/logger.ts";
import { makeDirectory } from "../system/directory.ts";
import { fromNodeError } from "../system/errno.ts";
import { lockDirectory } from "../system/lock.ts";
import { HealthWatch, type WatchedService } from "./cluster-health.ts";
import { ClusterServices, type Entries } from "./cluster-services.ts";
import { threadEntry } from "./entry.ts";
import { findOrMakeServiceKey } from "./key.ts";
import { type LogSettings, type LogWish, logPlan, logText, openLog, settleLogs } from "./logs.ts";
import type { MetricsServer } from "./metrics-server.ts";
import { clusterUrl } from "./paths.ts";
import { readRunRecord, removeRunRecord, writeRunRecord } from "./run-file.ts";
import { launchProcess } from "./service-process.ts";
import { launchWorker } from "./service-worker.ts";
import { readShape, type Shape, settleShape, writeShape } from "./shape.ts";

const START_MS = 20_000;
/** How long until a run record that a full drive had no room for is tried again. */
const RECORD_AGAIN_MS = 1000;

export interface ClusterOptions {
  /** Data directory; made when it is not there. */
  readonly dir: string;
  readonly key: Uint8Array;
  /** Default: as recorded in the directory, else 1. */
  readonly targets?: number | undefined;
  /** Default: as recorded in the directory, else file. */
  readonly drive?: "file" | "memory" | undefined;
  /** Port of the metadata service; 0 for any that is free. */
  readonly port: number;
  /** Address of this machine that all services listen on; default 127.0.0.1. */
  readonly host?: string | undefined;
  readonly workers?: number | undefined;
  /** Services as processes, which are started again when they die, or as threads of this process, which are not. */
  readonly spawn: "process" | "thread";
  /** Until every service is ready; default 20 s. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Default: as the environment says (see settleLogs). */
  readonly logs?: LogWish | undefined;
  /** Where /metrics and /healthz are served (port 0: any that is free); default: nowhere. */
  readonly metrics?: { readonly host: string; readonly port: number } | undefined;
  /** Hears the supervisor's log lines besides the log file. */
  readonly onLog?: ((line: string) => void) | undefined;
  readonly entries?: Entries | undefined;
}

export interface RunningCluster {
  readonly id: string;
  readonly url: string;
  readonly dir: string;
  readonly targets: number;
  readonly drive: Shape["drive"];
  /** Of /metrics and /healthz, without the path. */
  readonly metricsUrl?: string;
  /** The services at this moment; pid is undefined for one that is down. */
  services(): { readonly name: string; readonly pid: number | undefined }[];
  /** Takes every service down, targets first. Idempotent and bounded. */
  stop(): Promise<void>;
}

/**
 * Starts a cluster's services on this machine and waits until all of them serve. When one fails, everything that was
 * started is taken down again.
 * @throws ERR_ALREADY_RUNNING, ERR_PORT_IN_USE, ERR_START_FAILED, ERR_TIMEOUT, ERR_ABORTED, ERR_INVALID_ARGUMENT, ERR_CORRUPT, ERR_VERSION,
 *   ERR_NO_KEY (the service key cannot be read, or others may read it)
 */
export async function startCluster(options: ClusterOptions): Promise<RunningCluster> {
  const dir = path.resolve(options.dir);
  makeDirectory(dir);
  const lock = takeLock(dir);
  const letGo = (): void => {
    removeRunRecord(dir);
    lock.release();
  };
  try {
    writeRunRecord(dir, options.spawn);
    return await startLocked(dir, options, letGo);
  } catch (error) {
    letGo();
    throw fromNodeError(`start a cluster on ${dir}`, error);
  }
}

async function startMetrics(
  options: ClusterOptions["metrics"],
  targets: number,
  services: () => readonly WatchedService[],
): Promise<MetricsServer | undefined> {
  if (options === undefined) return undefined;
  // A program that embeds a cluster does not load a web server.
  const { serveMetrics } = await import("./metrics-server.ts");
  return await serveMetrics(options.host, options.port, new HealthWatch(services, targets + 1));
}

/** The supervisor's own log; everything in it but debug is also given to `onLog`. */
function supervisorLog(
  dir: string,
  logs: LogSettings,
  onLog: ClusterOptions["onLog"],
): ReturnType<typeof openLog> {
  const file = openLog(logPlan(dir, "supervisor", logs), "supervisor");
  if (onLog === undefined) return file;
  const both = createLogger((level, message, fields) => {
    file[level](message, fields);
    if (level !== "debug") onLog(logText(message, fields));
  });
  return { ...both, close: file.close };
}

function takeLock(dir: string): { release(): void } {
  try {
    return lockDirectory(dir);
  } catch (error) {
    if (!isDidafsError(error, "ERR_ALREADY_RUNNING")) throw error;
    const { pid, url } = readRunRecord(dir) ?? {};
    const who = pid === undefined ? "another process" : `process ${pid}`;
    const where = url === undefined ? "" : ` at ${url}`;
    throw new DidafsError("ERR_ALREADY_RUNNING", `${dir} is already served by ${who}${where}`, {
      cause: error,
      path: dir,
    });
  }
}

async function startLocked(dir: string, options: ClusterOptions, letGo: () => void): Promise<RunningCluster> {
  const recorded = readShape(dir);
  const shape = settleShape(dir, recorded, options);
  const logs = settleLogs(options.logs);
  const log = supervisorLog(dir, logs, options.onLog);
  let services: ClusterServices | undefined;
  const watched = (): readonly WatchedService[] => services?.watched() ?? [];
  const metrics = await startMetrics(options.metrics, shape.targets, watched);
  const urls = metrics === undefined ? {} : { metricsUrl: metrics.url };
  services = new ClusterServices({
    dir,
    ...shape,
    keyHex: Buffer.from(options.key).toString("hex"),
    serviceKeyHex: Buffer.from(findOrMakeServiceKey(dir)).toString("hex"),
    host: options.host ?? "127.0.0.1",
    port: options.port,
    workers: options.workers,
    entries: options.entries ?? { meta: threadEntry("meta-thread"), target: threadEntry("target-thread") },
    launch: options.spawn === "process" ? launchProcess : launchWorker,
    // A thread that died may have left descriptors behind, the lock of its folder among them.
    restart: options.spawn === "process",
    logs,
    log,
    metricsUrl: metrics?.url,
  });
  const { signal, timeoutMs = START_MS } = options;
  const abort = (): void => void services.stop();
  signal?.addEventListener("abort", abort);
  try {
    signal?.throwIfAborted();
    const deadlineMs = performance.now() + timeoutMs;
    const { host, port, id } = await services.startMeta(deadlineMs);
    settleIdentity(dir, recorded, { ...shape, id });
    await services.startTargets(deadlineMs);
    const url = clusterUrl(host, port);
    const stopRecording = keepRecording(() => writeRunRecord(dir, options.spawn, { url, ...urls }), log);
    log.info("serving", { url, ...shape, cluster: id });
    let stopped: Promise<void> | undefined;
    const stopAll = async (): Promise<void> => {
      log.info("stopping");
      stopRecording();
      await services.stop().finally(letGo);
      metrics?.close();
      log.info("stopped");
      log.close();
    };
    const stop = (): Promise<void> => {
      stopped ??= stopAll();
      return stopped;
    };
    return { id, url, dir, ...shape, ...urls, services: () => services.list(), stop };
  } catch (error) {
    log.error("the start failed", errorFields(error));
    await services.stop();
    metrics?.close();
    log.close();
    if (signal?.aborted) throw new DidafsError("ERR_ABORTED", "the start was interrupted", { cause: error });
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** Writes the run record now, or where the drive is full as soon as it has room. @returns what gives that up */
function keepRecording(write: () => boolean, log: Logger): () => void {
  if (write()) return () => {};
  log.warn("the drive has no room for run.json: until it has, `didafs down` does not find this cluster");
  const timer = setInterval(() => {
    if (write()) clearInterval(timer);
  }, RECORD_AGAIN_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Records a new cluster once its metadata exists, so that a first start that failed before binds nobody. */
function settleIdentity(dir: string, recorded: Shape | undefined, shape: Omit<Shape, "format">): void {
  if (recorded === undefined) writeShape(dir, shape);
  else if (recorded.id !== shape.id) {
    throw new DidafsError(
      "ERR_CORRUPT",
      `${dir} belongs to cluster ${recorded.id}, but its metadata belong to cluster ${shape.id}`,
    );
  }
}
