import { createLogger, type LogFields, type Logger, type LogLevel } from "../../src/std/logger.ts";

export interface CapturedLine {
  readonly level: LogLevel;
  readonly msg: string;
  readonly fields: LogFields;
}

/** A logger whose lines a test can read. */
export class CapturedLog {
  readonly lines: CapturedLine[] = [];
  readonly logger: Logger = createLogger(
    (level, msg, fields) => void this.lines.push({ level, msg, fields }),
  );

  /** The lines that are more than news: warnings and errors. */
  get complaints(): CapturedLine[] {
    return this.lines.filter(({ level }) => level === "warn" || level === "error");
  }

  text(): string {
    return this.lines.map((line) => JSON.stringify(line)).join("\n");
  }
}
