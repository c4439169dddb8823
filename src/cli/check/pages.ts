import type { CallOptions } from "../../client/api.ts";
import type { ClusterClient } from "../../client/cluster.ts";
import { isDidafsError } from "../../std/errors.ts";
import type { AuditRecord, Params, Result } from "../../wire/control.ts";
import { failureOf } from "../failure.ts";
import type { Region, Source } from "./source.ts";

/** A running cluster's pages, one asked for ahead of its use. */
export class Pages implements Source {
  readonly #cluster: Pick<ClusterClient, "call">;
  readonly #call: CallOptions;
  readonly #onPage: (count: number) => void;
  readonly #failed = new Map<string, string>();
  #totals = { revision: 0, inodes: 0, nextInode: 0 };

  /** @param onPage hears how many records a page had */
  constructor(cluster: Pick<ClusterClient, "call">, call: CallOptions, onPage: (count: number) => void) {
    this.#cluster = cluster;
    this.#call = call;
    this.#onPage = onPage;
  }

  get totals(): Source["totals"] {
    return this.#totals;
  }

  get failed(): ReadonlyMap<string, string> {
    return this.#failed;
  }

  async *records(section: Params<"meta.audit">["section"]): AsyncGenerator<AuditRecord, void, undefined> {
    let after: string | undefined;
    do {
      const page: Result<"meta.audit"> = await this.#cluster.call(
        "meta.audit",
        { section, after },
        this.#call,
      );
      const { revision, inodes, nextInode, records, next } = page;
      this.#totals = { revision, inodes, nextInode };
      this.#onPage(records.length);
      yield* records;
      after = next;
    } while (after !== undefined);
  }

  async *regions(target: string): AsyncGenerator<Region, void, undefined> {
    let after: Params<"meta.auditRegions">["after"];
    for (;;) {
      let page: Result<"meta.auditRegions">;
      try {
        page = await this.#cluster.call("meta.auditRegions", { target, after }, this.#call);
      } catch (error) {
        if (isDidafsError(error, "ERR_ABORTED")) throw error;
        this.#failed.set(target, failureOf(error).message);
        return;
      }
      this.#onPage(page.regions.length);
      yield* page.regions;
      const last = page.regions.at(-1);
      if (!page.more || last === undefined) return;
      after = { inode: last.inode, index: last.index };
    }
  }
}
