import type { Working } from "../blocks/walk.ts";
import type { CounterParameters } from "../counters/words.ts";
import { openModule, openOnCluster } from "../harness/module-case.ts";
import type { CaseSpec, Row, Target } from "../harness/row.ts";
import { openSharedCounter } from "../limits/counter-case.ts";
import { openRedisBenchmark } from "../peers/redis-cases.ts";
import { openUcxAtomic, openUcxContended } from "../peers/ucx.ts";
import { caseModule } from "./case-module.ts";

type Sharing = CounterParameters["sharing"];
type Word = CounterParameters["word"];

const BATCH_OPS = 1000;
const CONTROL: Working = { workingBytes: 64 << 10, blockBytes: 8, depth: 1, batchOps: BATCH_OPS };
const UNCONTENDED_NS_MAX = 50;
const CROWD = { 1: "alone", 2: "two" } as const;
type Processes = keyof typeof CROWD;
const MODE = { 1: "alone", 2: "two processes" } as const;

function didafs(word: Word, sharing: Sharing, processes: Processes): CaseSpec {
  return {
    id: `${sharing}-${word}-${CROWD[processes]}`,
    name: `fetchAddSync ${word}, ${sharing}`,
    mode: MODE[processes],
    role: "didafs",
    does: `add to ${word}`,
    limit: `c-${word}-${CROWD[processes]}`,
    peer: `ucx-${word}-${CROWD[processes]}`,
    open: openOnCluster(caseModule("didafs-fetch-add"), { word, sharing, processes, batchOps: BATCH_OPS }),
  };
}

function beside(word: Word, processes: Processes): CaseSpec[] {
  const shared = { mode: MODE[processes], does: `add to ${word}` } as const;
  return [
    {
      ...shared,
      id: `ucx-${word}-${CROWD[processes]}`,
      name: `UCX posix fetch-and-add ${word}`,
      role: "peer",
      open: processes === 1 ? openUcxAtomic(word) : openUcxContended,
    },
    {
      ...shared,
      id: `c-${word}-${CROWD[processes]}`,
      name: `C lock xadd ${word}`,
      role: "limit",
      open: openSharedCounter({ word, processes, batchOps: BATCH_OPS }),
    },
  ];
}

function redis(clients: Processes): CaseSpec {
  return {
    id: `redis-${CROWD[clients]}`,
    name: "Redis INCR, its C client",
    mode: clients === 1 ? "alone" : "two clients",
    role: "peer",
    does: "add to i64",
    open: openRedisBenchmark({ test: "incr", valueBytes: 8, depth: 1, clients }),
  };
}

function targets(word: Word): Target[] {
  return [
    {
      line: `raw-${word}-${CROWD[1]}`,
      bound: { kind: "time", figure: "meanNs", ns: UNCONTENDED_NS_MAX },
    },
    {
      line: `raw-${word}-${CROWD[2]}`,
      bound: { kind: "faster", reference: `ucx-${word}-${CROWD[2]}`, factor: 1 },
    },
  ];
}

const WORDS: readonly Word[] = ["i64", "u32"];

/** Same host: one word, added to by one process, or by two at the same time. */
export const L3: Row = {
  id: "L3",
  title: "fetch-and-add on the same host, alone and with two processes contending",
  setting: `one word; percentiles over batches of ${BATCH_OPS} operations of one process, operations per second of all`,
  compare: "meanNs",
  cases: [
    ...WORDS.flatMap((word) => [
      didafs(word, "raw", 1),
      didafs(word, "raw", 2),
      didafs(word, "managed", 1),
      ...beside(word, 1),
      ...beside(word, 2),
    ]),
    redis(1),
    redis(2),
    {
      id: "control",
      name: "empty loop",
      mode: "harness",
      role: "control",
      does: "nothing",
      open: openModule(caseModule("control"), { ...CONTROL, moves: "get" }),
    },
  ],
  targets: WORDS.flatMap(targets),
};
