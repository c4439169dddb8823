import path from "node:path";
import type { IngestedFile } from "../manifest.ts";

const TEXT_BYTES_MAX = 32 * 2 ** 20;
const PIECE_BYTES = 256 * 1024;
/** In this order, as far as there is room: prose and documents, tables and markup, program text. */
const KINDS = [
  [".md", ".txt", ".json"],
  [".csv", ".html", ".tsv", ".xml", ".yaml", ".yml"],
  [".c", ".cjs", ".css", ".cts", ".h", ".js", ".mjs", ".mts", ".py", ".ts"],
];

/** A run of a text's bytes; words belong to the piece that they begin in. */
export interface Piece {
  readonly text: number;
  readonly begin: number;
  readonly end: number;
}

/** The texts to count: real ones of what was taken in, as many as a short run can count. */
export function chooseTexts(files: readonly IngestedFile[]): IngestedFile[] {
  const chosen: IngestedFile[] = [];
  let left = TEXT_BYTES_MAX;
  for (const kind of KINDS) {
    for (const file of files) {
      if (!kind.includes(path.extname(file.path).toLowerCase())) continue;
      if (file.size === 0 || file.size > left) continue;
      left -= file.size;
      chosen.push(file);
    }
  }
  return chosen;
}

/** The pieces of the texts, in order. */
export function cutPieces(texts: readonly { readonly size: number }[]): Piece[] {
  return texts.flatMap(({ size }, text) =>
    Array.from({ length: Math.ceil(size / PIECE_BYTES) }, (_, index) => ({
      text,
      begin: index * PIECE_BYTES,
      end: Math.min((index + 1) * PIECE_BYTES, size),
    })),
  );
}

/** Slots for the different words of so many bytes: text has far fewer, and a table that fills up says so. */
export function slotsFor(bytes: number): number {
  return 2 ** Math.max(12, Math.ceil(Math.log2(bytes / 8)));
}
