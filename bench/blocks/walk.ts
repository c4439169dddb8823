import { WHOLE } from "../harness/messages.ts";

/** Whether blocks are read or written. */
export type Moves = "get" | "put";

/** How a case goes through its working set; of `blockBytes` and `depth` one may be the points of a series. */
export interface Working {
  /** Visited in blocks in order, in circles; a power of two. */
  readonly workingBytes: number;
  /** Bytes of an operation; powers of two. */
  readonly blockBytes: number | readonly number[];
  /** Operations under way at once; divides the number of blocks. */
  readonly depth: number | readonly number[];
  /** Operations that are timed together, where they do not overlap. */
  readonly batchOps: number;
}

/** One way through the working set. */
export interface Walk {
  readonly blocks: number;
  readonly blockBytes: number;
  readonly depth: number;
}

/** The walks of a case, by the keys of their lines: {@link WHOLE} where there is one only, else see {@link pointKey}. */
export function walksOf({ workingBytes, blockBytes, depth }: Working): Map<string, Walk> {
  const walk = (bytes: number, inFlight: number): Walk => ({
    blocks: workingBytes / bytes,
    blockBytes: bytes,
    depth: inFlight,
  });
  if (typeof blockBytes !== "number") {
    return new Map(blockBytes.map((bytes) => [pointKey(bytes), walk(bytes, depth as number)]));
  }
  if (typeof depth !== "number") {
    return new Map(depth.map((inFlight) => [pointKey(inFlight), walk(blockBytes, inFlight)]));
  }
  return new Map([[WHOLE, walk(blockBytes, depth)]]);
}

/** Key of the line at one point of a series. */
export function pointKey(count: number): string {
  return `@${count}`;
}

/** For people: what is visited, and how. */
export function describeWorking({ workingBytes, batchOps }: Working): string {
  const percentiles = batchOps === 1 ? "of single operations" : `over batches of ${batchOps} operations`;
  return `working set ${byteSize(workingBytes)}, in order; percentiles ${percentiles}`;
}

export function byteSize(bytes: number): string {
  if (bytes < 1 << 10) return `${bytes} B`;
  return bytes < 1 << 20 ? `${bytes / (1 << 10)} KiB` : `${bytes / (1 << 20)} MiB`;
}
