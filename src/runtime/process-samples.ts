import { readdirSync } from "node:fs";
import { loopSteps } from "./loop.ts";
import { histogramSamples, type Sample, sample } from "./metrics.ts";

/** What there is to say about the process that a service runs in. */
export function processSamples(): Sample[] {
  const { user, system } = process.cpuUsage();
  return [
    sample("didafs_process_uptime_seconds", process.uptime()),
    sample("didafs_process_cpu_seconds_total", (user + system) / 1e6),
    sample("didafs_process_resident_memory_bytes", process.memoryUsage.rss()),
    // One of them is the reading itself.
    sample("didafs_process_open_fds", readdirSync("/proc/self/fd").length - 1),
    ...histogramSamples("didafs_loop_step_seconds", loopSteps),
  ];
}
