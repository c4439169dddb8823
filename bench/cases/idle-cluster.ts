/** What a cluster uses of the processor while nobody asks it for anything: its services, its supervisor, its clients. */
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../src/runtime/connect.ts";
import { hashOf } from "../blocks/pattern.ts";
import { type Case, type OpenCase, WARM_UP_SEED } from "../harness/case.ts";
import { HelperProcess } from "../harness/helper-process.ts";
import type { Round, Timed } from "../harness/messages.ts";
import { childrenOf, type OwnCluster, startOwnCluster } from "../harness/own-cluster.ts";
import { type IdleOrder, WORDS } from "../idle/idle-messages.ts";
import { whilePaused } from "../idle/pause.ts";
import { type Usage, usageOf, usedBetween } from "../idle/usage.ts";
import type { IdlePlan } from "../rows/x1.ts";

/** How long the call that is cancelled waits. */
const CANCEL_MS = 50;

const CLIENT = new URL(`../idle/idle-client${path.extname(import.meta.filename)}`, import.meta.url);

type Client = HelperProcess<IdleOrder, number>;

export const open: OpenCase = async ({ dir, parameters }) => {
  const { targets, direct, tcp, idleMs, quietMs } = parameters as unknown as IdlePlan;
  const cluster = await startOwnCluster(path.join(dir, "cluster"), targets);
  const transports = [...Array(direct).fill("direct"), ...Array(tcp).fill("tcp")] as ("direct" | "tcp")[];
  const clients: Client[] = [];
  for (const [i, transport] of transports.entries()) {
    const client: Client = new HelperProcess(CLIENT);
    await client.ask({ open: cluster.address, transport, path: `/idle-${i}` });
    clients.push(client);
  }
  const { meta, targetPids } = await servicesOf(cluster);
  const parts: Readonly<Record<string, readonly number[]>> = {
    clients: clients.map(({ pid }) => pid),
    meta: [meta],
    targets: targetPids,
    supervisor: [cluster.supervisorPid],
  };
  const bench: Case = {
    async round(seed) {
      const sums = await Promise.all(clients.map((client) => client.ask({ work: seed })));
      // Nobody answers while the targets stand still; then they go on and answer what nobody awaits.
      await whilePaused(targetPids, () => (clients.at(-1) as Client).ask({ cancelWithinMs: CANCEL_MS }));
      if (seed === WARM_UP_SEED) return { lines: {}, hash: undefined, expectedHash: undefined };
      await sleep(quietMs);
      const lines = await measure(parts, idleMs);
      return { lines, ...workDone(sums, seed) };
    },
    async close() {
      for (const client of clients) client.close();
      await cluster.stop();
    },
  };
  return bench;
};

async function servicesOf({ address, supervisorPid }: OwnCluster): Promise<{
  meta: number;
  targetPids: number[];
}> {
  await using aside = await connect(address.url, { key: Buffer.from(address.keyHex, "hex") });
  const { pid: meta, targets } = await aside.status();
  const targetPids = targets.map(({ pid }) => pid);
  const children = childrenOf(supervisorPid);
  if (children.length !== targetPids.length + 1) {
    throw new Error(`the supervisor has ${children.length} children, not one and ${targetPids.length}`);
  }
  return { meta, targetPids };
}

/** A line's time is that of the processor in a second of idling, its operations are wake-ups of threads. */
async function measure(
  parts: Readonly<Record<string, readonly number[]>>,
  idleMs: number,
): Promise<Record<string, Timed>> {
  const all = Object.values(parts).flat();
  const fromMs = performance.now();
  const before = new Map(all.map((pid) => [pid, usageOf(pid)]));
  await sleep(idleMs);
  const after = new Map(all.map((pid) => [pid, usageOf(pid)]));
  const seconds = (performance.now() - fromMs) / 1000;
  const usedBy = (pids: readonly number[]): Timed => {
    const of = (look: Map<number, Usage>): Usage[] => pids.map((pid) => look.get(pid) as Usage);
    const { processorNs, wakes } = usedBetween(of(before), of(after));
    const ns = processorNs / seconds;
    return {
      meanNs: ns,
      p50Ns: ns,
      p90Ns: undefined,
      p99Ns: undefined,
      operations: wakes,
      operationsPerSecond: wakes / seconds,
    };
  };
  return Object.fromEntries(
    [["all", all], ...Object.entries(parts)].map(([key, pids]) => [key, usedBy(pids as number[])]),
  );
}

/** That the sessions really worked before they idled: the sum of what each read back. */
function workDone(sums: readonly number[], seed: number): Pick<Round, "hash" | "expectedHash"> {
  const expected = seed * WORDS * WORDS + (WORDS * (WORDS - 1)) / 2;
  return {
    hash: hashOf(Buffer.from(sums.map((sum) => sum - expected).join())),
    expectedHash: hashOf(Buffer.from(sums.map(() => 0).join())),
  };
}
