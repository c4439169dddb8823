import type { Parameters } from "../harness/case.ts";
import { findProgram } from "../harness/installed.ts";
import { type Round, type Timed, WHOLE } from "../harness/messages.ts";
import { openModule } from "../harness/module-case.ts";
import { type CaseSpec, shareOf } from "../harness/row.ts";
import { runProgram } from "../harness/run-program.ts";
import type { RedisKeeps } from "./redis-server.ts";

const WITHIN_MS = 60_000;
/** The part of a round's operations that is done first, to reckon with: large values take long. */
const TRIAL_OPS = 200;
const TRIAL_TURNS = 3;

/** A Redis client of this bench: the module, with the server's port among its parameters. */
export function openRedisModule(module: string, parameters: Parameters): CaseSpec["open"] {
  return async (context, row, spec) => {
    const port = await context.redisPort();
    return typeof port === "number" ? openModule(module, { ...parameters, port })(context, row, spec) : port;
  };
}

/** The same with what the server is reached by, its port or the path of its unix socket, as `where`. */
export function openRedisAt(by: "port" | "socket", module: string, parameters: Parameters): CaseSpec["open"] {
  return async (context, row, spec) => {
    const where = await (by === "port" ? context.redisPort() : context.redisSocket());
    if (typeof where === "object") return where;
    const path = `${row.id}-${spec.id}`;
    return openModule(module, { ...parameters, path, where: `${where}` })(context, row, spec);
  };
}

/** What `redis-benchmark` is to do. */
export interface RedisLoad {
  readonly test: "get" | "set" | "incr";
  readonly valueBytes: number;
  /** Commands that a client sends before it waits for their answers. */
  readonly depth: number;
  readonly clients: number;
  /** Default: nothing. */
  readonly keeps?: RedisKeeps;
}

/** Redis's own client, in C. It does not show the bytes that it moves. */
export function openRedisBenchmark({ test, valueBytes, depth, clients, keeps }: RedisLoad): CaseSpec["open"] {
  return async (context, row) => {
    const program = findProgram("redis-benchmark");
    if (program === undefined) return { absent: "redis-benchmark is not installed" };
    const port = await context.redisPort(keeps);
    if (typeof port !== "number") return port;
    const run = async (name: string, wanted: number, signal: AbortSignal): Promise<Timed> => {
      // In whole batches: with a rest it may end by saying that its clients have gone.
      const operations = Math.ceil(wanted / (depth * clients)) * depth * clients;
      const server = ["-h", "127.0.0.1", "-p", `${port}`, "--csv", "--precision", "3"];
      const load = ["-t", name, "-d", `${valueBytes}`, "-P", `${depth}`, "-c", `${clients}`];
      const limits = { withinMs: WITHIN_MS, signal };
      return timedIn(
        await runProgram(program, [...server, ...load, "-n", `${operations}`], limits),
        operations,
      );
    };
    // All of its clients use one key.
    await run("set", depth * clients, context.signal);
    let operations = TRIAL_OPS;
    for (let turn = 0; turn < TRIAL_TURNS; turn++) {
      const { operationsPerSecond } = await run(test, operations, context.signal);
      operations = Math.ceil((operationsPerSecond * context.settings.roundMs * shareOf(row)) / 1e3);
    }
    return {
      round: async (_seed, signal): Promise<Round> => ({
        lines: { [WHOLE]: await run(test, Math.max(operations, TRIAL_OPS), signal) },
        hash: undefined,
        expectedHash: undefined,
      }),
      close: async () => {},
    };
  };
}

/** The last line of `redis-benchmark --csv`: name, operations a second of all clients, then milliseconds. */
export function timedIn(csv: string, operations: number): Timed {
  const cells = csv.trimEnd().split("\n").at(-1)?.split(",").slice(-7) ?? [];
  const [rate, meanMs, , p50Ms, , p99Ms] = cells.map((cell) => Number(cell.replaceAll('"', "")));
  if (
    rate === undefined ||
    meanMs === undefined ||
    p50Ms === undefined ||
    p99Ms === undefined ||
    !(meanMs > 0)
  ) {
    throw new Error(`redis-benchmark printed something else than expected: ${csv}`);
  }
  return {
    meanNs: meanMs * 1e6,
    p50Ns: p50Ms * 1e6,
    p90Ns: undefined,
    p99Ns: p99Ms * 1e6,
    operations,
    operationsPerSecond: rate,
  };
}
