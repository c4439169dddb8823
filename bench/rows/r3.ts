import { byteSize, type Moves, pointKey, type Working } from "../blocks/walk.ts";
import { openModule, openOnCluster } from "../harness/module-case.ts";
import { type CaseSpec, type LineSpec, lineId, type Row, type Target } from "../harness/row.ts";
import { openServedBlocks } from "../limits/limit-cases.ts";
import { openFio } from "../peers/fio.ts";
import { openRedisBenchmark } from "../peers/redis-cases.ts";
import { caseModule } from "./case-module.ts";

/** How much is worked with. */
export interface Transfers {
  readonly workingBytes: number;
  /** Bytes of an operation, the points of the series; with {@link BLOCK_BYTES} among them. */
  readonly sizes: readonly number[];
}

/** An operation's bytes where the row compares. */
const BLOCK_BYTES = 1 << 20;
const RATE_FACTOR = 0.8;
const CONTROL: Working = { workingBytes: 8 << 10, blockBytes: 8, depth: 1, batchOps: 1 };
const FORMS = [
  { form: "sync", mode: "Sync" },
  { form: "promise", mode: "promise" },
] as const;
const MOVES: readonly Moves[] = ["get", "put"];
const AT_SIZE = pointKey(BLOCK_BYTES);

/** The line at the size that is compared lies in the table, too. */
function sizeLines(sizes: readonly number[], name: string, moves: Moves, isLimit: boolean): LineSpec[] {
  return sizes.map((count) => ({
    key: pointKey(count),
    name,
    ...(!isLimit && { limit: lineId(`c-${moves}`, pointKey(count)) }),
    ...(!isLimit && count === BLOCK_BYTES && { peer: `redis-${moves}` }),
    point: { over: "bytes", count },
    seriesOnly: count !== BLOCK_BYTES,
  }));
}

function transfers({ workingBytes, sizes }: Transfers, moves: Moves): CaseSpec[] {
  const working: Working = { workingBytes, blockBytes: sizes, depth: 1, batchOps: 1 };
  const rights = moves === "get" ? "r" : "rw";
  const access = { moves, transport: "tcp", sharing: "managed", rights };
  const beside = { moves, workingBytes, blockBytes: BLOCK_BYTES, depth: 1 };
  return [
    ...FORMS.map(
      ({ form, mode }): CaseSpec => ({
        id: `${moves}-${form}`,
        name: form === "sync" ? `${moves}Sync 1 MiB` : `${moves} 1 MiB`,
        mode,
        role: "didafs",
        does: moves,
        open: openOnCluster(caseModule(form === "sync" ? `didafs-${moves}-sync` : `didafs-${moves}`), {
          ...working,
          ...access,
        }),
        lines: sizeLines(sizes, form === "sync" ? `${moves}Sync` : moves, moves, false),
      }),
    ),
    {
      id: `redis-${moves}`,
      name: `Redis ${moves === "get" ? "GET" : "SET"} 1 MiB`,
      mode: "its C client",
      role: "peer",
      does: moves,
      open: openRedisBenchmark({
        test: moves === "get" ? "get" : "set",
        valueBytes: BLOCK_BYTES,
        depth: 1,
        clients: 1,
      }),
    },
    {
      id: `fio-${moves}`,
      name: `fio on nbdkit, ${moves === "get" ? "read" : "write"} 1 MiB`,
      mode: "nbd",
      role: "peer",
      does: moves,
      open: openFio(beside),
    },
    {
      id: `c-${moves}`,
      name: "C server",
      mode: "polled TCP",
      role: "limit",
      does: moves,
      open: openServedBlocks(working, moves),
      lines: sizeLines(sizes, `C server, ${moves}`, moves, true),
    },
  ];
}

function targets(): Target[] {
  return MOVES.flatMap((moves) =>
    FORMS.map(({ form }) => ({
      line: lineId(`${moves}-${form}`, AT_SIZE),
      bound: { kind: "faster", reference: lineId(`c-${moves}`, AT_SIZE), factor: RATE_FACTOR },
    })),
  );
}

/** Over TCP on the loopback interface, one large operation at a time. */
export function r3(sizes: Transfers): Row {
  return {
    id: "R3",
    title: `get and put of ${byteSize(BLOCK_BYTES)} over TCP, one at a time`,
    setting: `working set ${byteSize(sizes.workingBytes)}, in order; percentiles of single operations`,
    share: 0.5,
    compare: "operationsPerSecond",
    cases: [
      ...MOVES.flatMap((moves) => transfers(sizes, moves)),
      {
        id: "control",
        name: "empty loop",
        mode: "harness",
        role: "control",
        does: "nothing",
        open: openModule(caseModule("control"), { ...CONTROL, moves: "get" }),
      },
    ],
    targets: targets(),
  };
}
