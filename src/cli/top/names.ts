import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterClient } from "../../client/cluster.ts";
import { type Places, pathOf } from "../check/entries.ts";
import { Pages } from "../check/pages.ts";

/** Entries of the name space that are gone through in search of names; what lies behind stays a number. */
const ENTRIES_MAX = 200_000;
/** Between two searches. */
const AGAIN_MS = 10_000;

/** Paths of inodes, asked of the metadata service beside everything else: nothing waits for it, and it may be down. */
export class Names {
  readonly #connect: (signal: AbortSignal) => Promise<ClusterClient>;
  readonly #paths = new Map<number, string>();
  readonly #stopped = new AbortController();
  #cluster: Promise<ClusterClient> | undefined;
  #search: Promise<void> | undefined;
  #searchedMs = Number.NEGATIVE_INFINITY;

  constructor(connect: (signal: AbortSignal) => Promise<ClusterClient>) {
    this.#connect = connect;
  }

  pathOf(inode: number): string | undefined {
    return this.#paths.get(inode);
  }

  /** Looks for the paths of inodes that have none yet. @param limitMs how long to wait for them */
  async find(inodes: readonly number[], limitMs: number): Promise<void> {
    const missing = inodes.filter((inode) => inode !== 0 && !this.#paths.has(inode));
    const isTime = performance.now() - this.#searchedMs >= AGAIN_MS;
    if (missing.length > 0 && isTime && this.#search === undefined) {
      this.#searchedMs = performance.now();
      this.#search = this.#searchFor(new Set(inodes)).finally(() => {
        this.#search = undefined;
      });
    }
    if (this.#search === undefined || limitMs === 0) return;
    const late = new AbortController();
    await Promise.race([this.#search, sleep(limitMs, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
  }

  /** Also finds what was renamed: whoever is asked for is looked up anew. */
  async #searchFor(inodes: ReadonlySet<number>): Promise<void> {
    const places: Places = new Map();
    try {
      this.#cluster ??= this.#connect(this.#stopped.signal);
      const pages = new Pages(await this.#cluster, { signal: this.#stopped.signal }, () => {});
      let seen = 0;
      for await (const record of pages.records("entries")) {
        seen += 1;
        if (seen > ENTRIES_MAX) break;
        if (record.kind !== "entry" || !(record.type === "directory" || inodes.has(record.inode))) continue;
        places.set(record.inode, { directory: record.directory, name: record.name });
      }
    } catch {
      // Numbers do. Another search connects anew.
      await this.#disconnect();
    }
    for (const inode of inodes) {
      const path = pathOf(inode, places, undefined);
      if (path !== undefined) this.#paths.set(inode, path);
    }
  }

  async #disconnect(): Promise<void> {
    const cluster = this.#cluster;
    this.#cluster = undefined;
    await cluster?.then(
      (connected) => connected.close(),
      () => {},
    );
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#search;
    await this.#disconnect();
  }
}
