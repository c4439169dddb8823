import { readFileSync, writeFileSync } from "node:fs";
import * as v from "valibot";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const InputFile = v.object({
  /** Where it goes in the cluster. */
  path: v.string(),
  /** Where it comes from on this machine, absolute. */
  source: v.string(),
  size: count,
});

const IngestedFile = v.object({
  ...InputFile.entries,
  /** Of the source's bytes, computed while they were taken in. */
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});

export type InputFile = v.InferOutput<typeof InputFile>;
export type IngestedFile = v.InferOutput<typeof IngestedFile>;

export function readInputList(file: string): InputFile[] {
  return v.parse(v.array(InputFile), JSON.parse(readFileSync(file, "utf8")));
}

/** What the cluster must give back, kept outside of it. */
export function readManifest(file: string): IngestedFile[] {
  return v.parse(v.array(IngestedFile), JSON.parse(readFileSync(file, "utf8")));
}

export function writeList(file: string, list: readonly InputFile[]): void {
  writeFileSync(file, JSON.stringify(list));
}

/** From this size on a file is striped over all targets; rates are given for both kinds, which differ in what they cost. */
export const LARGE_BYTES_MIN = 4 * 2 ** 20;

/** Small files first, so that every process that goes through the list meets them in one order and one phase. */
export function phases<T extends InputFile>(files: readonly T[]): { small: T[]; large: T[] } {
  return {
    small: files.filter(({ size }) => size < LARGE_BYTES_MIN),
    large: files.filter(({ size }) => size >= LARGE_BYTES_MIN),
  };
}

export function totalBytes(files: readonly { readonly size: number }[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
