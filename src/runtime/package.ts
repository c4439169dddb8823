import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import path from "node:path";
import { DidafsError } from "../std/errors.ts";

/** The package's manifest: nearer to sources in a checkout than to what was compiled from them. */
const MANIFEST = findManifest();

/** The package's root. */
export const PACKAGE_DIR = path.dirname(MANIFEST);

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(MANIFEST, "utf8")) as { version: string };
  return version;
}

function findManifest(): string {
  const found = findPackageJSON("..", import.meta.url);
  if (found === undefined)
    throw new DidafsError("ERR_INTERNAL", "this copy of didafs lacks its package.json");
  return found;
}
