import type { CaseSetup, ClusterAddress } from "../harness/case.ts";
import { openDidafsNames } from "./didafs-names.ts";
import { openFsNames } from "./fs-names.ts";
import { openLmdbNames } from "./lmdb-names.ts";

/** Ends what was opened. */
export type Close = () => Promise<void> | void;

/**
 * What keeps names, as row M1 asks it. Paths begin with `/` and have a directory and a name. Where an answer comes
 * without waiting it is no promise, so that nothing is awaited.
 */
export interface NameStore {
  makeDirectory(directory: string): Promise<void>;
  /** Adds names that are there all the while, as quickly as it can. */
  fill(directory: string, names: readonly string[]): Promise<void>;
  /** Makes an empty file, which must not be there yet. */
  create(path: string): Promise<Close> | Close;
  open(path: string): Promise<Close> | Close;
  /** @returns the size in bytes */
  stat(path: string): Promise<number> | number;
  /** @returns all names, with what each is looked at */
  list(directory: string): Promise<string[]> | string[];
  unlink(path: string): Promise<void> | void;
  /** Opens a file that has bytes and a window on all of it, and closes both. */
  readonly use?: () => Promise<void>;
  /** Reads and writes an open file `operations` times. @returns the metadata calls that the service counted meanwhile */
  readonly metadataCalls?: (path: string, operations: number) => Promise<number>;
  close(): Promise<void>;
}

export const STORES = ["didafs", "fs", "fs-sync", "lmdb"] as const;

/** @param setup `parameters.store` is one of {@link STORES}; `parameters.path` is where on the cluster */
export async function openNameStore(setup: CaseSetup): Promise<NameStore> {
  const { store, path } = setup.parameters as {
    readonly store: (typeof STORES)[number];
    readonly path: string;
  };
  switch (store) {
    case "didafs":
      return openDidafsNames(setup.cluster as ClusterAddress, path);
    case "fs":
    case "fs-sync":
      return openFsNames(setup.dir, store === "fs-sync");
    case "lmdb":
      return openLmdbNames(setup.dir);
  }
}
