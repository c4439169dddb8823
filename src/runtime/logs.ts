import { closeSync, openSync, readSync, renameSync, statSync } from "node:fs";
import path from "node:path";
import { parseByteCount } from "../std/byte-count.ts";
import { DidafsError } from "../std/errors.ts";
import { createLogger, LOG_LEVELS, type LogFields, type Logger, type LogLevel } from "../std/logger.ts";
import { makeDirectory } from "../system/directory.ts";
import { LOG_BYTES_MAX, LOG_BYTES_MIN, LOG_FILES_MAX, LOG_FILES_MIN } from "./log-limits.ts";
import { RotatingFile } from "./rotating-file.ts";

const DEFAULTS: LogSettings = { level: "info", bytesMax: 8 * 2 ** 20, filesMax: 5 };

/** What is logged, and how much of it is kept. */
export interface LogSettings {
  readonly level: LogLevel;
  /** Of one file. */
  readonly bytesMax: number;
  /** Of one service, the present one included. */
  readonly filesMax: number;
}

export type LogWish = { readonly [Name in keyof LogSettings]?: LogSettings[Name] | undefined };

/** Where one service logs. */
export interface LogPlan extends LogSettings {
  readonly file: string;
}

/**
 * What is wished, else what DIDAFS_LOG_LEVEL, DIDAFS_LOG_BYTES and DIDAFS_LOG_FILES say, else the defaults.
 * @throws ERR_INVALID_ARGUMENT for a value of the environment that makes no sense
 */
export function settleLogs(wish: LogWish = {}, env = process.env): LogSettings {
  const { DIDAFS_LOG_LEVEL: level, DIDAFS_LOG_BYTES: bytes, DIDAFS_LOG_FILES: files } = env;
  return {
    level: wish.level ?? (level ? levelOf(level) : DEFAULTS.level),
    bytesMax:
      wish.bytesMax ??
      (bytes
        ? within("DIDAFS_LOG_BYTES", bytes, parseByteCount(bytes), LOG_BYTES_MIN, LOG_BYTES_MAX)
        : DEFAULTS.bytesMax),
    filesMax:
      wish.filesMax ??
      (files
        ? within("DIDAFS_LOG_FILES", files, Number(files), LOG_FILES_MIN, LOG_FILES_MAX)
        : DEFAULTS.filesMax),
  };
}

function levelOf(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level !== undefined) return level;
  throw new DidafsError("ERR_INVALID_ARGUMENT", `DIDAFS_LOG_LEVEL is one of ${LOG_LEVELS}, not ${text}`);
}

function within(variable: string, text: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new DidafsError("ERR_INVALID_ARGUMENT", `${variable} is a number from ${min} to ${max}, not ${text}`);
}

/** Where the service `name` of the cluster in `dir` logs; makes the folder. */
export function logPlan(dir: string, name: string, settings: LogSettings): LogPlan {
  const folder = path.join(dir, "logs");
  makeDirectory(folder);
  return { ...settings, file: path.join(folder, `${name}.log`) };
}

/** Logs one JSON object a line: time, level, service, pid, msg, then the line's own fields. */
export function openLog(plan: LogPlan, service: string): Logger & { close(): void } {
  const line = (level: LogLevel, msg: string, fields: LogFields): string =>
    `${jsonOf({ time: new Date().toISOString(), level, service, pid: process.pid, msg, ...fields })}\n`;
  const lostLine = (count: number): string =>
    line("error", "lines of this log were lost: they could not be written", { count });
  const file = new RotatingFile({ ...plan, lostLine });
  const logger = createLogger((level, msg, fields) => file.append(line(level, msg, fields)), plan.level);
  return { ...logger, close: () => file.close() };
}

/** A line as a person reads it: `a service ended (child=meta, how=SIGKILL)`. */
export function logText(message: string, fields: LogFields): string {
  const told = Object.entries(fields).filter(([, value]) => value !== undefined);
  const text = told.map(([name, value]) => `${name}=${String(value)}`).join(", ");
  return text === "" ? message : `${message} (${text})`;
}

/** A field that JSON cannot carry must not cost the line. */
function jsonOf(line: { readonly msg: string }): string {
  try {
    return JSON.stringify(line, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  } catch {
    return JSON.stringify({ ...Object.fromEntries(Object.entries(line).slice(0, 5)), fields: "not JSON" });
  }
}

/**
 * Opens what takes a service's raw standard streams, beside its log: nothing of ours writes there, but an uncaught error
 * does, and an engine or a native module that aborts. One that has grown large is put aside.
 */
export function openRawLog(plan: LogPlan): number {
  const file = rawLogFile(plan);
  if (rawLogBytes(plan) > plan.bytesMax) renameSync(file, `${file}.1`);
  return openSync(file, "a", 0o600);
}

export function rawLogFile({ file }: LogPlan): string {
  return file.replace(/(\.log)?$/, ".stderr");
}

export function rawLogBytes(plan: LogPlan): number {
  return statSync(rawLogFile(plan), { throwIfNoEntry: false })?.size ?? 0;
}

const TAIL_BYTES = 2048;

/** The end of what was written to a service's standard streams behind the first `fromBytes`; empty where nothing was. */
export function rawLogTail(plan: LogPlan, fromBytes: number): string {
  const endBytes = rawLogBytes(plan);
  const length = Math.min(endBytes - fromBytes, TAIL_BYTES);
  if (length <= 0) return "";
  const descriptor = openSync(rawLogFile(plan), "r");
  try {
    const tail = Buffer.alloc(length);
    const count = readSync(descriptor, tail, 0, length, endBytes - length);
    return tail.toString("utf8", 0, count).trim();
  } finally {
    closeSync(descriptor);
  }
}
