/** What waiting costs: a process that waits for words for two seconds, and one that does nothing, by hand. Prints both. */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "../../src/index.ts";
import { startProcessCluster } from "../support/process-cluster.ts";

const WAIT_MS = 2000;
const WAITS = 32;
/** In ms. */
const TICK = 10;

await using running = await startProcessCluster();

/** What a process has had of the processor so far, in ms. Source: proc(5), /proc/pid/stat. */
function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK;
}

for (const transport of ["direct", "tcp"] as const) {
  for (const sharing of ["raw", "managed"] as const) {
    await using client = await connect(running.url, { transport });
    await using file = await client.open(`/${transport}-${sharing}`, { create: true, size: 4096 });
    await using window = await file.window({ rights: "rw", sharing });
    for (const waits of [0, WAITS]) {
      const target = running.pidOf("target");
      const controller = new AbortController();
      const { signal } = controller;
      const waiting = Array.from({ length: waits }, (_, i) =>
        window.waitUntil(8 * i, Boolean, "i64", { signal }),
      );
      const ended = Promise.allSettled(waiting);
      // Whoever has just been at work looks for more for a moment.
      await pause(500);
      const [before, targetBefore] = [process.cpuUsage(), processorMs(target)];
      await pause(WAIT_MS);
      const used = process.cpuUsage(before);
      const ownMs = (used.user + used.system) / 1000;
      const said = `${ownMs.toFixed(1)} ms here, ${processorMs(target) - targetBefore} ms at the target`;
      console.log(`${transport} ${sharing}, ${waits} waits for ${WAIT_MS} ms: ${said}`);
      controller.abort();
      await ended;
    }
  }
}
