/** Names asked for by several clients at once, each in a process of its own, all in one directory. */

import { hashOf } from "../blocks/pattern.ts";
import type { Case, OpenCase } from "../harness/case.ts";
import type { Timed } from "../harness/messages.ts";
import { timingOf } from "../harness/statistics.ts";
import { type ClientOperation, DIRECTORY } from "../names/client-messages.ts";
import { ClientProcess } from "../names/client-process.ts";
import { openNameStore } from "../names/name-store.ts";

const OPERATIONS: readonly ClientOperation[] = ["create", "open", "stat", "unlink"];

export const open: OpenCase = async (setup) => {
  const { clients: counts } = setup.parameters as unknown as { readonly clients: readonly number[] };
  const clients: ClientProcess[] = [];
  for (let i = 0; i < Math.max(...counts); i++) clients.push(await ClientProcess.open(setup, i));
  const store = await openNameStore(setup);
  const bench: Case = {
    async round(seed, forMs) {
      const lines: Record<string, Timed> = {};
      for (const count of counts) {
        for (const operation of OPERATIONS) {
          const working = clients.slice(0, count).map((client) => client.run(operation, seed, forMs));
          lines[`${operation}@${count}`] = together(await Promise.all(working));
        }
      }
      const left = await store.list(DIRECTORY);
      return { lines, hash: hashOf(Buffer.from(left.join("\n"))), expectedHash: hashOf(new Uint8Array(0)) };
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()));
      await store.close();
    },
  };
  return bench;
};

/** What clients did at the same time: all their samples, and the sum of their rates. */
function together(runs: readonly { readonly samplesNs: Float64Array; readonly tookMs: number }[]): Timed {
  const samplesNs = Float64Array.from(runs.flatMap((run) => Array.from(run.samplesNs)));
  const operationsPerSecond = runs.reduce((sum, run) => sum + (run.samplesNs.length / run.tookMs) * 1e3, 0);
  return { ...timingOf(samplesNs), operations: samplesNs.length, operationsPerSecond };
}
