import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import type { ClusterStatus } from "../../client/api.ts";
import { defaultUrl, parseClusterUrl } from "../../runtime/paths.ts";
import { DidafsError } from "../../std/errors.ts";
import { type Context, withCluster } from "../context.ts";
import { failureOf } from "../failure.ts";
import { type Finding, finding, type Probe } from "./finding.ts";
import { findListener, isListening, type Listener } from "./listener.ts";

const ANSWER_MS = 5_000;

/** The port of the cluster, and who is behind it. */
export function clusterProbe(context: Context): Probe {
  return { check: "cluster", look: () => look(context), withinMs: ANSWER_MS + 5_000 };
}

async function look(context: Context): Promise<Finding[]> {
  const url = context.global.url ?? defaultUrl();
  const { host, port } = parseClusterUrl(url);
  const start = "start one with `didafs up`, or name another with --url or DIDAFS_URL";
  if (!(await isListening(host, port))) {
    return [
      finding("port", "ok", `nobody listens on ${host} port ${port}`),
      finding("cluster", "note", `no cluster answers at ${url}`, start),
    ];
  }
  const listener = isLocal(host) ? await findListener(port) : undefined;
  const who = listener === undefined ? "something" : told(listener);
  try {
    const within = {
      ...context,
      global: { ...context.global, url, timeout: context.global.timeout ?? ANSWER_MS },
    };
    const status = await withCluster(within, (cluster, call) => cluster.status(call));
    return [
      finding("port", "ok", `${who} serves ${host} port ${port}`),
      ...answered(url, status, context.version),
    ];
  } catch (error) {
    return [finding("port", "ok", `${who} listens on ${host} port ${port}`), failed(url, who, error)];
  }
}

function told({ pid, command }: Listener): string {
  return `process ${pid} (${command.length > 60 ? `${command.slice(0, 60)}…` : command})`;
}

function failed(url: string, who: string, error: unknown): Finding {
  const { code, message, next } = failureOf(error);
  if (error instanceof DidafsError && code === "ERR_NO_KEY") {
    return finding("cluster", "note", `not asked at ${url}: ${message}`, next);
  }
  if (code === "ERR_AUTH") return finding("cluster", "problem", `${url}: ${message}`, next);
  const wayOut = "choose another port with `didafs up --port`, or name the cluster with --url or DIDAFS_URL";
  return finding("cluster", "problem", `${who} does not answer as a cluster at ${url}: ${message}`, wayOut);
}

function answered(url: string, { id, version: theirs, targets }: ClusterStatus, ours: string): Finding[] {
  const down = targets.filter(({ state }) => state !== "up");
  const message = `cluster ${id} answers at ${url}: ${targets.length - down.length} of ${targets.length} targets up`;
  const cluster =
    down.length === 0
      ? finding("cluster", "ok", message)
      : finding(
          "cluster",
          "problem",
          message,
          `see the logs of ${down.map(({ name }) => name).join(", ")} in the data directory`,
        );
  if (theirs === ours) return [cluster];
  const wayOut = "use the same version on both sides";
  return [cluster, finding("version", "warning", `the cluster is didafs ${theirs}, this is ${ours}`, wayOut)];
}

function isLocal(host: string): boolean {
  if (isIP(host) === 0) return host === "localhost";
  if (/^(127\.|::1$)/.test(host)) return true;
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === host),
  );
}
