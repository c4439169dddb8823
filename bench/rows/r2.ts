import { byteSize, pointKey, type Working } from "../blocks/walk.ts";
import { openModule, openOnCluster } from "../harness/module-case.ts";
import { type CaseSpec, type LineSpec, lineId, type Row, type Target } from "../harness/row.ts";
import { openServedBlocks } from "../limits/limit-cases.ts";
import { openFio } from "../peers/fio.ts";
import { openMemcachedModule } from "../peers/memcached.ts";
import { openRedisBenchmark } from "../peers/redis-cases.ts";
import { caseModule } from "./case-module.ts";

/** How much is worked with. */
export interface Pipeline {
  /** Operations in flight, the points of the series; with {@link DEPTH} among them. */
  readonly depths: readonly number[];
  readonly workingBytes: { readonly block: number; readonly word: number };
}

/** In flight where the row compares. */
const DEPTH = 64;
const BLOCK_BYTES = 4 << 10;
const WORD_BYTES = 8;
const RATE_FACTOR = 0.5;
const CONTROL: Working = { workingBytes: 8 << 10, blockBytes: 8, depth: DEPTH, batchOps: 1 };

const FORMS = [
  { form: "promise", mode: "promises", module: "didafs-get", run: "async" },
  { form: "batch", mode: "batch, run", module: "didafs-get-batch", run: "async" },
  { form: "batch-sync", mode: "batch, runSync", module: "didafs-get-batch", run: "sync" },
] as const;
const AT_DEPTH = pointKey(DEPTH);

/** The line at the depth that is compared lies in the table, too. */
function depthLines(depths: readonly number[], name: string, limit?: string): LineSpec[] {
  return depths.map((count) => ({
    key: pointKey(count),
    name,
    ...(limit !== undefined && { limit: lineId(limit, pointKey(count)) }),
    ...(limit === `c-${BLOCK_BYTES}` && count === DEPTH && { peer: "redis" }),
    point: { over: "in flight", count },
    seriesOnly: count !== DEPTH,
  }));
}

function gets(depths: readonly number[], workingBytes: number, blockBytes: number): CaseSpec[] {
  const size = byteSize(blockBytes);
  const working: Working = { workingBytes, blockBytes, depth: depths, batchOps: 1 };
  const does = `get ${size}`;
  const access = { moves: "get", transport: "tcp", sharing: "managed", rights: "r" };
  return [
    ...FORMS.map(
      ({ form, mode, module, run }): CaseSpec => ({
        id: `${form}-${blockBytes}`,
        name: does,
        mode,
        role: "didafs",
        does,
        open: openOnCluster(caseModule(module), { ...working, ...access, run }),
        lines: depthLines(depths, does, `c-${blockBytes}`),
      }),
    ),
    {
      id: `c-${blockBytes}`,
      name: `C server, get ${size}`,
      mode: "polled TCP",
      role: "limit",
      does,
      open: openServedBlocks(working, "get"),
      lines: depthLines(depths, `C server, get ${size}`),
    },
  ];
}

function peers(workingBytes: number): CaseSpec[] {
  const working = { workingBytes, blockBytes: BLOCK_BYTES, depth: DEPTH, batchOps: 1 };
  const does = `get ${byteSize(BLOCK_BYTES)}`;
  return [
    {
      id: "redis",
      name: "Redis GET 4 KiB",
      mode: "its C client",
      role: "peer",
      does,
      open: openRedisBenchmark({ test: "get", valueBytes: BLOCK_BYTES, depth: DEPTH, clients: 1 }),
    },
    {
      id: "memcached",
      name: "memcached get 4 KiB",
      mode: "Node client",
      role: "peer",
      does,
      open: openMemcachedModule(caseModule("memcached-get"), { ...working, moves: "get" }),
    },
    {
      id: "fio",
      name: "fio on nbdkit, read 4 KiB",
      mode: "nbd",
      role: "peer",
      does,
      open: openFio({ ...working, moves: "get" }),
    },
  ];
}

function targets(): Target[] {
  return FORMS.flatMap(({ form }) => {
    const line = lineId(`${form}-${BLOCK_BYTES}`, AT_DEPTH);
    const beside = (reference: string, factor: number): Target => ({
      line,
      bound: { kind: "faster", reference, factor },
    });
    return [
      beside(lineId(`c-${BLOCK_BYTES}`, AT_DEPTH), RATE_FACTOR),
      ...["redis", "memcached", "fio"].map((peer) => beside(peer, 1)),
    ];
  });
}

/** Over TCP on the loopback interface, many operations on the way at once. */
export function r2({ depths, workingBytes }: Pipeline): Row {
  return {
    id: "R2",
    title: `get of 4 KiB over TCP, ${DEPTH} in flight on one connection`,
    setting: `working sets ${byteSize(workingBytes.block)} of 4 KiB blocks and ${byteSize(workingBytes.word)} of words, in order; percentiles of single operations, with others in flight`,
    share: 0.5,
    compare: "operationsPerSecond",
    cases: [
      ...gets(depths, workingBytes.block, BLOCK_BYTES),
      ...peers(workingBytes.block),
      ...gets(depths, workingBytes.word, WORD_BYTES),
      {
        id: "control",
        name: "await nothing",
        mode: "harness",
        role: "control",
        does: "nothing",
        open: openModule(caseModule("control-promise"), { ...CONTROL, moves: "get" }),
      },
    ],
    targets: targets(),
  };
}
