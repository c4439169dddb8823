import { setTimeout as sleep } from "node:timers/promises";
import type { BenchContext } from "../harness/context.ts";
import { findProgram } from "../harness/installed.ts";
import { roundOf } from "../harness/messages.ts";
import type { CaseSpec } from "../harness/row.ts";
import { runProgram } from "../harness/run-program.ts";
import type { Timing } from "../harness/statistics.ts";
import { freePort, startGuarded } from "./guarded.ts";

const WITHIN_MS = 30_000;
const WARM_UP_OPS = 1_000;
/** The server says nothing when it is ready, and serves one client, so it cannot be asked either. */
const LISTENING_MS = 500;

/**
 * UCX by its own tool, one operation at a time. `posix`: a get from shared memory. `tcp`: a put to the other side that
 * it answers with a put, so one round trip; its get has the passive side look once in a millisecond, which says more
 * about the tool than about UCX.
 */
export function openUcx(transport: "posix" | "tcp"): CaseSpec["open"] {
  return async (context) => {
    const program = findProgram("ucx_perftest");
    if (program === undefined) return { absent: "ucx_perftest is not installed" };
    const run = (operations: number, signal: AbortSignal): Promise<Timing> =>
      runOnce(program, transport, operations, signal);
    const { meanNs } = await run(WARM_UP_OPS * 10, context.signal);
    const operations = operationsFor(context, meanNs);
    return {
      round: async (_seed, signal) => roundOf(await run(operations, signal), operations),
      close: async () => {},
    };
  };
}

function operationsFor({ settings }: BenchContext, meanNs: number): number {
  return Math.ceil((settings.roundMs * 1e6) / meanNs);
}

async function runOnce(
  program: string,
  transport: "posix" | "tcp",
  operations: number,
  signal: AbortSignal,
): Promise<Timing> {
  const port = await freePort();
  const env = { ...process.env, UCX_TLS: `${transport},self` };
  const server = startGuarded(program, ["-p", `${port}`], env);
  try {
    await sleep(LISTENING_MS, undefined, { signal });
    const test = transport === "posix" ? ["-t", "ucp_get", "-O", "1"] : ["-t", "ucp_put_lat"];
    const size = ["-s", "8", "-n", `${operations}`, "-w", `${WARM_UP_OPS}`];
    const options = ["127.0.0.1", "-p", `${port}`, ...test, ...size, "-f", "-v"];
    const csv = await runProgram(program, options, { withinMs: WITHIN_MS, signal, env });
    // Its latency tests tell half of a round trip.
    return timingIn(csv, transport === "posix" ? 1 : 2);
  } finally {
    await server.stop();
  }
}

/** The last line: iterations, then microseconds: percentile, average, overall average. */
export function timingIn(csv: string, factor: number): Timing {
  const [, p50Us, , meanUs] = (csv.trimEnd().split("\n").at(-1) ?? "").split(",").map(Number);
  if (p50Us === undefined || meanUs === undefined || !(meanUs > 0)) {
    throw new Error(`ucx_perftest printed something else than expected: ${csv}`);
  }
  return { meanNs: meanUs * 1e3 * factor, p50Ns: p50Us * 1e3 * factor, p90Ns: undefined, p99Ns: undefined };
}
