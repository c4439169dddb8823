import { existsSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  checkRunFormat,
  isAlive,
  type RunRecord,
  readRunRecord,
  removeRunRecord,
} from "../../runtime/run-file.ts";
import { DidafsError, isDidafsError } from "../../std/errors.ts";
import { lockDirectory } from "../../system/lock.ts";
import { type Context, print, printJson } from "../context.ts";
import { dataDirectory } from "../up-plan.ts";

const STOP_MS = 20_000;
const POLL_MS = 20;

export async function run(
  context: Context,
  _args: readonly string[],
  options: { data?: string },
): Promise<void> {
  const { global, signal } = context;
  const dir = dataDirectory(options);
  const endMs = performance.now() + (global.timeout ?? STOP_MS);
  const record = await holder(dir, endMs, signal);
  if (record.spawn === "thread") {
    throw new DidafsError(
      "ERR_NOT_SUPPORTED",
      `${dir} is served by the program with pid ${record.pid} itself (embedded); it ends with that program`,
    );
  }
  ask(record.pid);
  while (isAlive(record) || !isFree(dir)) {
    if (performance.now() > endMs) {
      throw new DidafsError("ERR_TIMEOUT", `the supervisor (pid ${record.pid}) of ${dir} is still stopping`);
    }
    await sleep(POLL_MS, undefined, { signal });
  }
  if (global.json) printJson({ dir, pid: record.pid, stopped: true });
  else print(`stopped the cluster on ${dir}`);
}

/** The process that serves `dir`. @throws ERR_NOT_RUNNING, ERR_VERSION; what a process that is gone left behind is cleaned up. */
async function holder(dir: string, endMs: number, signal: AbortSignal): Promise<RunRecord> {
  for (;;) {
    if (isFree(dir)) {
      const stale = removeRunRecord(dir) ? " (the record of a supervisor that died was cleaned up)" : "";
      throw new DidafsError("ERR_NOT_RUNNING", `no cluster runs on ${dir}${stale}`, { path: dir });
    }
    // Between taking the lock and writing the record there is a moment.
    const record = readRunRecord(dir);
    if (record !== undefined) return record;
    checkRunFormat(dir);
    if (performance.now() > endMs) {
      throw new DidafsError("ERR_TIMEOUT", `${dir} is in use by a process that does not say who it is`);
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

function isFree(dir: string): boolean {
  // Looking must not make a lock file in a directory that never was a cluster's.
  if (!existsSync(path.join(dir, "lock"))) return true;
  try {
    lockDirectory(dir).release();
    return true;
  } catch (error) {
    if (isDidafsError(error, "ERR_ALREADY_RUNNING")) return false;
    throw error;
  }
}

function ask(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ESRCH") return;
    if (code !== "EPERM") throw error;
    throw new DidafsError("EACCES", `the supervisor (pid ${pid}) belongs to another user`, { cause: error });
  }
}
