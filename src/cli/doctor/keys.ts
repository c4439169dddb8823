import { stat } from "node:fs/promises";
import path from "node:path";
import { defaultDataDirectory, userKeyFile } from "../../runtime/paths.ts";
import type { GlobalOptions } from "../context.ts";
import { failureOf } from "../failure.ts";
import { type Finding, finding, type Probe } from "./finding.ts";

/** The cluster's key, and the key that only its services have. */
export function keyProbes({ keyFile }: GlobalOptions, data: string | undefined): readonly Probe[] {
  const dir = data === undefined ? defaultDataDirectory() : path.resolve(data);
  return [
    { check: "key", look: () => clusterKey(keyFile) },
    { check: "service key", look: () => serviceKey(path.join(dir, "service-key")) },
  ];
}

async function clusterKey(keyFile: string | undefined): Promise<Finding[]> {
  const named = keyFile ?? (process.env.DIDAFS_KEY_FILE || undefined);
  const file = named ?? userKeyFile();
  if (named === undefined && (await modeOf(file)) === undefined) {
    return [
      finding(
        "key",
        "note",
        `${file} does not exist yet`,
        "`didafs up` makes it, or copy the cluster owner's",
      ),
    ];
  }
  const { findKey } = await import("../../runtime/key.ts");
  try {
    findKey({ keyFile: file });
    return [finding("key", "ok", file)];
  } catch (error) {
    return [
      finding(
        "key",
        "problem",
        failureOf(error).message,
        "name the right one with --key-file or DIDAFS_KEY_FILE",
      ),
    ];
  }
}

async function serviceKey(file: string): Promise<Finding[]> {
  const mode = await modeOf(file);
  if (mode === undefined)
    return [finding("service key", "ok", `${file} does not exist yet; \`didafs up\` makes it`)];
  if ((mode & 0o077) === 0) return [finding("service key", "ok", file)];
  const message = `${file} is open to other users (mode 0${(mode & 0o777).toString(8)})`;
  return [finding("service key", "problem", message, `chmod 600 ${file}`)];
}

async function modeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mode;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
