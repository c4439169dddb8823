import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import type { InputFile } from "./manifest.ts";

/** A directory of this machine and the folder of the cluster that takes its files. */
export interface InputRoot {
  readonly from: string;
  readonly to: string;
  /** Directories below `from` that are left out. */
  readonly except?: readonly string[];
}

export interface Input {
  readonly files: InputFile[];
  /** Not taken in: the cluster has no such files yet. */
  readonly links: number;
  readonly others: number;
}

/** All regular files below the roots, in name order. */
export function findInput(roots: readonly InputRoot[]): Input {
  const files: InputFile[] = [];
  let [links, others] = [0, 0];
  const walk = (directory: string, to: string, except: readonly string[]): void => {
    const entries = readdirSync(directory, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const source = path.join(directory, entry.name);
      const target = `${to}/${entry.name}`;
      if (entry.isSymbolicLink()) links += 1;
      else if (entry.isFile()) files.push({ path: target, source, size: statSync(source).size });
      else if (!entry.isDirectory()) others += 1;
      else if (!except.includes(source)) walk(source, target, except);
    }
  };
  for (const { from, to, except = [] } of roots) walk(from, to, except);
  return { files, links, others };
}

/** What the demo takes in: `dir`, else the project's installed packages and the data sets of vega-datasets. */
export function inputRoots(dir: string | undefined): InputRoot[] {
  // npm changes to the package's folder before it runs a script.
  if (dir !== undefined) return [{ from: path.resolve(process.env.INIT_CWD ?? "", dir), to: "/input" }];
  const modules = path.resolve(import.meta.dirname, "..", "node_modules");
  const vega = path.join(modules, "vega-datasets", "data");
  return [
    // The data sets have a root of their own; what tools keep in the cache changes while the demo runs.
    { from: modules, to: "/node_modules", except: [vega, path.join(modules, ".cache")] },
    { from: vega, to: "/vega" },
  ];
}
