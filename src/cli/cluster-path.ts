import path from "node:path";
import { DidafsError } from "../std/errors.ts";

/** What an argument of `cp` names. */
export type Place = NamedPlace | { readonly kind: "stream" };

interface NamedPlace {
  readonly kind: "cluster" | "local";
  readonly path: string;
  /** Its last name; empty where the contents of a directory are meant (`.`, `dir/.`, `:/`). */
  readonly base: string;
  /** It was written with a slash at its end, so a directory is meant. */
  readonly slash: boolean;
}

/** `:/path` is in the cluster, `-` is standard input or output, everything else is a local path. */
export function parsePlace(text: string): Place {
  if (text === "-") return { kind: "stream" };
  if (text === "") throw new DidafsError("ERR_INVALID_ARGUMENT", "a path is not empty");
  const slash = text.endsWith("/");
  const inCluster = text.startsWith(":");
  const place = inCluster ? normalize(text.slice(1), text) : path.resolve(text);
  const base = /(^|\/)\.{1,2}\/*$/.test(text) ? "" : path.posix.basename(place);
  return { kind: inCluster ? "cluster" : "local", path: place, base, slash };
}

/** A path for the commands that act on the cluster only: there the colon may be left out. */
export function parseClusterPath(text: string): string {
  return normalize(text.startsWith(":") ? text.slice(1) : text, text);
}

/** How a cluster's path is written for people. */
export function showClusterPath(clusterPath: string): string {
  return `:${clusterPath}`;
}

function normalize(clusterPath: string, text: string): string {
  if (!clusterPath.startsWith("/")) {
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      `${JSON.stringify(text)} is no path in the cluster: those are written :/path`,
    );
  }
  if (clusterPath.includes("\0")) throw new DidafsError("ERR_INVALID_ARGUMENT", "a path holds no NUL");
  const normal = path.posix.normalize(clusterPath);
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}
