import { fork } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { type RunningService, ServiceReports, type ServiceStart } from "./service.ts";
import type { ServiceReport } from "./service-host.ts";

/** Starts a service as a process of its own; when this process ends, however it does, the service ends too. */
export function launchProcess(start: ServiceStart): RunningService {
  const log = openSync(start.logFile, "a", 0o600);
  const child = fork(start.entry, [], {
    // A group of its own: Ctrl-C in a terminal must reach only the supervisor, which takes the services down in order.
    detached: true,
    execArgv: [],
    stdio: ["ignore", log, log, "ipc"],
  });
  closeSync(log);
  const reports = new ServiceReports(start.name);
  child.on("message", (report) => reports.take(report as ServiceReport));
  child.on("error", (error) => {
    // Also raised for a message that could not be delivered; then the exit that follows tells more.
    if (child.pid === undefined) reports.end(error.message, error);
  });
  child.on("exit", (code, signal) => reports.end(signal ?? `exit code ${code}`));
  if (child.connected) child.send({ start: start.options }, () => {});
  return {
    pid: child.pid ?? 0,
    ready: reports.ready,
    ended: reports.ended,
    stop: () => child.kill("SIGTERM"),
    kill: () => child.kill("SIGKILL"),
  };
}
