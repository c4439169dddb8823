import type { Moves } from "../blocks/walk.ts";
import { findProgram } from "../harness/installed.ts";
import { type Timed, WHOLE } from "../harness/messages.ts";
import { type CaseSpec, shareOf } from "../harness/row.ts";
import { runProgram } from "../harness/run-program.ts";
import { freePort, startGuarded, untilItAnswers } from "./guarded.ts";

const WITHIN_MS = 60_000;
const ENGINE = "nbd";

/** What fio is to do with a network block device. */
export interface FioLoad {
  readonly moves: Moves;
  readonly workingBytes: number;
  readonly blockBytes: number;
  readonly depth: number;
}

/** fio on an nbdkit that keeps its bytes in memory, over one TCP connection. It does not show the bytes that it moves. */
export function openFio({ moves, workingBytes, blockBytes, depth }: FioLoad): CaseSpec["open"] {
  return async (context, row) => {
    const [fio, nbdkit] = [findProgram("fio"), findProgram("nbdkit")];
    if (fio === undefined) return { absent: "fio is not installed" };
    if (nbdkit === undefined) return { absent: "nbdkit is not installed" };
    const limits = { withinMs: WITHIN_MS, signal: context.signal };
    const engines = await runProgram(fio, ["--enghelp"], limits);
    if (!engines.split(/\s+/).includes(ENGINE)) return { absent: `this fio has no engine ${ENGINE}` };
    const port = await freePort();
    const where = ["-f", "-i", "127.0.0.1", "-p", `${port}`];
    const server = startGuarded(nbdkit, [...where, "memory", `${workingBytes}`]);
    try {
      await untilItAnswers("nbdkit", port, context.signal);
      const target = [`--ioengine=${ENGINE}`, `--uri=nbd://127.0.0.1:${port}/`, "--name=bench"];
      const load = (does: string): string[] => [
        ...target,
        `--rw=${does}`,
        `--bs=${blockBytes}`,
        `--iodepth=${depth}`,
        `--size=${workingBytes}`,
        ...REPORT,
      ];
      // Bytes that were never written would come from nowhere.
      await runProgram(fio, load("write"), limits);
      const does = moves === "get" ? "read" : "write";
      const forMs = Math.ceil(context.settings.roundMs * shareOf(row));
      const timed = [...load(does), "--time_based", `--runtime=${forMs}ms`];
      return {
        round: async (_seed, signal) => {
          const text = await runProgram(fio, timed, { withinMs: WITHIN_MS, signal });
          return { lines: { [WHOLE]: timedIn(text, does) }, hash: undefined, expectedHash: undefined };
        },
        close: () => server.stop(),
      };
    } catch (error) {
      await server.stop();
      throw error;
    }
  };
}

const REPORT = [
  "--output-format=json",
  "--lat_percentiles=1",
  "--clat_percentiles=0",
  "--percentile_list=50:90:99",
];

interface FioTimes {
  readonly iops: number;
  readonly total_ios: number;
  readonly lat_ns: { readonly mean: number; readonly percentile: Readonly<Record<string, number>> };
}

/** What `fio --output-format=json` says, behind lines of its engine. */
export function timedIn(text: string, does: "read" | "write"): Timed {
  const { jobs } = JSON.parse(text.slice(text.indexOf("{"))) as { jobs: [Record<typeof does, FioTimes>] };
  const { iops, total_ios: operations, lat_ns } = jobs[0][does];
  const at = (percent: string): number => lat_ns.percentile[percent] as number;
  return {
    meanNs: lat_ns.mean,
    p50Ns: at("50.000000"),
    p90Ns: at("90.000000"),
    p99Ns: at("99.000000"),
    operations,
    operationsPerSecond: iops,
  };
}
