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

/** Seconds, with a fraction if wanted. @returns milliseconds */
export function seconds(text: string): number {
  const value = /^\d{1,7}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0) return Math.ceil(value * 1000);
  throw new InvalidArgumentError("It must be a number of seconds above 0.");
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
