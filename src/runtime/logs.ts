import { appendFileSync, renameSync, statSync } from "node:fs";
import path from "node:path";
import { makeDirectory } from "../system/directory.ts";

const LOG_BYTES_MAX = 8 * 2 ** 20;

/** The file that a part of a cluster logs to. One that has grown large is put aside, so that logs stay bounded. */
export function logFile(dir: string, name: string): string {
  const folder = path.join(dir, "logs");
  makeDirectory(folder);
  const file = path.join(folder, `${name}.log`);
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes > LOG_BYTES_MAX) renameSync(file, `${file}.old`);
  return file;
}

/** Appends lines with their time. Never throws: a full drive must not take a supervisor down. */
export function lineLog(file: string): (line: string) => void {
  return (line) => {
    try {
      appendFileSync(file, `${new Date().toISOString()} ${line}\n`, { mode: 0o600 });
    } catch {
      // Nowhere left to say it.
    }
  };
}
