/** What the processes have in common that epoch-processes.test.ts and lock-processes.test.ts start. */
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { DidafsWindow } from "../../src/index.ts";
import type { LocalCluster } from "../support/local-cluster.ts";

/** Of each process. */
export const TRANSPORTS = ["direct", "tcp", "direct", "tcp"] as const;
const TIMEOUT_MS = 120_000;
const MEET_MS = 30_000;

export interface WorkerPlan {
  readonly transport: (typeof TRANSPORTS)[number];
  readonly number: number;
  readonly seed: number;
  /** So many begin together. */
  readonly processes: number;
}

/** Runs a process of each kind of transport, all at once. @returns what each has printed */
export function runWorkers<P extends WorkerPlan, T>(
  script: string,
  { env }: LocalCluster,
  plan: Omit<P, "transport" | "number" | "processes">,
): Promise<T[]> {
  const processes = TRANSPORTS.length;
  return Promise.all(
    TRANSPORTS.map(async (transport, number) => {
      const own = { ...plan, transport, number, processes };
      const args = [new URL(script, import.meta.url).pathname, JSON.stringify(own)];
      const options = { env: { ...process.env, ...env }, timeout: TIMEOUT_MS, maxBuffer: 64 << 20 };
      const { stdout } = await promisify(execFile)(process.execPath, args, options);
      return JSON.parse(stdout) as T;
    }),
  );
}

/** In a worker: waits until all of them have come. @param at of a word that nobody uses for anything else */
export async function meet(window: DidafsWindow, at: number, { processes }: WorkerPlan): Promise<void> {
  await window.fetchAdd(at, 1);
  const deadlineMs = performance.now() + MEET_MS;
  while ((await window.load(at)) < processes) {
    if (performance.now() > deadlineMs) throw new Error("the other processes did not come");
    await sleep(1);
  }
}

/** In ns, by the clock of the machine, which all of its processes share. */
export function now(): number {
  return Number(process.hrtime.bigint());
}
