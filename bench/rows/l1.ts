import type { DidafsWindow } from "../../src/client/api.ts";
import { describeWorking, type Working } from "../blocks/walk.ts";
import { openModule, openOnCluster } from "../harness/module-case.ts";
import type { CaseSpec, Row } from "../harness/row.ts";
import { openMappedBlocks } from "../limits/limit-cases.ts";
import { openUcx } from "../peers/ucx.ts";
import { caseModule } from "./case-module.ts";

type Sharing = DidafsWindow["sharing"];

const WORKING: Working = { workingBytes: 64 << 10, blockBytes: 8, depth: 1, batchOps: 1000 };

const READS = { role: "didafs", does: "get", limit: "c-load", peer: "fs-read" } as const;
const WRITES = { role: "didafs", does: "put", limit: "c-store", peer: "fs-write" } as const;

function didafs(sharing: Sharing): CaseSpec[] {
  const by = (module: string, rights: "r" | "rw"): CaseSpec["open"] =>
    openOnCluster(caseModule(module), {
      ...WORKING,
      moves: rights === "r" ? "get" : "put",
      transport: "direct",
      sharing,
      rights,
    });
  return [
    {
      ...READS,
      id: `load-${sharing}`,
      name: "loadSync i64",
      mode: sharing,
      open: by("didafs-load-sync", "r"),
    },
    { ...READS, id: `get-${sharing}`, name: "getSync 8 B", mode: sharing, open: by("didafs-get-sync", "r") },
    {
      ...WRITES,
      id: `store-${sharing}`,
      name: "storeSync i64",
      mode: sharing,
      open: by("didafs-store-sync", "rw"),
    },
    {
      ...WRITES,
      id: `put-${sharing}`,
      name: "putSync 8 B",
      mode: sharing,
      open: by("didafs-put-sync", "rw"),
    },
  ];
}

const PEERS: CaseSpec[] = [
  {
    id: "fs-read",
    name: "fs.readSync 8 B",
    mode: "plain file",
    role: "peer",
    does: "get",
    open: openModule(caseModule("fs-read-sync"), { ...WORKING, moves: "get" }),
  },
  {
    id: "fs-write",
    name: "fs.writeSync 8 B",
    mode: "plain file",
    role: "peer",
    does: "put",
    open: openModule(caseModule("fs-write-sync"), { ...WORKING, moves: "put" }),
  },
  { id: "ucx", name: "UCX get 8 B", mode: "posix", role: "peer", does: "get", open: openUcx("posix") },
];

const LIMITS: CaseSpec[] = [
  {
    id: "c-load",
    name: "C load",
    mode: "mapped file",
    role: "limit",
    does: "get",
    open: openMappedBlocks(WORKING, "get"),
  },
  {
    id: "c-store",
    name: "C store",
    mode: "mapped file",
    role: "limit",
    does: "put",
    open: openMappedBlocks(WORKING, "put"),
  },
];

/** Limits in nanoseconds for a kind of window, and 20 times as fast as the file system's call. */
function targets(sharing: Sharing, loadNs: number, getNs: number): Row["targets"] {
  const beside = { kind: "faster", reference: "fs-read", factor: 20 } as const;
  return [
    { line: `load-${sharing}`, bound: { kind: "time", figure: "meanNs", ns: loadNs } },
    { line: `get-${sharing}`, bound: { kind: "time", figure: "meanNs", ns: getNs } },
    { line: `load-${sharing}`, bound: beside },
    { line: `get-${sharing}`, bound: beside },
  ];
}

/** Same host: words of a file that another process, the target, holds. */
export const L1: Row = {
  id: "L1",
  title: "get and put of 8 bytes on the same host, another process's data",
  setting: describeWorking(WORKING),
  compare: "meanNs",
  cases: [
    ...didafs("raw"),
    ...didafs("managed"),
    ...PEERS,
    ...LIMITS,
    {
      id: "control",
      name: "empty loop",
      mode: "harness",
      role: "control",
      does: "get",
      open: openModule(caseModule("control"), { ...WORKING, moves: "get" }),
    },
  ],
  targets: [...targets("raw", 30, 60), ...targets("managed", 60, 120)],
};
