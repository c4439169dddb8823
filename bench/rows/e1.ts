import { byteSize, pointKey, type Working } from "../blocks/walk.ts";
import { WHOLE } from "../harness/messages.ts";
import { openModule, openOnCluster } from "../harness/module-case.ts";
import { type CaseSpec, type LineSpec, lineId, type Row } from "../harness/row.ts";
import { openSyncedBlocks } from "../limits/limit-cases.ts";
import { openEtcdModule } from "../peers/etcd.ts";
import { openRedisBenchmark } from "../peers/redis-cases.ts";
import { caseModule } from "./case-module.ts";

/** How many origins there are at once, ascending from one. */
export interface CommitPlan {
  readonly origins: readonly number[];
  readonly workingBytes: number;
}

export type EpochDurability = "memory" | "stable";

const BLOCK_BYTES = 4 << 10;
const ALONE_FACTOR = 1.3;
const SYNCS_MAX = 1 / 8;
/** What many origins are to reach: this part of what their number would give, and of what memory gives. */
const CROWD_FACTOR = 0.8;
const CROWD_TIMES = 8;
const LIMIT = "c-overwrite";
const CONTROL: Working = { workingBytes: 8 << 10, blockBytes: 8, depth: 1, batchOps: 1 };

/** What is counted, for the report and the row's target. */
export function syncsPerEpoch(origins: number): string {
  return `syncs of the target an epoch with ${origins} ${origins === 1 ? "origin" : "origins"}`;
}

/** @param beside for a number of origins, the lines that one is set beside */
function originLines(
  name: string,
  origins: readonly number[],
  beside: (count: number) => Pick<LineSpec, "limit" | "peer"> = () => ({}),
): LineSpec[] {
  return origins.map((count) => ({
    key: pointKey(count),
    name,
    ...beside(count),
    point: { over: "origins", count },
    seriesOnly: count !== 1,
  }));
}

export function e1({ origins, workingBytes }: CommitPlan): Row {
  const many = origins.at(-1) ?? 1;
  const size = byteSize(BLOCK_BYTES);
  const does = "put";
  const working = { workingBytes, blockBytes: BLOCK_BYTES, batchOps: 1, moves: does };
  const epochs = (
    transport: "direct" | "tcp",
    durability: EpochDurability,
    counts: readonly number[],
  ): CaseSpec => ({
    id: `${durability}-${transport}`,
    name: `epoch of ${size}, ${durability}`,
    mode: transport === "tcp" ? "TCP" : "unix socket",
    role: "didafs",
    does,
    open: openOnCluster(caseModule("didafs-epoch"), {
      ...working,
      depth: counts,
      transport,
      durability,
      sharing: "managed",
      rights: "rw",
    }),
    lines: originLines(`epoch of ${size}, ${durability}`, counts, (count) => ({
      ...(count === 1 && { limit: LIMIT }),
      ...(durability === "stable" && {
        peer: count === 1 ? lineId("sqlite", pointKey(1)) : `redis-${count}`,
      }),
    })),
  });
  const peer = (id: string, name: string, mode: string, counts: readonly number[]): CaseSpec => {
    const module = caseModule(`${id}-put`);
    const parameters = { ...working, depth: counts };
    return {
      id,
      name,
      mode,
      role: "peer",
      does,
      open: id === "etcd" ? openEtcdModule(module, parameters) : openModule(module, parameters),
      lines: originLines(name, counts),
    };
  };
  const alone = (transport: "direct" | "tcp"): string => lineId(`stable-${transport}`, pointKey(1));
  const crowd = (durability: EpochDurability): string => lineId(`${durability}-tcp`, pointKey(many));
  return {
    id: "E1",
    title: `an atomic and durable epoch of ${size} on one target`,
    setting: `working set ${byteSize(workingBytes)}, in order; percentiles of single epochs`,
    share: 0.5,
    compare: "p50Ns",
    cases: [
      epochs("direct", "stable", [1]),
      epochs("tcp", "stable", origins),
      epochs("tcp", "memory", origins),
      peer("sqlite", `SQLite UPDATE of ${size}`, "WAL, synchronous=FULL", [1]),
      peer("lmdb", `LMDB put of ${size}`, "synced", origins),
      ...origins.map(
        (clients): CaseSpec => ({
          id: `redis-${clients}`,
          name: `Redis SET of ${size}`,
          mode: "appendfsync always, its C client",
          role: "peer",
          does,
          open: openRedisBenchmark({
            test: "set",
            valueBytes: BLOCK_BYTES,
            depth: 1,
            clients,
            keeps: "synced",
          }),
          lines: originLines(`Redis SET of ${size}`, [clients]).map((line) => ({ ...line, key: WHOLE })),
        }),
      ),
      peer("etcd", `etcd put of ${size}`, "one member", origins),
      {
        id: LIMIT,
        name: `C pwrite of ${size}, fdatasync`,
        mode: "written file",
        role: "limit",
        does,
        open: openSyncedBlocks({ ...working, depth: 1 }),
      },
      {
        id: "control-promise",
        name: "await nothing",
        mode: "harness",
        role: "control",
        does: "nothing",
        open: openModule(caseModule("control-promise"), { ...CONTROL, moves: "get" }),
      },
    ],
    targets: [
      ...(["direct", "tcp"] as const).map((transport): Row["targets"][number] => ({
        line: alone(transport),
        bound: { kind: "within", reference: LIMIT, factor: ALONE_FACTOR },
      })),
      { line: crowd("stable"), bound: { kind: "count", name: syncsPerEpoch(many), most: SYNCS_MAX } },
      {
        line: crowd("stable"),
        bound: {
          kind: "lesser",
          of: [
            { line: alone("tcp"), times: CROWD_TIMES },
            { line: crowd("memory"), times: 1 },
          ],
          factor: CROWD_FACTOR,
        },
      },
    ],
  };
}
