import { patternBytes } from "../blocks/pattern.ts";
import type { CaseSetup } from "../harness/case.ts";

/** How a process hands blocks over to another one that waits for them. */
export type Way = "notified" | "told" | "zeromq" | "redis";

/** Parameters of the cases that hand blocks over. */
export interface HandOverParameters {
  readonly way: Way;
  /** Of blocks; a line for each. */
  readonly sizes: readonly number[];
  /** Of all blocks of one side. */
  readonly workingBytes: number;
  readonly transport: "direct" | "tcp";
  readonly sharing: "managed" | "raw";
  /** Names of the case's own begin with it: of files, or of Redis's streams. */
  readonly path: string;
  /** 1: who was notified also reads the block. */
  readonly reads: number;
  /** Of the library, for ZeroMQ, or of the server, for Redis. */
  readonly where: string;
}

/** What a side is opened with, for blocks of one size. */
export interface SideSetup extends CaseSetup {
  readonly blockBytes: number;
  /** The blocks that this side hands over. They change between two rounds. */
  readonly pattern: Int32Array;
  /** Where the first side is; undefined for the first side itself, which is opened before the other one. */
  readonly firstAddress: string | undefined;
}

/** One of two processes that hand blocks over to each other, in order and in circles. */
export interface Side {
  /** For the other side. */
  readonly address: string;
  /** Hands over a block; settles when the next one may follow. One at a time. */
  send(block: number): Promise<unknown>;
  /** Resolves with the number of the block that the other side has handed over. One at a time. */
  receive(): Promise<number>;
  /** The other side's blocks as they were handed over. To be asked for when none is under way. */
  received(): Promise<Uint8Array>;
  close(): Promise<void>;
}

export function parametersOf({ parameters }: CaseSetup): HandOverParameters {
  return parameters as unknown as HandOverParameters;
}

/** Views of all blocks of `bytes`, made beforehand. */
export function blocksOf(bytes: Uint8Array<ArrayBuffer>, blockBytes: number): Uint8Array<ArrayBuffer>[] {
  return Array.from({ length: bytes.byteLength / blockBytes }, (_, block) =>
    bytes.subarray(block * blockBytes, (block + 1) * blockBytes),
  );
}

/** What a side hands over, and where it keeps what it is handed over. */
export function sideBlocks({ pattern, blockBytes }: SideSetup): {
  readonly mine: readonly Uint8Array<ArrayBuffer>[];
  readonly seen: Uint8Array<ArrayBuffer>;
  readonly theirs: readonly Uint8Array<ArrayBuffer>[];
} {
  const bytes = patternBytes(pattern);
  const seen = new Uint8Array(bytes.byteLength);
  return { mine: blocksOf(bytes, blockBytes), seen, theirs: blocksOf(seen, blockBytes) };
}
