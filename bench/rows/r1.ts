import { describeWorking, type Working } from "../blocks/walk.ts";
import { openModule, openOnCluster } from "../harness/module-case.ts";
import type { CaseSpec, Row } from "../harness/row.ts";
import { openMpiGet, openPingPong } from "../limits/limit-cases.ts";
import { openRedisBenchmark, openRedisModule } from "../peers/redis-cases.ts";
import { openUcx } from "../peers/ucx.ts";
import { caseModule } from "./case-module.ts";

const WORKING: Working = { workingBytes: 8 << 10, blockBytes: 8, depth: 1, batchOps: 1 };

const READS = { role: "didafs", does: "get", limit: "c-ping-pong" } as const;
const WRITES = { role: "didafs", does: "put", limit: "c-ping-pong" } as const;

function didafs(module: string, rights: "r" | "rw"): CaseSpec["open"] {
  const moves = rights === "r" ? "get" : "put";
  return openOnCluster(caseModule(module), {
    ...WORKING,
    moves,
    transport: "tcp",
    sharing: "managed",
    rights,
  });
}

const DIDAFS: CaseSpec[] = [
  {
    ...READS,
    id: "get-sync",
    name: "getSync 8 B",
    mode: "Sync",
    peer: "redis-benchmark-get",
    open: didafs("didafs-get-sync", "r"),
  },
  {
    ...WRITES,
    id: "put-sync",
    name: "putSync 8 B",
    mode: "Sync",
    peer: "redis-benchmark-set",
    open: didafs("didafs-put-sync", "rw"),
  },
  {
    ...READS,
    id: "get",
    name: "get 8 B",
    mode: "promise",
    peer: "redis-get",
    open: didafs("didafs-get", "r"),
  },
  {
    ...WRITES,
    id: "put",
    name: "put 8 B",
    mode: "promise",
    peer: "redis-set",
    open: didafs("didafs-put", "rw"),
  },
];

function redis(moves: "get" | "put", command: "get" | "set"): CaseSpec[] {
  const name = `Redis ${command.toUpperCase()} 8 B`;
  return [
    {
      id: `redis-${command}`,
      name,
      mode: "Node client",
      role: "peer",
      does: moves,
      open: openRedisModule(caseModule(`redis-${command}`), { ...WORKING, moves }),
    },
    {
      id: `redis-benchmark-${command}`,
      name,
      mode: "its C client",
      role: "peer",
      does: moves,
      open: openRedisBenchmark({ test: command, valueBytes: 8, depth: 1, clients: 1 }),
    },
  ];
}

const PEERS: CaseSpec[] = [
  ...redis("get", "get"),
  ...redis("put", "set"),
  {
    id: "net-echo",
    name: "Node net echo 8 B",
    mode: "promise",
    role: "peer",
    does: "get",
    open: openModule(caseModule("net-echo"), { ...WORKING, moves: "get" }),
  },
  {
    id: "ucx",
    name: "UCX put to and fro 8 B",
    mode: "tcp",
    role: "peer",
    does: "put",
    open: openUcx("tcp"),
  },
  { id: "mpi", name: "MPI_Get 8 B", mode: "tcp", role: "peer", does: "get", open: openMpiGet(WORKING) },
];

/** Over TCP on the loopback interface, one operation at a time. */
export const R1: Row = {
  id: "R1",
  title: "get and put of 8 bytes over TCP, one at a time",
  setting: describeWorking(WORKING),
  compare: "p50Ns",
  cases: [
    ...DIDAFS,
    ...PEERS,
    {
      id: "c-ping-pong",
      name: "C ping-pong 8 B",
      mode: "polled TCP",
      role: "limit",
      does: "get",
      open: openPingPong(WORKING),
    },
    {
      id: "control",
      name: "empty loop",
      mode: "harness",
      role: "control",
      does: "get",
      open: openModule(caseModule("control"), { ...WORKING, moves: "get" }),
    },
    {
      id: "control-promise",
      name: "await nothing",
      mode: "harness",
      role: "control",
      does: "get",
      open: openModule(caseModule("control-promise"), { ...WORKING, moves: "get" }),
    },
  ],
  targets: [
    { line: "get-sync", bound: { kind: "within", reference: "c-ping-pong", factor: 1.35 } },
    { line: "put-sync", bound: { kind: "within", reference: "c-ping-pong", factor: 1.35 } },
    { line: "get", bound: { kind: "within", reference: "c-ping-pong", factor: 1.6 } },
    { line: "put", bound: { kind: "within", reference: "c-ping-pong", factor: 1.6 } },
    { line: "get-sync", bound: { kind: "faster", reference: "redis-benchmark-get", factor: 4 } },
    { line: "get", bound: { kind: "faster", reference: "redis-get", factor: 4 } },
  ],
};
