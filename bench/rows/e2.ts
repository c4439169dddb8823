import { describeWorking, type Working } from "../blocks/walk.ts";
import { openModule, openOnCluster } from "../harness/module-case.ts";
import type { CaseSpec, Row } from "../harness/row.ts";
import { openPingPong } from "../limits/limit-cases.ts";
import { openRedisModule } from "../peers/redis-cases.ts";
import { caseModule } from "./case-module.ts";

const WORDS: Working = { workingBytes: 8 << 10, blockBytes: 8, depth: 1, batchOps: 1 };
/** Two words an epoch. */
const PAIRS: Working = { ...WORDS, blockBytes: 16 };

const ROUND_TRIP = "get";

function epoch(id: string, mode: string, targets: number): CaseSpec {
  return {
    id,
    name: "epoch of two puts of 8 B",
    mode,
    role: "didafs",
    does: "put",
    limit: ROUND_TRIP,
    peer: "redis-multi",
    open: openOnCluster(
      caseModule("didafs-epoch-words"),
      { ...PAIRS, moves: "put", transport: "tcp", sharing: "managed", rights: "rw" },
      targets,
    ),
  };
}

/** Over TCP on the loopback interface: what commit costs where nothing waits for a drive. */
export const E2: Row = {
  id: "E2",
  title: "an atomic epoch in memory, on one target and on two, over TCP",
  setting: `${describeWorking(WORDS)}; time/limit counts round trips`,
  compare: "p50Ns",
  cases: [
    epoch("epoch-one", "one target", 1),
    epoch("epoch-two", "two targets", 2),
    {
      id: ROUND_TRIP,
      name: "get 8 B",
      mode: "promise",
      role: "didafs",
      does: "get",
      limit: "c-ping-pong",
      open: openOnCluster(caseModule("didafs-get"), {
        ...WORDS,
        moves: "get",
        transport: "tcp",
        sharing: "managed",
        rights: "r",
      }),
    },
    {
      id: "redis-multi",
      name: "Redis MULTI, SET, SET, EXEC",
      mode: "Node client",
      role: "peer",
      does: "put",
      open: openRedisModule(caseModule("redis-multi"), { ...PAIRS, moves: "put" }),
    },
    {
      id: "c-ping-pong",
      name: "C ping-pong 8 B",
      mode: "polled TCP",
      role: "limit",
      does: "get",
      open: openPingPong(WORDS),
    },
    {
      id: "control-promise",
      name: "await nothing",
      mode: "harness",
      role: "control",
      does: "get",
      open: openModule(caseModule("control-promise"), { ...WORDS, moves: "get" }),
    },
  ],
  targets: [
    { line: "epoch-one", bound: { kind: "within", reference: ROUND_TRIP, factor: 2 } },
    { line: "epoch-two", bound: { kind: "within", reference: ROUND_TRIP, factor: 4 } },
  ],
};
