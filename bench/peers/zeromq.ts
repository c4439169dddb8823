import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Absent } from "../harness/absent.ts";
import type { Parameters } from "../harness/case.ts";
import { findProgram } from "../harness/installed.ts";
import { openModule } from "../harness/module-case.ts";
import type { CaseSpec } from "../harness/row.ts";

/** A case of ZeroMQ's own library for Node: the module, with the library's URL as `where` among its parameters. */
export function openZeromqModule(module: string, parameters: Parameters): CaseSpec["open"] {
  return async (context, row, spec) => {
    const where = zeromqModule();
    return typeof where === "string"
      ? openModule(module, { ...parameters, where })(context, row, spec)
      : where;
  };
}

/**
 * It is nobody's dependency, so it is looked for: in the folder that the bench was started in and those above it, in
 * those that NODE_PATH names, and where npm installs for everybody.
 */
function zeromqModule(): string | Absent {
  for (const folder of [process.cwd(), ...globalFolders()]) {
    try {
      return pathToFileURL(createRequire(path.join(folder, "-")).resolve("zeromq")).href;
    } catch {
      // Not there.
    }
  }
  return { absent: "ZeroMQ's library for Node (zeromq) is not installed" };
}

/** The folder above the `node_modules` that npm itself lies in. */
function globalFolders(): string[] {
  const npm = findProgram("npm");
  if (npm === undefined) return [];
  const real = realpathSync(npm);
  const at = real.lastIndexOf(`${path.sep}node_modules${path.sep}`);
  return at < 0 ? [] : [real.slice(0, at)];
}
