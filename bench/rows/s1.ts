import { findProgram } from "../harness/installed.ts";
import { openModule, openOnCluster } from "../harness/module-case.ts";
import { type CaseSpec, type LineSpec, lineId, type Row } from "../harness/row.ts";
import { openRedisCrowd } from "../peers/redis-crowd.ts";
import { caseModule } from "./case-module.ts";

export interface CrowdPlan {
  /** Ascending. */
  readonly connections: readonly number[];
  /** Bytes of a get. */
  readonly sizes: readonly number[];
  /** Gets under way on each connection. */
  readonly depth: number;
}

/** What is counted, for the report and the row's targets. */
export const CONNECTION_BYTES = "bytes of the target's own memory a connection";
export const FASTER_PERCENT = "% of the gets done by one of the two";

const CONNECTION_BYTES_MAX = 64 << 10;
const FASTER_PERCENT_MAX = 75;
const RATE_MIN = 0.8;

/** Of a line: gets of that size with that many connections. */
export function crowdKey(size: number, connections: number): string {
  return `${size}@${connections}`;
}

function crowdLines({ connections, sizes }: CrowdPlan, peer?: string): LineSpec[] {
  return sizes.flatMap((size) =>
    connections.map((count): LineSpec => {
      const key = crowdKey(size, count);
      return {
        key,
        name: `get ${size < 1024 ? `${size} B` : `${size / 1024} KiB`}`,
        ...(peer !== undefined && { peer: lineId(peer, key) }),
        point: { over: "connections", count },
        seriesOnly: count !== connections.at(-1),
      };
    }),
  );
}

/** Who polls yields to whom it waits for: two clients and the target are nowhere shut out by each other. */
function pollers(id: string, mode: string, onProcessor: number): CaseSpec {
  const open = openModule(caseModule("two-pollers"), { onProcessor });
  return {
    id,
    name: "loadSync, 2 clients",
    mode,
    role: "didafs",
    does: "load",
    open: async (context, row, spec) =>
      onProcessor >= 0 && findProgram("taskset") === undefined
        ? { absent: "taskset is not installed" }
        : open(context, row, spec),
  };
}

/** From one connection to many, on one target. */
export function s1(plan: CrowdPlan): Row {
  const { connections, sizes, depth } = plan;
  const largest = connections.at(-1) ?? 0;
  return {
    id: "S1",
    title: "gets of many connections to one target over TCP",
    setting: `${depth} gets under way on each of ${largest.toLocaleString("en")} connections; percentiles of single operations`,
    share: 0.5,
    compare: "p50Ns",
    cases: [
      {
        id: "didafs",
        name: "get",
        mode: "didafs",
        role: "didafs",
        does: "gets",
        open: openOnCluster(caseModule("crowd"), { connections, sizes, depth }),
        lines: crowdLines(plan, "redis"),
      },
      {
        id: "redis",
        name: "Redis GET",
        mode: "Redis, its C client",
        role: "peer",
        does: "gets",
        open: openRedisCrowd(plan),
        lines: crowdLines(plan),
      },
      pollers("pollers-free", "all processors", -1),
      pollers("pollers-pinned", "with the target on one", 0),
    ],
    targets: [
      ...sizes.map((size): Row["targets"][number] => ({
        line: lineId("didafs", crowdKey(size, largest)),
        bound: {
          kind: "rate",
          among: connections.map((count) => lineId("didafs", crowdKey(size, count))),
          factor: RATE_MIN,
        },
      })),
      {
        line: lineId("didafs", crowdKey(sizes[0] ?? 0, largest)),
        bound: { kind: "count", name: CONNECTION_BYTES, most: CONNECTION_BYTES_MAX },
      },
      { line: "pollers-pinned", bound: { kind: "count", name: FASTER_PERCENT, most: FASTER_PERCENT_MAX } },
    ],
  };
}
