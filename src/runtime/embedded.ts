import type { Cluster } from "../client/api.ts";
import { startCluster } from "./cluster.ts";
import { attach } from "./connect.ts";
import { findOrMakeKey } from "./key.ts";

export interface EmbeddedOptions {
  /** Default: as the directory was made, else 1. */
  targets?: number | undefined;
  drive?: "file" | "memory" | undefined;
  /** TCP port of the metadata service; default: any that is free. */
  port?: number | undefined;
  /** Until everything serves, and the default of every later call. */
  timeoutMs?: number | undefined;
}

/**
 * Serves `dir` from worker threads of this process and connects to it, for programs that want a library and no daemon.
 * Other processes of the machine attach by `cluster.url`. Closing the cluster stops the services.
 * @throws ERR_ALREADY_RUNNING where the directory is served already, ERR_PORT_IN_USE, ERR_START_FAILED, ERR_TIMEOUT
 */
export async function embedded(dir: string, options: EmbeddedOptions = {}): Promise<Cluster> {
  const { port = 0, timeoutMs, ...shape } = options;
  const key = findOrMakeKey();
  const cluster = await startCluster({ dir, key, port, timeoutMs, ...shape, spawn: "thread" });
  try {
    return await attach(cluster.url, key, { timeoutMs }, () => cluster.stop());
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}
