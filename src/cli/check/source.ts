import type { AuditRecord, Params, Problem, Result } from "../../wire/control.ts";

type OfKind<K extends AuditRecord["kind"]> = Extract<AuditRecord, { kind: K }>;
export type InodeRecord = OfKind<"inode">;
export type EntryRecord = OfKind<"entry">;
export type Note = OfKind<"note">;
export type Removal = OfKind<"removal">;
export type Damaged = OfKind<"damaged">;
export type Region = Result<"region.audit">["regions"][number];

/** What of a problem's size is known. */
export interface Suspect {
  readonly problem: Problem;
  /** Of the region, or of what the file should have. */
  readonly bytes?: number | undefined;
  readonly written?: boolean | undefined;
  readonly detail?: string | undefined;
}

/** A cluster's metadata and regions as they lie there, each stream in the order of its keys. */
export interface Source {
  records(section: Params<"meta.audit">["section"]): AsyncGenerator<AuditRecord, void, undefined>;
  /** Ends early where the target fails; it is in `failed` then. */
  regions(target: string): AsyncGenerator<Region, void, undefined>;
  /** Targets that could not be looked at, and why. */
  readonly failed: ReadonlyMap<string, string>;
  /** Of the last page of records. */
  readonly totals: { readonly revision: number; readonly inodes: number; readonly nextInode: number };
}
