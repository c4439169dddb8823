import { openModule, openOnCluster } from "../harness/module-case.ts";
import { type CaseSpec, type LineSpec, lineId, type Row } from "../harness/row.ts";
import { caseModule } from "./case-module.ts";

/** How far the series go. */
export interface NameCounts {
  /** Names in a directory, ascending. */
  readonly entries: readonly number[];
  /** Files that come and go in a directory beside the names that stay. */
  readonly files: number;
  /** Clients at once, ascending. */
  readonly clients: readonly number[];
}

const OPERATIONS = ["create", "open", "stat", "readdir", "unlink"];
const CALLS = ["create", "open", "stat", "unlink"];
const CHANGES = ["create", "unlink"];
const OPEN_US_MAX = 100;
const METADATA_CALLS = "metadata calls in 1000 data operations";

/** @param beside cases of the row that the lines are set beside: the limit, and by operation the peer */
function entryLines(
  operations: readonly string[],
  entries: readonly number[],
  beside: { readonly limit?: string; readonly peers?: Readonly<Record<string, string>> } = {},
): LineSpec[] {
  return entries.flatMap((count) =>
    operations.map((operation): LineSpec => {
      const key = `${operation}@${count}`;
      const { limit, peers } = beside;
      const peer = peers?.[operation];
      return {
        key,
        name: operation,
        ...(limit !== undefined && { limit: lineId(limit, key) }),
        ...(peer !== undefined && { peer: lineId(peer, key) }),
        point: { over: "entries", count },
        seriesOnly: count !== entries.at(-1),
      };
    }),
  );
}

/** Opening a file with a window, at each size of directory. */
function useLines(entries: readonly number[]): LineSpec[] {
  return entries.map((count) => ({
    key: `use@${count}`,
    name: "open, window, close",
    point: { over: "entries", count },
    seriesOnly: count !== entries.at(-1),
  }));
}

function clientLines(clients: readonly number[], peer?: string): LineSpec[] {
  return clients.flatMap((count) =>
    CALLS.map((operation): LineSpec => {
      const key = `${operation}@${count}`;
      return {
        key,
        name: operation,
        ...(peer !== undefined && { peer: lineId(peer, key) }),
        point: { over: "clients", count },
        seriesOnly: true,
      };
    }),
  );
}

/** What survives power loss is set beside what does, a look beside a look. */
const PEERS = { create: "fs-sync", unlink: "fs-sync", open: "fs", stat: "fs", readdir: "fs" };

function sizes(entries: readonly number[], files: number): CaseSpec[] {
  const module = caseModule("names");
  const does = "names";
  return [
    {
      id: "didafs",
      name: "didafs",
      mode: "didafs",
      role: "didafs",
      does,
      open: openOnCluster(module, { store: "didafs", entries, files }),
      lines: [...entryLines(OPERATIONS, entries, { limit: "lmdb", peers: PEERS }), ...useLines(entries)],
    },
    {
      id: "fs",
      name: "node:fs",
      mode: "native",
      role: "peer",
      does,
      open: openModule(module, { store: "fs", entries, files }),
      lines: entryLines(OPERATIONS, entries),
    },
    {
      id: "fs-sync",
      name: "node:fs, synced",
      mode: "native, synced",
      role: "peer",
      does,
      open: openModule(module, { store: "fs-sync", entries, files }),
      lines: entryLines(CHANGES, entries),
    },
    {
      id: "lmdb",
      name: "LMDB",
      mode: "LMDB",
      role: "limit",
      does,
      open: openModule(module, { store: "lmdb", entries, files }),
      lines: entryLines(OPERATIONS, entries),
    },
  ];
}

function crowds(clients: readonly number[]): CaseSpec[] {
  const module = caseModule("name-clients");
  const does = "names of clients";
  return [
    {
      id: "didafs-clients",
      name: "didafs",
      mode: "didafs",
      role: "didafs",
      does,
      open: openOnCluster(module, { store: "didafs", clients }),
      lines: clientLines(clients, "fs-sync-clients"),
    },
    {
      id: "fs-sync-clients",
      name: "node:fs, synced",
      mode: "native, synced",
      role: "peer",
      does,
      open: openModule(module, { store: "fs-sync", clients }),
      lines: clientLines(clients),
    },
  ];
}

/** Names and what is looked up by them, through the library. */
export function m1({ entries, files, clients }: NameCounts): Row {
  const largest = entries.at(-1) ?? 0;
  return {
    id: "M1",
    title: "create, open, stat, readdir and unlink",
    setting: `in a directory of ${largest.toLocaleString("en")} names; percentiles of single operations`,
    share: 0.25,
    compare: "p50Ns",
    cases: [...sizes(entries, files), ...crowds(clients)],
    targets: [
      {
        line: lineId("didafs", `open@${largest}`),
        bound: { kind: "time", figure: "p50Ns", ns: OPEN_US_MAX * 1000 },
      },
      {
        line: lineId("didafs", `open@${largest}`),
        bound: { kind: "count", name: METADATA_CALLS, most: 0 },
      },
    ],
  };
}
