import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { logPlan, openRawLog } from "../runtime/logs.ts";
import type { ServiceReport } from "../runtime/service-messages.ts";
import { DidafsError, isErrorCode } from "../std/errors.ts";
import { makeDirectory } from "../system/directory.ts";
import type { UpPlan } from "./up-plan.ts";

/** On top of the plan's own limit: for the supervisor's start, and for taking everything down after a failure. */
const SLACK_MS = 20_000;

/** What `didafs up` tells about a cluster that serves. */
export interface ServingCluster {
  readonly url: string;
  readonly id: string;
  readonly dir: string;
  readonly targets: number;
  readonly drive: string;
  readonly pid: number;
  readonly metricsUrl?: string;
}

/**
 * Starts a supervisor that outlives this process, and waits until its cluster serves.
 * @throws what `startCluster` throws, ERR_START_FAILED, ERR_ABORTED
 */
export async function startDetached(plan: UpPlan, signal: AbortSignal): Promise<ServingCluster> {
  makeDirectory(plan.dir);
  const log = logPlan(plan.dir, "supervisor", plan.logs);
  const logPath = log.file;
  const rawLog = openRawLog(log);
  const child = spawn(process.execPath, [process.argv[1] as string, "supervise"], {
    // A session of its own, so that closing the terminal does not end it; and no directory of ours kept busy.
    detached: true,
    cwd: "/",
    stdio: ["ignore", rawLog, rawLog, "ipc"],
  });
  closeSync(rawLog);
  try {
    child.send({ start: plan }, () => {});
    const report = await firstReport(child, logPath, plan.timeoutMs + SLACK_MS, signal);
    if ("ready" in report) return report.ready as unknown as ServingCluster;
    if (!("failed" in report))
      throw new DidafsError("ERR_PROTOCOL", "the supervisor said what it should not");
    const { code, message } = report.failed;
    throw new DidafsError(isErrorCode(code) ? code : "ERR_START_FAILED", message);
  } finally {
    if (child.connected) child.disconnect();
    child.unref();
  }
}

async function firstReport(
  child: ChildProcess,
  logPath: string,
  milliseconds: number,
  signal: AbortSignal,
): Promise<ServiceReport> {
  const outcome = Promise.withResolvers<ServiceReport>();
  const giveUp = (error: DidafsError): void => {
    child.kill("SIGTERM");
    outcome.reject(error);
  };
  const interrupted = (): void => giveUp(new DidafsError("ERR_ABORTED", "interrupted"));
  const timer = setTimeout(
    () => giveUp(new DidafsError("ERR_TIMEOUT", `the supervisor did not answer; see ${logPath}`)),
    milliseconds,
  );
  child.once("message", (report) => outcome.resolve(report as ServiceReport));
  child.once("error", (error) =>
    giveUp(new DidafsError("ERR_START_FAILED", error.message, { cause: error })),
  );
  child.once("exit", (code, by) => {
    giveUp(
      new DidafsError(
        "ERR_START_FAILED",
        `the supervisor ended (${by ?? `exit code ${code}`}); see ${logPath}`,
      ),
    );
  });
  signal.addEventListener("abort", interrupted);
  try {
    signal.throwIfAborted();
    return await outcome.promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", interrupted);
  }
}
