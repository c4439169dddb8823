import { type CounterParameters, WORD_BYTES } from "../counters/words.ts";
import { findProgram } from "../harness/installed.ts";
import { roundOf } from "../harness/messages.ts";
import type { CaseSpec } from "../harness/row.ts";
import { runProgram } from "../harness/run-program.ts";
import type { Timing } from "../harness/statistics.ts";
import { freePort, startGuarded, untilItListens } from "./guarded.ts";

const WITHIN_MS = 60_000;
/** Both of its sides spin without yielding: where others want the cores, a round trip takes milliseconds. */
const WARM_UP_OPS = 500;
/** To reckon with how many a round has. */
const TRIAL_OPS = 1_000;
/** A test of `ucx_perftest`, one operation at a time. */
interface Test {
  readonly transport: "posix" | "tcp";
  readonly test: readonly string[];
  readonly bytes: number;
  /** Its latency tests tell half of a round trip. */
  readonly factor: 1 | 2;
}

/**
 * UCX by its own tool. `posix`: a get from shared memory. `tcp`: a put to the other side that it answers with a put, so
 * one round trip; its get has the passive side look once in a millisecond, which says more about the tool than about UCX.
 */
export function openUcx(transport: "posix" | "tcp"): CaseSpec["open"] {
  return transport === "posix"
    ? openTest({ transport, test: ["-t", "ucp_get", "-O", "1"], bytes: 8, factor: 1 })
    : openTest({ transport, test: ["-t", "ucp_put_lat"], bytes: 8, factor: 2 });
}

/** The same of a fetch-and-add to shared memory. */
export function openUcxAtomic(word: CounterParameters["word"]): CaseSpec["open"] {
  const test = ["-t", "ucp_fadd", "-O", "1"];
  return openTest({ transport: "posix", test, bytes: WORD_BYTES[word], factor: 1 });
}

function openTest(test: Test): CaseSpec["open"] {
  return async (context) => {
    const program = findProgram("ucx_perftest");
    if (program === undefined) return { absent: "ucx_perftest is not installed" };
    const run = (operations: number, signal: AbortSignal): Promise<Timing> =>
      runOnce(program, test, operations, signal);
    const { meanNs } = await run(TRIAL_OPS, context.signal);
    const operations = Math.ceil((context.settings.roundMs * 1e6) / meanNs);
    return {
      round: async (_seed, signal) => roundOf(await run(operations, signal), operations),
      close: async () => {},
    };
  };
}

async function runOnce(
  program: string,
  { transport, test, bytes, factor }: Test,
  operations: number,
  signal: AbortSignal,
): Promise<Timing> {
  const port = await freePort();
  const env = { ...process.env, UCX_TLS: `${transport},self` };
  const server = startGuarded(program, ["-p", `${port}`], env);
  try {
    await untilItListens("ucx_perftest", port, signal);
    const size = ["-s", `${bytes}`, "-n", `${operations}`, "-w", `${WARM_UP_OPS}`];
    const options = ["127.0.0.1", "-p", `${port}`, ...test, ...size, "-f", "-v"];
    const csv = await runProgram(program, options, { withinMs: WITHIN_MS, signal, env });
    return timingIn(csv, factor);
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

/** `ucx_perftest` pairs one client with one server, so it has no test of two that add to one word. */
export const openUcxContended: CaseSpec["open"] = async () => ({
  absent: "ucx_perftest has no test with two clients of one word",
});
