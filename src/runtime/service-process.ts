import { fork } from "node:child_process";
import { closeSync } from "node:fs";
import { openRawLog } from "./logs.ts";
import { type RunningService, ServiceReports, type ServiceStart, startOrder } from "./service.ts";
import type { ServiceReport } from "./service-messages.ts";

/** Starts a service as a process of its own; when this process ends, however it does, the service ends too. */
export function launchProcess(start: ServiceStart): RunningService {
  const rawLog = openRawLog(start.log);
  const child = fork(start.entry, [], {
    // A group of its own: Ctrl-C in a terminal must reach only the supervisor, which takes the services down in order.
    detached: true,
    execArgv: [],
    stdio: ["ignore", rawLog, rawLog, "ipc"],
  });
  closeSync(rawLog);
  const reports = new ServiceReports(start.name);
  child.on("message", (report) => reports.take(report as ServiceReport));
  child.on("error", (error) => {
    // Also raised for a message that could not be delivered; then the exit that follows tells more.
    if (child.pid === undefined) reports.end(error.message, error);
  });
  child.on("exit", (code, signal) => reports.end(signal ?? `exit code ${code}`));
  if (child.connected) child.send(startOrder(start), () => {});
  return {
    pid: child.pid ?? 0,
    ready: reports.ready,
    ended: reports.ended,
    metrics: (limitMs) => reports.metrics((order) => child.connected && child.send(order, () => {}), limitMs),
    // Not by a signal: a service manager may have sent one to every process already, and a second one ends at once.
    stop: () => void (child.connected ? child.send({ stop: true }, () => {}) : child.kill("SIGTERM")),
    kill: () => child.kill("SIGKILL"),
  };
}
