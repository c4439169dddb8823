import { isIP } from "node:net";
import path from "node:path";
import type { ClusterOptions } from "../runtime/cluster.ts";
import { findOrMakeKey } from "../runtime/key.ts";
import { type LogSettings, settleLogs } from "../runtime/logs.ts";
import { defaultDataDirectory } from "../runtime/paths.ts";
import { DidafsError } from "../std/errors.ts";
import type { LogLevel } from "../std/logger.ts";
import type { GlobalOptions } from "./context.ts";

const START_MS = 20_000;

/** Options of `didafs up` as commander gives them. */
export interface UpOptions {
  readonly data?: string;
  readonly targets?: number;
  readonly drive?: "file" | "memory";
  readonly port: number;
  readonly host: string;
  readonly trustedNetwork?: boolean;
  readonly workers?: number;
  readonly foreground?: boolean;
  readonly metricsPort: number | "off";
  readonly metricsHost: string;
  readonly logLevel?: LogLevel;
  readonly logBytes?: number;
  readonly logFiles?: number;
}

/** What a supervisor is told to start, as JSON; it holds the cluster's key. */
export type UpPlan = Omit<ClusterOptions, "key" | "spawn" | "signal" | "onLog" | "entries" | "logs"> & {
  readonly timeoutMs: number;
  readonly logs: LogSettings;
  readonly keyHex: string;
};

/** Checks the options, and makes the user's key when there is none. */
export function planUp(global: GlobalOptions, options: UpOptions): UpPlan {
  checkHost(options);
  const { metricsPort, metricsHost } = options;
  const { targets, drive, port, host, workers, logLevel, logBytes, logFiles } = options;
  return {
    dir: dataDirectory(options),
    keyHex: Buffer.from(findOrMakeKey({ keyFile: global.keyFile })).toString("hex"),
    timeoutMs: global.timeout ?? START_MS,
    targets,
    drive,
    port,
    host,
    workers,
    metrics: metricsPort === "off" ? undefined : { host: metricsHost, port: metricsPort },
    logs: settleLogs({ level: logLevel, bytesMax: logBytes, filesMax: logFiles }),
  };
}

/** The options of a cluster of processes. */
export function clusterOptions({ keyHex, ...rest }: UpPlan): ClusterOptions {
  return { ...rest, key: Buffer.from(keyHex, "hex"), spawn: "process" };
}

export function dataDirectory({ data }: { readonly data?: string }): string {
  return data === undefined ? defaultDataDirectory() : path.resolve(data);
}

function checkHost({ host, trustedNetwork }: UpOptions): void {
  if (isIP(host) === 0 || /^(0\.0\.0\.0|[0:]+)$/.test(host)) {
    // Targets hand this address to origins, so it must be one that can be connected to.
    throw new DidafsError("ERR_INVALID_ARGUMENT", `--host takes one IP address of this machine, not ${host}`);
  }
  if (!/^(127\.|::1$)/.test(host) && !trustedNetwork) {
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      `${host} can be reached by other machines, and traffic is authenticated but not encrypted: say --trusted-network if that is wanted`,
    );
  }
}
