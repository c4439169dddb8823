import type { KvReader, KvTransaction } from "../ports/kv.ts";
import { DidafsError } from "../std/errors.ts";
import { TARGETS_KEY } from "./keys.ts";

const ID_BYTES = 16;

/** New metadata: no target has registered yet. */
export function beginTargets(transaction: KvTransaction): void {
  transaction.set(TARGETS_KEY, Buffer.alloc(0));
}

/**
 * Whether no life of that target ever served in this cluster: a target is noted before it may. Of metadata that an older
 * program made it is not known, and so not said, of anybody.
 * @throws ERR_CORRUPT
 */
export function isStranger(reader: KvReader, target: string): boolean {
  return targetIds(reader)?.includes(target) === false;
}

/** @throws ERR_CORRUPT */
export function noteTarget(transaction: KvTransaction, target: string): void {
  const ids = targetIds(transaction);
  if (ids === undefined || ids.includes(target)) return;
  transaction.set(TARGETS_KEY, Buffer.from([...ids, target].join(""), "hex"));
}

/**
 * All targets that the cluster ever had, in the order of their coming; undefined where an older program made the metadata.
 * @throws ERR_CORRUPT
 */
export function targetIds(reader: KvReader): string[] | undefined {
  const value = reader.get(TARGETS_KEY);
  if (value === undefined) return undefined;
  if (value.byteLength % ID_BYTES !== 0) {
    throw new DidafsError("ERR_CORRUPT", "which targets the cluster has had is damaged in the metadata");
  }
  const hex = Buffer.from(value).toString("hex");
  return Array.from({ length: value.byteLength / ID_BYTES }, (_, i) =>
    hex.slice(2 * ID_BYTES * i, 2 * ID_BYTES * (i + 1)),
  );
}
