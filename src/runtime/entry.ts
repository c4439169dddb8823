import path from "node:path";

/** A thread's entry file in this folder, with this file's extension: sources end in .ts, the published package in .js. */
export function threadEntry(name: string): URL {
  return new URL(`./${name}${path.extname(import.meta.filename)}`, import.meta.url);
}
