import type { ErrorCode } from "../../../src/std/errors.ts";
import type { Dice } from "../dice.ts";

/** Something that reads bytes or text which somebody else wrote. */
export interface Decoder {
  readonly name: string;
  /** What of src/ it runs, by the names that are exported there. */
  readonly covers: readonly string[];
  /** Errors that it may raise; any other is a fault. */
  readonly codes: readonly ErrorCode[];
  /** Makes an input, right or wrong, and reads it. Raises also where what was read cannot be meant. */
  attempt(dice: Dice): unknown;
}

const EDGES = [
  0n,
  1n,
  8n,
  9n,
  2n ** 20n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 64n - 1n,
];

/** `valid` as it is, changed, cut, longer, or something else altogether. */
export function mutated(valid: Uint8Array, dice: Dice): Buffer {
  const bytes = Buffer.from(valid);
  if (dice.percent(10)) return bytes;
  if (dice.percent(10)) return anyBytes(dice, 300);
  if (dice.percent(20)) return bytes.subarray(0, dice.between(0, bytes.length));
  if (dice.percent(10)) return Buffer.concat([bytes, anyBytes(dice, 64)]);
  for (let changes = dice.between(1, 3); changes > 0 && bytes.length > 0; changes -= 1) {
    const at = dice.between(0, bytes.length - 1);
    if (bytes.length >= 8 && dice.percent(40)) {
      bytes.writeBigUInt64LE(dice.pick(EDGES), Math.min(at - (at % 8), bytes.length - 8));
    } else if (bytes.length >= 4 && dice.percent(40)) {
      bytes.writeUInt32LE(Number(dice.pick(EDGES) & 0xffff_ffffn), Math.min(at - (at % 4), bytes.length - 4));
    } else bytes[at] = (bytes[at] as number) ^ (1 << dice.between(0, 7));
  }
  return bytes;
}

export function anyBytes(dice: Dice, most: number): Buffer {
  const bytes = Buffer.alloc(dice.between(0, most));
  dice.fill(bytes);
  return bytes;
}

/** Text that is nearly what a path, a name or a number is. */
export function anyText(dice: Dice, most = 12): string {
  const pieces = [
    "/",
    "a",
    ".",
    "..",
    "\0",
    ":",
    "é",
    "\ud800",
    "\udc80",
    "\udcff",
    "x".repeat(256),
    "%",
    "0",
    "\n",
  ];
  const parts = Array.from({ length: dice.between(0, most) }, () => dice.pick(pieces));
  return dice.percent(20) ? anyBytes(dice, 40).toString("utf16le") : parts.join("");
}

/** A JSON text, mostly damaged. */
export function mutatedJson(value: unknown, dice: Dice): string {
  if (dice.percent(40)) return JSON.stringify(value);
  return mutated(Buffer.from(JSON.stringify(value)), dice).toString("utf8");
}
