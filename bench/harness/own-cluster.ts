import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { ClusterAddress } from "./case.ts";
import { HelperProcess } from "./helper-process.ts";
import type { SupervisorAnswer, SupervisorOrder } from "./own-supervisor.ts";

/** A cluster of one case: the processes of `didafs up`, with a supervisor that is no other process of the bench. */
export interface OwnCluster {
  readonly address: ClusterAddress;
  readonly supervisorPid: number;
  /** Without the path. */
  readonly metricsUrl: string;
  stop(): Promise<void>;
}

const SUPERVISOR = new URL(`./own-supervisor${path.extname(import.meta.filename)}`, import.meta.url);

/**
 * @param dir for its data
 * @param onProcessor the only processor that its processes may use
 * @throws when it does not start
 */
export async function startOwnCluster(
  dir: string,
  targets: number,
  onProcessor?: number,
): Promise<OwnCluster> {
  const supervisor = new HelperProcess<SupervisorOrder, SupervisorAnswer>(SUPERVISOR, onProcessor);
  const keyHex = randomBytes(32).toString("hex");
  const { url, metricsUrl } = (await supervisor.ask({
    dir,
    keyHex,
    targets,
  })) as NonNullable<SupervisorAnswer>;
  return {
    address: { url, keyHex, dir },
    supervisorPid: supervisor.pid,
    metricsUrl,
    async stop() {
      await supervisor.ask({ stop: true });
      supervisor.close();
    },
  };
}

/** The processes that a process has started and that live. */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean).map(Number);
}
