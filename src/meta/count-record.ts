import type { Value } from "../ports/kv.ts";
import { DidafsError } from "../std/errors.ts";

const COUNT_BYTES = 8;

/** u64, little-endian */
export function encodeCount(count: number): Value {
  const bytes = Buffer.alloc(COUNT_BYTES);
  bytes.writeBigUInt64LE(BigInt(count));
  return bytes;
}

/** @param what for the message @throws ERR_CORRUPT */
export function decodeCount(value: Value, what: string): number {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const count = bytes.byteLength === COUNT_BYTES ? Number(bytes.readBigUInt64LE()) : Number.NaN;
  if (!Number.isSafeInteger(count))
    throw new DidafsError("ERR_CORRUPT", `${what} in the metadata is damaged`);
  return count;
}
