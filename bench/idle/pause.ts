import { readdirSync, readFileSync } from "node:fs";
import { kill } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 5;

/** Has processes stand still while `run` is at work. A stop takes until one of a process's threads gets a processor. */
export async function whilePaused<T>(pids: readonly number[], run: () => Promise<T>): Promise<T> {
  for (const pid of pids) kill(pid, "SIGSTOP");
  try {
    while (!pids.every(standsStill)) await sleep(POLL_MS);
    return await run();
  } finally {
    for (const pid of pids) kill(pid, "SIGCONT");
  }
}

function standsStill(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) =>
    /\) T /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1")),
  );
}
