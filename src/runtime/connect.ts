import type { Cluster, ConnectOptions } from "../client/api.ts";
import { callLimits, DEFAULT_TIMEOUT_MS } from "../client/call-limits.ts";
import { ClusterClient } from "../client/cluster.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import { systemRandom } from "../system/random.ts";
import { LEASE_MS_MAX, LEASE_MS_MIN } from "../wire/leases.ts";
import { startAgent } from "./agents.ts";
import { findKey } from "./key.ts";
import { defaultUrl, parseClusterUrl } from "./paths.ts";

const DEFAULT_LEASE_MS = 10_000;

/**
 * Connects to the cluster whose metadata service is at `url`; default $DIDAFS_URL, then didafs://127.0.0.1:7420.
 * @throws ERR_UNREACHABLE (no cluster there), ERR_NO_KEY, ERR_AUTH (another cluster's key), ERR_TIMEOUT
 */
export async function connect(
  url: string | URL = defaultUrl(),
  options: ConnectOptions = {},
): Promise<Cluster> {
  return connectClient(url, options);
}

/** The same, as the class that it is. */
export async function connectClient(
  url: string | URL = defaultUrl(),
  options: ConnectOptions = {},
): Promise<ClusterClient> {
  return attach(String(url), findKey(options), options, async () => {});
}

/**
 * Starts an agent and connects through it.
 * @param stopServices what else goes when the cluster is closed
 */
export async function attach(
  url: string,
  key: Uint8Array,
  options: ConnectOptions,
  stopServices: () => Promise<void>,
): Promise<ClusterClient> {
  const { transport = "auto", timeoutMs = DEFAULT_TIMEOUT_MS, leaseMs = DEFAULT_LEASE_MS } = options;
  if (!["auto", "direct", "tcp"].includes(transport)) {
    throw new DidafsError("ERR_INVALID_ARGUMENT", `transport is auto, direct or tcp, not ${transport}`);
  }
  if (!(Number.isInteger(leaseMs) && leaseMs >= LEASE_MS_MIN && leaseMs <= LEASE_MS_MAX)) {
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      `leaseMs is a number of milliseconds from ${LEASE_MS_MIN} to ${LEASE_MS_MAX}, not ${leaseMs}`,
    );
  }
  const limits = callLimits(options, timeoutMs);
  const agent = await startAgent({ metaAddress: parseClusterUrl(url), key, leaseMs });
  try {
    const { id, originKey } = await agent.origin.link.call("connect", null, limits);
    const stop = async (): Promise<void> => {
      await agent.stop();
      await stopServices();
    };
    const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const { origin } = agent;
    return new ClusterClient({
      id,
      originKey,
      url,
      origin,
      random: systemRandom,
      transport,
      timeoutMs,
      owner,
      stop,
    });
  } catch (error) {
    await agent.stop();
    if (!isDidafsError(error, "ERR_UNREACHABLE")) throw error;
    throw new DidafsError("ERR_UNREACHABLE", `no cluster answers at ${url}; start one with: didafs up`, {
      cause: error,
    });
  }
}
