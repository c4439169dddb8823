import type { Cluster } from "../../src/index.ts";
import { type Child, type ChildOptions, startChild } from "../child.ts";
import type { Output } from "../output.ts";
import type { ScratchCluster } from "../scratch-cluster.ts";

/** Longest time that a process of the demo may take. */
const PROCESS_MS = 120_000;

/** What every stage of the demo works with. */
export interface Stage {
  readonly scratch: ScratchCluster;
  /** The demo's own connection: it asks for the cluster's status only. */
  readonly cluster: Cluster;
  readonly output: Output;
  readonly signal: AbortSignal;
  /** List of what was taken in, with digests. */
  readonly manifestFile: string;
}

/** Starts a process that works on the cluster. */
export function startOn<Result>(
  { scratch, signal }: Stage,
  entry: URL,
  plan: object,
  onNews?: ChildOptions["onNews"],
): Child<Result> {
  const { url, keyFile } = scratch;
  const options = { deadlineMs: PROCESS_MS, signal, ...(onNews === undefined ? {} : { onNews }) };
  return startChild(entry, { url, keyFile, ...plan }, options);
}
