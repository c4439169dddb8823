import path from "node:path";

/** URL of a module of bench/cases, with this file's extension: sources end in .ts, a compiled package in .js. */
export function caseModule(name: string): string {
  return new URL(`../cases/${name}${path.extname(import.meta.filename)}`, import.meta.url).href;
}
