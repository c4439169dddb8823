import { byteSize, pointKey, type Working } from "../blocks/walk.ts";
import type { Way } from "../hand-over/side.ts";
import { openModule, openOnCluster } from "../harness/module-case.ts";
import { type CaseSpec, type LineSpec, lineId, type Row } from "../harness/row.ts";
import { openHandOver } from "../limits/limit-cases.ts";
import { openRedisAt } from "../peers/redis-cases.ts";
import { openZeromqModule } from "../peers/zeromq.ts";
import { caseModule } from "./case-module.ts";

type Transport = "direct" | "tcp";

const SIZES = [8, 4 << 10] as const;
const WORKING: Working = { workingBytes: 8 << 10, blockBytes: SIZES, depth: 1, batchOps: 1 };
/** Notified puts that are under way at once where a rate is asked for. */
const UNDER_WAY = 32;
const SAME_HOST_NS_MAX = 1000;
const HANDS = "hand over";
const MODULE = caseModule("hand-over");

/** @param reads who was notified reads the block, too */
function parameters(way: Way, transport: Transport, reads = false) {
  return { way, transport, reads: reads ? 1 : 0, sizes: SIZES, workingBytes: WORKING.workingBytes };
}

function linesFor(name: string, beside: Pick<LineSpec, "limit" | "peer"> = {}): LineSpec[] {
  return SIZES.map((size) => {
    const key = pointKey(size);
    const at = (line: string | undefined): string | undefined => line && lineId(line, key);
    const [limit, peer] = [at(beside.limit), at(beside.peer)];
    return { key, name: `${name} ${byteSize(size)}`, ...(limit && { limit }), ...(peer && { peer }) };
  });
}

const meansOf = (transport: Transport): string => (transport === "tcp" ? "TCP" : "unix socket");
const limitOf = (transport: Transport): string => (transport === "tcp" ? "c-tcp" : "c-memory");

function didafs(
  id: string,
  name: string,
  transport: Transport,
  way: Way,
  peer: string,
  reads = false,
): CaseSpec {
  return {
    id: `${id}-${transport}`,
    name,
    mode: meansOf(transport),
    role: "didafs",
    does: HANDS,
    open: openOnCluster(MODULE, { ...parameters(way, transport, reads), where: "" }),
    lines: linesFor(name, { limit: limitOf(transport), peer }),
  };
}

const PUTS = { ...WORKING, moves: "put", sharing: "managed", rights: "rw" } as const;

/** Both in one process. */
function here(transport: Transport): CaseSpec {
  const name = "putNotify to next()";
  return {
    id: `here-${transport}`,
    name,
    mode: `${meansOf(transport)}, one process`,
    role: "didafs",
    does: "put",
    open: openOnCluster(caseModule("notified-here"), { ...PUTS, transport }),
    lines: linesFor(name, { limit: limitOf(transport) }),
  };
}

function rate(transport: Transport): CaseSpec {
  return {
    id: `rate-${transport}`,
    name: `putNotify 8 B, ${UNDER_WAY} under way`,
    mode: meansOf(transport),
    role: "didafs",
    does: "put",
    open: openOnCluster(caseModule("notified-rate"), {
      ...PUTS,
      blockBytes: 8,
      depth: UNDER_WAY,
      transport,
    }),
  };
}

function peers(transport: Transport): CaseSpec[] {
  const isTcp = transport === "tcp";
  const common = { mode: meansOf(transport), role: "peer", does: HANDS } as const;
  return [
    {
      ...common,
      id: `zeromq-${transport}`,
      name: "ZeroMQ PAIR",
      mode: isTcp ? "tcp" : "ipc",
      open: openZeromqModule(MODULE, { ...parameters("zeromq", transport), path: "" }),
      lines: linesFor("ZeroMQ PAIR"),
    },
    {
      ...common,
      id: `redis-${transport}`,
      name: "Redis XADD to XREAD",
      open: openRedisAt(isTcp ? "port" : "socket", MODULE, parameters("redis", transport)),
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

const TRANSPORTS: readonly Transport[] = ["direct", "tcp"];

/** From a notified put until whoever waits for it has been told; two processes do it by turns. */
export const N1: Row = {
  id: "N1",
  title: "a notified put to a consumer that waits, on the same host and over TCP",
  setting: `two processes by turns, half of the way there and back; ${byteSize(WORKING.workingBytes)} of blocks a side, in order`,
  compare: "p50Ns",
  cases: [
    ...TRANSPORTS.flatMap((transport) => [
      didafs("notified", "putNotify to next()", transport, "notified", `told-${transport}`),
      didafs("told", "put, flush, message", transport, "told", `zeromq-${transport}`),
    ]),
    didafs("read", "putNotify to next(), get", "tcp", "notified", "zeromq-tcp", true),
    ...TRANSPORTS.map(here),
    ...TRANSPORTS.map(rate),
    ...TRANSPORTS.flatMap(peers),
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
      line: lineId("notified-direct", pointKey(8)),
      bound: { kind: "time", figure: "p50Ns", ns: SAME_HOST_NS_MAX },
    },
  ],
};
