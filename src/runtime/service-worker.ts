import { createWriteStream } from "node:fs";
import { Worker } from "node:worker_threads";
import { type RunningService, ServiceReports, type ServiceStart } from "./service.ts";
import type { ServiceReport } from "./service-host.ts";

/** Starts a service as a thread of this process. */
export function launchWorker(start: ServiceStart): RunningService {
  const worker = new Worker(start.entry, { name: start.name, execArgv: [], stdout: true, stderr: true });
  const log = createWriteStream(start.logFile, { flags: "a", mode: 0o600 });
  // A log that cannot be written (a full drive) must not take the program down.
  log.on("error", () => {});
  worker.stdout.pipe(log, { end: false });
  worker.stderr.pipe(log, { end: false });
  const reports = new ServiceReports(start.name);
  let failure: Error | undefined;
  worker.on("message", (report: ServiceReport) => reports.take(report));
  worker.on("error", (error: Error) => {
    failure = error;
    log.write(`${error.stack ?? error}\n`);
  });
  worker.on("exit", (code) => {
    log.end();
    reports.end(failure === undefined ? `exit code ${code}` : failure.message, failure);
  });
  worker.postMessage({ start: start.options });
  return {
    pid: process.pid,
    ready: reports.ready,
    ended: reports.ended,
    stop: () => worker.postMessage({ stop: true }),
    kill: () => void worker.terminate(),
  };
}
