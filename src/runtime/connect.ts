import { Worker } from "node:worker_threads";
import type { FromAgent, ToAgent } from "../client/agent-messages.ts";
import type { Cluster, ConnectOptions } from "../client/api.ts";
import { callLimits, DEFAULT_TIMEOUT_MS } from "../client/call-limits.ts";
import { ClusterClient } from "../client/cluster.ts";
import { Origin } from "../client/origin.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import { systemClock, systemIdler } from "../system/clock.ts";
import { close as closeDescriptor } from "../system/libc.ts";
import { createMailboxPair, openMailbox } from "../system/mailbox.ts";
import { systemMemory } from "../system/memory.ts";
import { systemNetwork } from "../system/network.ts";
import { createWaker } from "../system/poller.ts";
import { systemTurns } from "../system/turns.ts";
import type { AgentThreadData } from "./agent-thread.ts";
import { threadEntry } from "./entry.ts";
import { findKey } from "./key.ts";
import { defaultUrl, parseClusterUrl } from "./paths.ts";

/**
 * Connects to the cluster whose metadata service is at `url`; default $DIDAFS_URL, then didafs://127.0.0.1:7420.
 * @throws ERR_UNREACHABLE (no cluster there), ERR_NO_KEY, ERR_AUTH (another cluster's key), ERR_TIMEOUT
 */
export async function connect(
  url: string | URL = defaultUrl(),
  options: ConnectOptions = {},
): Promise<Cluster> {
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
): Promise<Cluster> {
  const { transport = "auto", timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  if (!["auto", "direct", "tcp"].includes(transport)) {
    throw new DidafsError("ERR_INVALID_ARGUMENT", `transport is auto, direct or tcp, not ${transport}`);
  }
  const limits = callLimits(options, timeoutMs);
  const agent = await startAgent({ metaAddress: parseClusterUrl(url), key });
  try {
    const { id } = await agent.origin.link.call("connect", null, limits);
    const stop = async (): Promise<void> => {
      await agent.stop();
      await stopServices();
    };
    return new ClusterClient({ id, url, origin: agent.origin, transport, timeoutMs, stop });
  } catch (error) {
    await agent.stop();
    if (!isDidafsError(error, "ERR_UNREACHABLE")) throw error;
    throw new DidafsError("ERR_UNREACHABLE", `no cluster answers at ${url}; start one with: didafs up`, {
      cause: error,
    });
  }
}

interface RunningAgent {
  readonly origin: Origin;
  stop(): Promise<void>;
}

async function startAgent(agent: AgentThreadData["agent"]): Promise<RunningAgent> {
  const [here, there] = createMailboxPair();
  const data: AgentThreadData = { mailbox: there, agent };
  const worker = new Worker(threadEntry("agent-thread"), {
    name: "didafs agent",
    workerData: data,
    transferList: [there.port],
    execArgv: [],
  });
  const ended = new Promise<Error | undefined>((resolve) => {
    worker.once("error", resolve);
    worker.once("exit", () => resolve(undefined));
  });
  const wakeDescriptor = await new Promise<number>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  const waker = createWaker(wakeDescriptor);
  const mailbox = openMailbox<ToAgent, FromAgent>(here, waker);
  const origin = new Origin({
    mailbox,
    network: systemNetwork,
    memory: systemMemory,
    clock: systemClock,
    idler: systemIdler,
    turns: systemTurns,
    closeDescriptor,
    keepAlive: (wanted) => (wanted ? mailbox.ref() : mailbox.unref()),
  });
  mailbox.listen((message) => origin.link.take(message));
  // Nothing is awaited yet: a program that ends now may end.
  worker.unref();
  mailbox.unref();
  void ended.then((cause) => {
    origin.close();
    origin.link.fail(
      new DidafsError("ERR_CLOSED", "the agent thread has ended", { cause, applied: "unknown" }),
    );
    mailbox.close();
    waker.close();
  });
  const stop = async (): Promise<void> => {
    mailbox.post({ kind: "stop" });
    worker.ref();
    await ended;
  };
  return { origin, stop };
}
