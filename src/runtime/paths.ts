import { homedir } from "node:os";
import path from "node:path";
import { DidafsError } from "../std/errors.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Port of the metadata service where none is named. */
export const DEFAULT_PORT = 7420;

/** A base directory of the XDG specification, which says that a relative path in the variable is to be ignored. */
function baseDirectory(variable: string, fallback: string, env: Environment): string {
  const named = env[variable];
  return named !== undefined && path.isAbsolute(named) ? named : path.join(env.HOME || homedir(), fallback);
}

/** Where `didafs up` keeps a cluster's data unless told otherwise. */
export function defaultDataDirectory(env: Environment = process.env): string {
  return path.resolve(
    env.DIDAFS_DATA || path.join(baseDirectory("XDG_DATA_HOME", ".local/share", env), "didafs"),
  );
}

/** The key file that every command of this user finds. */
export function userKeyFile(env: Environment = process.env): string {
  return path.join(baseDirectory("XDG_CONFIG_HOME", ".config", env), "didafs", "key");
}

/** The cluster that a program means when it names none. */
export function defaultUrl(env: Environment = process.env): string {
  return env.DIDAFS_URL || clusterUrl("127.0.0.1", DEFAULT_PORT);
}

/** The URL of a metadata service; an IPv6 address gets its brackets. */
export function clusterUrl(host: string, port: number): string {
  return `didafs://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The TCP address in a URL of the form didafs://HOST[:PORT]. @throws ERR_INVALID_ARGUMENT */
export function parseClusterUrl(url: string): { kind: "tcp"; host: string; port: number } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== "didafs:" || parsed.hostname === "" || !["", "/"].includes(parsed.pathname)) {
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      `${url} is no cluster's URL; it looks like didafs://127.0.0.1:7420`,
    );
  }
  const host = parsed.hostname.replace(/^\[(.*)\]$/, "$1");
  return { kind: "tcp", host, port: parsed.port === "" ? DEFAULT_PORT : Number(parsed.port) };
}
