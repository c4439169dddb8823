import { InvalidArgumentError } from "commander";
import { parseByteCount } from "../std/byte-count.ts";

/** Parsers of option values; what they throw becomes a usage error that names the option. */

/** A whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** A port, 0 for any free one, or `off`. */
export function portOrOff(text: string): number | "off" {
  return text === "off" ? text : wholeNumber(0, 65535)(text);
}

/** Seconds, with a fraction if wanted. @returns milliseconds */
export function seconds(text: string): number {
  const value = /^\d{1,7}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0) return Math.ceil(value * 1000);
  throw new InvalidArgumentError("It must be a number of seconds above 0, of at most 7 digits.");
}

/** Bytes from `min` to `max`, written as `65536`, `64K` or `64KiB`. */
export function byteCount(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = parseByteCount(text);
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a number of bytes from ${min} to ${max}, for example 8M.`);
  };
}

/** A power of two of at least 4096 bytes, written as `65536`, `64K` or `64KiB`. */
export function stripeUnit(text: string): number {
  const value = parseByteCount(text);
  if (value >= 4096 && value <= 2 ** 40 && Number.isInteger(Math.log2(value))) return value;
  throw new InvalidArgumentError("It must be a power of two of at least 4096 bytes, for example 64K or 1M.");
}

/** Any count of bytes, written as `65536`, `64K` or `64KiB`. */
export const anyByteCount: (text: string) => number = byteCount(0, Number.MAX_SAFE_INTEGER);

/** What a size becomes, of the present one. */
export type SizeChange = (size: number) => number;

/** A size (`1M`), or by how much a file grows (`+1M`) or shrinks (`-1M`, to nothing at most). */
export function sizeChange(text: string): SizeChange {
  const sign = /^[-+]/.exec(text)?.[0];
  const bytes = parseByteCount(text.slice(sign?.length ?? 0));
  if (!Number.isSafeInteger(bytes)) {
    throw new InvalidArgumentError("It must be a size (1M), or by how much more (+1M) or less (-1M).");
  }
  if (sign === undefined) return () => bytes;
  return sign === "+" ? (size) => size + bytes : (size) => Math.max(size - bytes, 0);
}

/** A time: `2026-01-31`, `2026-01-31 23:59:59`, with `Z` or `+01:00` if wanted, or `@` and seconds. @returns ms since 1970 */
export function date(text: string): number {
  const value = /^@-?\d{1,12}(\.\d+)?$/.test(text) ? Number(text.slice(1)) * 1000 : parseDate(text);
  if (Number.isFinite(value)) return value;
  throw new InvalidArgumentError(
    "It must be a time, for example 2026-01-31, 2026-01-31T23:59:59Z or @1700000000.",
  );
}

/** A date alone is local midnight, as for date(1), not that of UTC. */
function parseDate(text: string): number {
  const match = /^(\d{4})-(\d{2})-(\d{2})/.exec(text);
  if (match === null) return Number.NaN;
  const [year = 0, month = 0, day = 0] = match.slice(1).map(Number);
  // Date.parse() takes the 31st of a month without one for the 1st of the next.
  if (new Date(Date.UTC(year, month - 1, day)).getUTCDate() !== day) return Number.NaN;
  return Date.parse(text.length === 10 ? `${text}T00:00:00` : text);
}

/** A time as touch(1) has it: [[CC]YY]MMDDhhmm[.ss], local. @returns ms since 1970 */
export function stamp(text: string): number {
  const match = /^(\d{2}|\d{4})?(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{2}))?$/.exec(text);
  if (match !== null) {
    const [year, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
      .slice(1)
      .map((part) => (part === undefined ? undefined : Number(part)));
    const found = new Date(fullYear(year), month - 1, day, hour, minute, second);
    // The 31st of a month without one would be the 1st of the next.
    if (found.getMonth() === month - 1 && found.getDate() === day && hour < 24 && minute < 60)
      return found.getTime();
  }
  throw new InvalidArgumentError("It must be [[CC]YY]MMDDhhmm[.ss], for example 202601312359.");
}

/** POSIX: 69 to 99 are of the 20th century. */
function fullYear(year: number | undefined): number {
  if (year === undefined) return new Date().getFullYear();
  if (year >= 100) return year;
  return year >= 69 ? 1900 + year : 2000 + year;
}
