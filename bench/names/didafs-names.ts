import type { Cluster } from "../../src/client/api.ts";
import { connect } from "../../src/runtime/connect.ts";
import type { ClusterAddress } from "../harness/case.ts";
import type { NameStore } from "./name-store.ts";

/** Calls that are under way at once while directories are filled. */
const FILL_AT_ONCE = 64;
const FILE_BYTES = 4096;

/** Names of the throw-away cluster, below the directory `root`. */
export async function openDidafsNames({ url, keyHex }: ClusterAddress, root: string): Promise<NameStore> {
  const cluster = await connect(url, { key: Buffer.from(keyHex, "hex") });
  await cluster.mkdir(root, { recursive: true });
  const used = `${root}.used`;
  await (await cluster.open(used, { create: true, size: FILE_BYTES })).close();
  return {
    makeDirectory: (directory) => cluster.mkdir(root + directory),
    fill: (directory, names) =>
      // Directories, since they are made without a target's part: a listing costs the same for any kind of entry.
      inParallel(names, (name) => cluster.mkdir(`${root}${directory}/${name}`)),
    create: async (path) => {
      const file = await cluster.open(root + path, { create: "exclusive" });
      return () => file.close();
    },
    open: async (path) => {
      const file = await cluster.open(root + path);
      return () => file.close();
    },
    stat: async (path) => (await cluster.stat(root + path)).size,
    list: async (directory) => {
      const names: string[] = [];
      for await (const { name } of cluster.readdir(root + directory)) names.push(name);
      return names;
    },
    unlink: (path) => cluster.remove(root + path),
    use: async () => {
      const file = await cluster.open(used);
      await file.window();
      await file.close();
    },
    metadataCalls: (path, operations) => metadataCalls(cluster, root + path, operations),
    close: () => cluster.close(),
  };
}

async function inParallel(names: readonly string[], run: (name: string) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    for (let name = names[next++]; name !== undefined; name = names[next++]) await run(name);
  };
  await Promise.all(Array.from({ length: FILL_AT_ONCE }, work));
}

async function metadataCalls(cluster: Cluster, path: string, operations: number): Promise<number> {
  await using file = await cluster.open(path, { create: "exclusive", size: FILE_BYTES });
  await using window = await file.window({ rights: "rw" });
  const before = await callCount(cluster);
  const bytes = new Uint8Array(64);
  for (let i = 0; i < operations; i++) {
    const at = (i * 64) % FILE_BYTES;
    if (i % 2 === 0) await window.put(at, bytes);
    else await window.get(at, bytes);
  }
  const after = await callCount(cluster);
  await cluster.remove(path);
  return after - before;
}

/** Calls that origins asked the metadata service for, but for those that count. */
async function callCount(cluster: Cluster): Promise<number> {
  const { counters } = await cluster.status();
  return (counters.requests ?? 0) - (counters["meta.status"] ?? 0);
}
