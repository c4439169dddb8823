import { findProgram } from "../harness/installed.ts";
import type { Timed } from "../harness/messages.ts";
import type { CaseSpec } from "../harness/row.ts";
import { runProgram } from "../harness/run-program.ts";
import { type CrowdPlan, crowdKey } from "../rows/s1.ts";
import { timedIn } from "./redis-cases.ts";

const WITHIN_MS = 120_000;
const WARM_UP_OPS = 10_000;

interface Crowd {
  readonly connections: number;
  readonly depth: number;
  readonly size: number;
}

/** Redis's own client with as many connections, each with as many commands under way. It does not show the bytes. */
export function openRedisCrowd({ connections: counts, sizes, depth }: CrowdPlan): CaseSpec["open"] {
  return async (context) => {
    const program = findProgram("redis-benchmark");
    if (program === undefined) return { absent: "redis-benchmark is not installed" };
    const port = await context.redisPort();
    if (typeof port !== "number") return port;
    const run = async (
      wanted: number,
      { connections, depth, size }: Crowd,
      moves: "get" | "set",
      signal: AbortSignal,
    ): Promise<Timed> => {
      // In whole batches: with a rest it may end by saying that its clients have gone.
      const operations = Math.ceil(wanted / (depth * connections)) * depth * connections;
      const where = ["-h", "127.0.0.1", "-p", `${port}`, "-n", `${operations}`, "--csv", "--precision", "3"];
      const many = ["-c", `${connections}`, "-P", `${depth}`];
      const value = moves === "set" ? ["x".repeat(size)] : [];
      const command = [moves.toUpperCase(), `crowd-${size}`, ...value];
      const printed = await runProgram(program, [...where, ...many, ...command], {
        withinMs: WITHIN_MS,
        signal,
      });
      return timedIn(printed, operations);
    };
    const { roundMs } = context.settings;
    const planned = new Map<string, number>();
    for (const size of sizes) {
      await run(1, { connections: 1, depth: 1, size }, "set", context.signal);
      for (const connections of counts) {
        const warm = await run(WARM_UP_OPS, { connections, depth, size }, "get", context.signal);
        const operations = Math.ceil((warm.operationsPerSecond * roundMs) / 1000);
        planned.set(crowdKey(size, connections), Math.max(operations, connections * depth));
      }
    }
    return {
      async round(_seed, signal) {
        const lines: Record<string, Timed> = {};
        for (const size of sizes) {
          for (const connections of counts) {
            const key = crowdKey(size, connections);
            const operations = planned.get(key) as number;
            lines[key] = await run(operations, { connections, depth, size }, "get", signal);
          }
        }
        return { lines, hash: undefined, expectedHash: undefined };
      },
      close: async () => {},
    };
  };
}
