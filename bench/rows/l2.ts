import { byteSize, type Moves, type Working } from "../blocks/walk.ts";
import { openModule, openOnCluster } from "../harness/module-case.ts";
import type { CaseSpec, Row, Target } from "../harness/row.ts";
import { openMappedBlocks } from "../limits/limit-cases.ts";
import { caseModule } from "./case-module.ts";

type Sharing = "raw" | "managed";

/** A block's size, how it is worked with, and how many times memcpy's time it may take. */
interface Size {
  readonly working: Working & { readonly blockBytes: number };
  readonly factor: number;
}

const SMALL: Size = {
  working: { workingBytes: 1 << 20, blockBytes: 4 << 10, depth: 1, batchOps: 100 },
  factor: 2,
};
const LARGE: Size = {
  working: { workingBytes: 8 << 20, blockBytes: 1 << 20, depth: 1, batchOps: 1 },
  factor: 1.3,
};
const CONTROL: Working = { workingBytes: 64 << 10, blockBytes: 8, depth: 1, batchOps: 100 };

function didafs({ working }: Size, sharing: Sharing): CaseSpec[] {
  const size = byteSize(working.blockBytes);
  const one = (moves: Moves): CaseSpec => ({
    id: `${moves}-${sharing}-${working.blockBytes}`,
    name: `${moves}Sync ${size}`,
    mode: sharing,
    role: "didafs",
    does: `${moves} ${size}`,
    limit: `c-${moves}-${working.blockBytes}`,
    peer: `fs-${moves}-${working.blockBytes}`,
    open: openOnCluster(caseModule(`didafs-${moves}-sync`), {
      ...working,
      moves,
      transport: "direct",
      sharing,
      rights: moves === "get" ? "r" : "rw",
    }),
  });
  return [one("get"), one("put")];
}

function beside({ working }: Size): CaseSpec[] {
  const size = byteSize(working.blockBytes);
  const both = (moves: Moves): CaseSpec[] => [
    {
      id: `fs-${moves}-${working.blockBytes}`,
      name: `${moves === "get" ? "fs.readSync" : "fs.writeSync"} ${size}`,
      mode: "plain file",
      role: "peer",
      does: `${moves} ${size}`,
      open: openModule(caseModule(moves === "get" ? "fs-read-sync" : "fs-write-sync"), { ...working, moves }),
    },
    {
      id: `c-${moves}-${working.blockBytes}`,
      name: `C memcpy ${moves === "get" ? "from" : "to"}, ${size}`,
      mode: "mapped file",
      role: "limit",
      does: `${moves} ${size}`,
      open: openMappedBlocks(working, moves),
    },
  ];
  return [...both("get"), ...both("put")];
}

const LMDB: CaseSpec = {
  id: "lmdb-get",
  name: "LMDB get 4 KiB",
  mode: "LMDB",
  role: "peer",
  does: "get 4 KiB",
  open: openModule(caseModule("lmdb-get"), { ...SMALL.working, moves: "get" }),
};

function targets({ working, factor }: Size): Target[] {
  const within = (line: string, moves: Moves): Target => ({
    line: `${line}-${working.blockBytes}`,
    bound: { kind: "within", reference: `c-${moves}-${working.blockBytes}`, factor },
  });
  return [within("get-raw", "get"), within("get-managed", "get"), within("put-raw", "put")];
}

/** Same host: blocks of a file that another process, the target, holds. */
export const L2: Row = {
  id: "L2",
  title: "get and put of 4 KiB and 1 MiB on the same host, another process's data",
  setting:
    "working sets 1 MiB of 4 KiB blocks and 8 MiB of 1 MiB blocks, in order; percentiles of 4 KiB over batches of 100 operations, of 1 MiB of single ones",
  compare: "meanNs",
  cases: [
    ...[SMALL, LARGE].flatMap((size) => [
      ...didafs(size, "raw"),
      ...didafs(size, "managed"),
      ...beside(size),
    ]),
    LMDB,
    {
      id: "control",
      name: "empty loop",
      mode: "harness",
      role: "control",
      does: "nothing",
      open: openModule(caseModule("control"), { ...CONTROL, moves: "get" }),
    },
  ],
  targets: [...targets(SMALL), ...targets(LARGE)],
};
