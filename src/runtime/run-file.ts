import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as v from "valibot";
import { isDidafsError } from "../std/errors.ts";
import { storedByAnother } from "../std/versions.ts";
import { fromNodeError } from "../system/errno.ts";

const FORMAT = 1;

/** What a supervisor says about itself in its data directory, for `didafs down` and for messages. */
const RunRecord = v.object({
  format: v.literal(FORMAT),
  pid: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** When that process started, in clock ticks since boot: a pid that was given to another process does not match. */
  startTicks: v.string(),
  /** Process: `didafs up`; thread: a program that called `embedded`. */
  spawn: v.picklist(["process", "thread"]),
  url: v.optional(v.string()),
  metricsUrl: v.optional(v.string()),
});

export type RunRecord = v.InferOutput<typeof RunRecord>;

const fileOf = (dir: string): string => path.join(dir, "run.json");

/**
 * Says that this process serves `dir`. Only the holder of the directory's lock calls it.
 * @returns false where the drive has no room for that; there is no record then
 */
export function writeRunRecord(
  dir: string,
  spawn: RunRecord["spawn"],
  urls: Pick<RunRecord, "url" | "metricsUrl"> = {},
): boolean {
  const record: RunRecord = {
    format: FORMAT,
    pid: process.pid,
    startTicks: startTicks(process.pid) ?? "",
    spawn,
  };
  const draft = `${fileOf(dir)}.new`;
  try {
    writeFileSync(draft, `${JSON.stringify({ ...record, ...urls })}\n`, { mode: 0o600 });
    renameSync(draft, fileOf(dir));
    return true;
  } catch (error) {
    rmSync(draft, { force: true });
    if (!isDidafsError(fromNodeError(`write ${fileOf(dir)}`, error), "ERR_NO_SPACE")) throw error;
    return false;
  }
}

/** @returns whether there was one */
export function removeRunRecord(dir: string): boolean {
  try {
    rmSync(fileOf(dir));
    return true;
  } catch {
    return false;
  }
}

/** The record of the process that serves `dir`; undefined when there is none or it speaks of a process that is gone. */
export function readRunRecord(dir: string): RunRecord | undefined {
  const parsed = v.safeParse(RunRecord, readJson(dir));
  return parsed.success && isAlive(parsed.output) ? parsed.output : undefined;
}

/** @throws ERR_VERSION when another version of DiDAFS wrote the record of `dir` */
export function checkRunFormat(dir: string): void {
  const { format } = (readJson(dir) ?? {}) as { format?: unknown };
  if (typeof format === "number" && format !== FORMAT) {
    throw storedByAnother(`${fileOf(dir)} has format`, format, FORMAT);
  }
}

function readJson(dir: string): unknown {
  try {
    return JSON.parse(readFileSync(fileOf(dir), "utf8"));
  } catch {
    return undefined;
  }
}

export function isAlive(record: Pick<RunRecord, "pid" | "startTicks">): boolean {
  return startTicks(record.pid) === record.startTicks;
}

/** When a process started, in clock ticks since boot; undefined where there is none of that number. */
export function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name in parentheses may hold anything; the fields behind it start with the state, which is the third.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
