import { byteSize, pointKey, type Working } from "../blocks/walk.ts";
import type { Way } from "../hand-over/side.ts";
import { openModule, openOnCluster } from "../harness/module-case.ts";
import { type CaseSpec, type LineSpec, lineId, type Row } from "../harness/row.ts";
import { openHandOver } from "../limits/limit-cases.ts";
import { openRedisAt } from "../peers/redis-cases.ts";
import { openZeromqModule } from "../peers/zeromq.ts";
import { caseModule } from "./case-module.ts";

/** Mapped: of raw windows, whose puts are stores. */
type Path = "mapped" | "unix" | "tcp";

const SIZES = [8, 4 << 10] as const;
const WORKING: Working = { workingBytes: 8 << 10, blockBytes: SIZES, depth: 1, batchOps: 1 };
/** Notified puts that are under way at once where a rate is asked for. */
const UNDER_WAY = 32;
const SAME_HOST_NS_MAX = 1000;
const HANDS = "hand over";
const MODULE = caseModule("hand-over");

function windowsOf(by: Path) {
  return {
    transport: by === "tcp" ? "tcp" : "direct",
    sharing: by === "mapped" ? "raw" : "managed",
  } as const;
}

/** @param reads who was notified reads the block, too */
function parameters(way: Way, by: Path, reads = false) {
  return { way, ...windowsOf(by), reads: reads ? 1 : 0, sizes: SIZES, workingBytes: WORKING.workingBytes };
}

function linesFor(name: string, beside: Pick<LineSpec, "limit" | "peer"> = {}): LineSpec[] {
  return SIZES.map((size) => {
    const key = pointKey(size);
    const at = (line: string | undefined): string | undefined => line && lineId(line, key);
    const [limit, peer] = [at(beside.limit), at(beside.peer)];
    return { key, name: `${name} ${byteSize(size)}`, ...(limit && { limit }), ...(peer && { peer }) };
  });
}

const MEANS: Readonly<Record<Path, string>> = { mapped: "mapped", unix: "unix socket", tcp: "TCP" };
const limitOf = (by: Path): string => (by === "tcp" ? "c-tcp" : "c-memory");

function didafs(id: string, name: string, by: Path, way: Way, peer: string, reads = false): CaseSpec {
  return {
    id: `${id}-${by}`,
    name,
    mode: MEANS[by],
    role: "didafs",
    does: HANDS,
    open: openOnCluster(MODULE, { ...parameters(way, by, reads), where: "" }),
    lines: linesFor(name, { limit: limitOf(by), peer }),
  };
}

const PUTS = { ...WORKING, moves: "put", rights: "rw" } as const;

/** Both in one process. */
function here(by: Path): CaseSpec {
  const name = "putNotify to next()";
  return {
    id: `here-${by}`,
    name,
    mode: `${MEANS[by]}, one process`,
    role: "didafs",
    does: "put",
    open: openOnCluster(caseModule("notified-here"), { ...PUTS, ...windowsOf(by) }),
    lines: linesFor(name, { limit: limitOf(by) }),
  };
}

function rate(by: Path): CaseSpec {
  return {
    id: `rate-${by}`,
    name: `putNotify 8 B, ${UNDER_WAY} under way`,
    mode: MEANS[by],
    role: "didafs",
    does: "put",
    open: openOnCluster(caseModule("notified-rate"), {
      ...PUTS,
      blockBytes: 8,
      depth: UNDER_WAY,
      ...windowsOf(by),
    }),
  };
}

function peers(by: "unix" | "tcp"): CaseSpec[] {
  const isTcp = by === "tcp";
  const common = { mode: MEANS[by], role: "peer", does: HANDS } as const;
  return [
    {
      ...common,
      id: `zeromq-${by}`,
      name: "ZeroMQ PAIR",
      mode: isTcp ? "tcp" : "ipc",
      open: openZeromqModule(MODULE, { ...parameters("zeromq", by), path: "" }),
      lines: linesFor("ZeroMQ PAIR"),
    },
    {
      ...common,
      id: `redis-${by}`,
      name: "Redis XADD to XREAD",
      open: openRedisAt(isTcp ? "port" : "socket", MODULE, parameters("redis", by)),
      lines: linesFor("Redis XADD to XREAD"),
    },
  ];
}

function limit(by: "memory" | "tcp"): CaseSpec {
  const name = by === "memory" ? "C in shared memory" : "C over TCP";
  return {
    id: `c-${by}`,
    name,
    mode: "both poll",
    role: "limit",
    does: HANDS,
    open: openHandOver(WORKING, by),
    lines: linesFor(name),
  };
}

const PATHS: readonly Path[] = ["mapped", "unix", "tcp"];

/** From a notified put until whoever waits for it has been told; two processes do it by turns. */
export const N1: Row = {
  id: "N1",
  title: "a notified put to a consumer that waits, on the same host and over TCP",
  setting: `two processes by turns, half of the way there and back; ${byteSize(WORKING.workingBytes)} of blocks a side, in order`,
  compare: "p50Ns",
  cases: [
    ...PATHS.flatMap((by) => [
      didafs("notified", "putNotify to next()", by, "notified", `told-${by}`),
      didafs("told", "put, flush, message", by, "told", `zeromq-${by === "tcp" ? "tcp" : "unix"}`),
    ]),
    didafs("read", "putNotify to next(), get", "tcp", "notified", "zeromq-tcp", true),
    ...PATHS.map(here),
    ...PATHS.map(rate),
    ...peers("unix"),
    ...peers("tcp"),
    limit("memory"),
    limit("tcp"),
    {
      id: "control-promise",
      name: "await nothing",
      mode: "harness",
      role: "control",
      does: "nothing",
      open: openModule(caseModule("control-promise"), { ...WORKING, blockBytes: 8, moves: "get" }),
    },
  ],
  targets: [
    {
      line: lineId("notified-mapped", pointKey(8)),
      bound: { kind: "time", figure: "p50Ns", ns: SAME_HOST_NS_MAX },
    },
  ],
};
