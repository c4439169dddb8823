/** Where the throw-away cluster is, and its key. */
export interface ClusterAddress {
  readonly url: string;
  readonly keyHex: string;
}

/** What a case module is given. Everything in it survives a message to another process, except the pattern. */
export interface CaseSetup {
  /** Words of 8 bytes that are visited in order, in circles; a power of two. */
  readonly words: number;
  /** Undefined for a case that needs none. */
  readonly cluster: ClusterAddress | undefined;
  /** A directory of the case's own, on the file system that holds the cluster's data. */
  readonly dir: string;
  /** What distinguishes cases of one module. */
  readonly parameters: Readonly<Record<string, string | number>>;
  /** The words: what gets find, and what puts write. The harness writes other words into it before a round of puts. */
  readonly pattern: Int32Array;
}

interface CommonCase {
  /**
   * The words as they are now, for the hash. Gets read every word by the very operation that is measured; puts are read
   * back by another way, so that bytes that never left do not pass.
   */
  bytes(): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Operations that return when they are done. */
export interface SyncCase extends CommonCase {
  /**
   * Runs `count` operations from word number `word` on. Holds its own loop, so that no call of the harness lies between
   * two operations. @returns the sum of the low halves that were read; of puts, anything
   */
  batch(word: number, count: number): number;
}

/** Operations that are awaited. */
export interface PromiseCase extends CommonCase {
  /** Starts the operation on word number `word`. */
  step(word: number): Promise<unknown>;
  /** The low half that the last operation read; of puts, anything. */
  seen(): number;
}

/** What a case module exports as `open`. */
export type OpenCase = (setup: CaseSetup) => Promise<SyncCase | PromiseCase>;
