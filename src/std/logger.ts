import { isDidafsError } from "./errors.ts";

/** From the least to the most urgent. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a line says besides its message; must survive JSON. The line's own names are taken. */
export type LogFields = Readonly<Record<string, unknown>> & {
  readonly [Own in "time" | "level" | "service" | "pid" | "msg"]?: never;
};

/** Where a service says what its operator should know. Never throws and never waits. */
export type Logger = Readonly<Record<LogLevel, (message: string, fields?: LogFields) => void>>;

/** A logger that gives every line of `lowest` level and above to `write`. */
export function createLogger(
  write: (level: LogLevel, message: string, fields: LogFields) => void,
  lowest: LogLevel = "debug",
): Logger {
  const from = LOG_LEVELS.indexOf(lowest);
  const levels = LOG_LEVELS.map((level, at) => [
    level,
    at < from ? () => {} : (message: string, fields: LogFields = {}) => write(level, message, fields),
  ]);
  return Object.fromEntries(levels) as Logger;
}

/** What there is to say about `error`; the stack only where nobody raised it on purpose. */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: String(error) };
  const { message, cause } = error;
  const because = cause instanceof Error ? { cause: cause.message } : {};
  if (!isDidafsError(error)) {
    const { code, errno } = error as NodeJS.ErrnoException;
    return { error: message, code, errno, ...because, stack: error.stack };
  }
  const { code, errno, path, target } = error;
  return { error: message, code, errno, path, target, ...because };
}
