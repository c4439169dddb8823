import type { Cluster } from "../../src/index.ts";
import { type Child, type ChildOptions, startChild } from "../child.ts";
import type { Input } from "../input.ts";
import { totalBytes } from "../manifest.ts";
import type { Output } from "../output.ts";
import type { ScratchCluster } from "../scratch-cluster.ts";

/** Longest time that a process of the demo may take: this, and more for input that is larger than the demo's own. */
const PROCESS_MS = 120_000;
const FILE_MS = 20;
const BYTES_PER_MS = 20_000;

/** What every stage of the demo works with. */
export interface Stage {
  readonly scratch: ScratchCluster;
  /** The demo's own connection: it asks for the cluster's status only. */
  readonly cluster: Cluster;
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly input: Input;
  /** List of what was taken in, with digests. */
  readonly manifestFile: string;
}

/** Starts a process that works on the cluster. */
export function startOn<Result>(
  { scratch, signal, input }: Stage,
  entry: URL,
  plan: object,
  onNews?: ChildOptions["onNews"],
): Child<Result> {
  const { url, keyFile } = scratch;
  const deadlineMs = PROCESS_MS + input.files.length * FILE_MS + totalBytes(input.files) / BYTES_PER_MS;
  const options = { deadlineMs: Math.ceil(deadlineMs), signal, ...(onNews === undefined ? {} : { onNews }) };
  return startChild(entry, { url, keyFile, ...plan }, options);
}
