import { createWriteStream } from "node:fs";
import { Worker } from "node:worker_threads";
import { openRawLog } from "./logs.ts";
import { type RunningService, ServiceReports, type ServiceStart, startOrder } from "./service.ts";
import type { ServiceReport } from "./service-messages.ts";

/** Starts a service as a thread of this process. */
export function launchWorker(start: ServiceStart): RunningService {
  const worker = new Worker(start.entry, { name: start.name, execArgv: [], stdout: true, stderr: true });
  const rawLog = createWriteStream("", { fd: openRawLog(start.log) });
  // What cannot be written (a full drive) must not take the program down.
  rawLog.on("error", () => {});
  worker.stdout.pipe(rawLog, { end: false });
  worker.stderr.pipe(rawLog, { end: false });
  const reports = new ServiceReports(start.name);
  let failure: Error | undefined;
  worker.on("message", (report: ServiceReport) => reports.take(report));
  worker.on("error", (error: Error) => {
    failure = error;
    rawLog.write(`${error.stack ?? error}\n`);
  });
  worker.on("exit", (code) => {
    rawLog.end();
    reports.end(failure === undefined ? `exit code ${code}` : failure.message, failure);
  });
  worker.postMessage(startOrder(start));
  return {
    pid: process.pid,
    ready: reports.ready,
    ended: reports.ended,
    metrics: (limitMs) => reports.metrics((order) => worker.postMessage(order), limitMs),
    stop: () => worker.postMessage({ stop: true }),
    kill: () => void worker.terminate(),
  };
}
