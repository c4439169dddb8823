/** Gets of many sessions at once from one target. */
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../src/runtime/connect.ts";
import { fillPattern, hashOf, patternBytes } from "../blocks/pattern.ts";
import { runGets } from "../crowd/get-load.ts";
import { LeanSessions } from "../crowd/lean-sessions.ts";
import { privateBytes } from "../crowd/private-bytes.ts";
import { type Case, type ClusterAddress, type OpenCase, WARM_UP_SEED } from "../harness/case.ts";
import type { Timed } from "../harness/messages.ts";
import { timingOf } from "../harness/statistics.ts";
import { CONNECTION_BYTES, type CrowdPlan, crowdKey } from "../rows/s1.ts";

const FILE_BYTES = 1 << 20;
/** Of the first gets, which make the target allocate what a connection needs. */
const TOUCH_MS = 50;
const SETTLE_MS = 200;

export const open: OpenCase = async ({ cluster, parameters }) => {
  const {
    connections: counts,
    sizes,
    depth,
    path,
  } = parameters as unknown as CrowdPlan & { readonly path: string };
  const address = cluster as ClusterAddress;
  const pattern = new Int32Array(FILE_BYTES / 4);
  fillPattern(pattern, 0);
  const bytes = patternBytes(pattern);
  const targetPid = await makeFile(address, path, bytes);
  const lean = new LeanSessions(address, path);
  const largest = Math.max(...sizes);
  const connectionBytes = await memoryPerConnection(lean, Math.max(...counts), targetPid, () =>
    runGets(lean.all, depth, largest, TOUCH_MS, bytes),
  );
  const bench: Case = {
    async round(seed, forMs) {
      const lines: Record<string, Timed> = {};
      if (seed === WARM_UP_SEED) return { lines, hash: undefined, expectedHash: undefined };
      for (const count of counts) {
        await lean.grow(count);
        for (const size of sizes) {
          const { samplesNs, operations, tookMs } = runGets(lean.all, depth, size, forMs, bytes);
          const operationsPerSecond = (operations / tookMs) * 1000;
          lines[crowdKey(size, count)] = { ...timingOf(samplesNs), operations, operationsPerSecond };
          await lean.keep();
        }
      }
      await lean.closeAll();
      const read = await readFile(address, path);
      const counted = { [CONNECTION_BYTES]: connectionBytes };
      return { lines, hash: hashOf(read), expectedHash: hashOf(bytes), counts: counted };
    },
    close: () => lean.close(),
  };
  return bench;
};

/** @returns the process that serves it */
async function makeFile({ url, keyHex }: ClusterAddress, path: string, bytes: Uint8Array): Promise<number> {
  await using cluster = await connect(url, { key: Buffer.from(keyHex, "hex"), transport: "tcp" });
  await using file = await cluster.open(path, { create: "exclusive", size: bytes.byteLength, targets: 1 });
  await (await file.window({ rights: "rw" })).put(0, bytes);
  const { targets } = await cluster.status();
  const served = targets.find(({ id }) => id === file.layout.regions[0]?.target);
  if (served === undefined) throw new Error("nobody serves the file");
  return served.pid;
}

async function readFile({ url, keyHex }: ClusterAddress, path: string): Promise<Uint8Array> {
  await using cluster = await connect(url, { key: Buffer.from(keyHex, "hex"), transport: "tcp" });
  const file = await cluster.open(path);
  return await (await file.window()).get(0, new Uint8Array(file.size));
}

/** Before any round, because what a process has freed it keeps for the next connections. */
async function memoryPerConnection(
  lean: LeanSessions,
  count: number,
  targetPid: number,
  use: () => void,
): Promise<number> {
  await lean.grow(1);
  use();
  await sleep(SETTLE_MS);
  const before = privateBytes(targetPid);
  await lean.grow(count);
  use();
  await sleep(SETTLE_MS);
  const grown = privateBytes(targetPid) - before;
  await lean.closeAll();
  return Math.max(0, Math.round(grown / (count - 1)));
}
