import type { Parameters } from "../harness/case.ts";
import { findProgram } from "../harness/installed.ts";
import { type Round, roundOf } from "../harness/messages.ts";
import { openModule } from "../harness/module-case.ts";
import type { CaseSpec } from "../harness/row.ts";
import { runProgram } from "../harness/run-program.ts";
import type { Timing } from "../harness/statistics.ts";
import type { Moves } from "../words/word-case.ts";

const WITHIN_MS = 60_000;
/** Operations of the warm-up, from which a round's length is reckoned. */
const WARM_UP_OPS = 2_000;
const VALUE = "8 bytes.";

/** A Redis client of this bench: the module, with the server's port among its parameters. */
export function openRedisModule(module: string, parameters: Parameters): CaseSpec["open"] {
  return async (context, row, spec) => {
    const port = await context.redisPort();
    return typeof port === "number" ? openModule(module, { ...parameters, port })(context, row, spec) : port;
  };
}

/** Redis's own client, in C, one operation at a time. It does not show the bytes that it moves. */
export function openRedisBenchmark(moves: Moves): CaseSpec["open"] {
  return async (context) => {
    const program = findProgram("redis-benchmark");
    if (program === undefined) return { absent: "redis-benchmark is not installed" };
    const port = await context.redisPort();
    if (typeof port !== "number") return port;
    const run = async (
      operations: number,
      command: readonly string[],
      signal: AbortSignal,
    ): Promise<Timing> => {
      const options = ["-h", "127.0.0.1", "-p", `${port}`, "-c", "1", "-n", `${operations}`];
      const csv = ["--csv", "--precision", "3"];
      const limits = { withinMs: WITHIN_MS, signal };
      return timingIn(await runProgram(program, [...options, ...csv, ...command], limits));
    };
    const set = ["SET", "redis-benchmark", VALUE];
    await run(1, set, context.signal);
    const command = moves === "put" ? set : ["GET", "redis-benchmark"];
    const { meanNs } = await run(WARM_UP_OPS, command, context.signal);
    const operations = Math.ceil((context.settings.roundMs * 1e6) / meanNs);
    return {
      round: async (_seed, signal): Promise<Round> =>
        roundOf(await run(operations, command, signal), operations),
      close: async () => {},
    };
  };
}

/** The last line of `redis-benchmark --csv`: name, operations a second, then milliseconds. */
export function timingIn(csv: string): Timing {
  const cells = csv.trimEnd().split("\n").at(-1)?.split(",").slice(-7) ?? [];
  const [, meanMs, , p50Ms, , p99Ms] = cells.map((cell) => Number(cell.replaceAll('"', "")));
  if (meanMs === undefined || p50Ms === undefined || p99Ms === undefined || !(meanMs > 0)) {
    throw new Error(`redis-benchmark printed something else than expected: ${csv}`);
  }
  return { meanNs: meanMs * 1e6, p50Ns: p50Ms * 1e6, p90Ns: undefined, p99Ns: p99Ms * 1e6 };
}
