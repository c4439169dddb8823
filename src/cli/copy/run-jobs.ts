import { labelled, noteFailure } from "../failure.ts";
import type { Progress } from "../progress.ts";
import { Budget } from "./budget.ts";
import { copyFile } from "./copy-file.ts";
import type { Flow, Sink, Source } from "./ends.ts";
import type { Job } from "./plan.ts";
import { readAhead } from "./read-ahead.ts";

const FILES_IN_FLIGHT = 16;
const MEMORY_BYTES = 64 * 2 ** 20;
/** Files that the plan may be ahead, so that the progress bar knows what is to come. */
const PLANNED_AHEAD = 10_000;

export interface Tally {
  files: number;
  directories: number;
  links: number;
  bytes: number;
  skipped: number;
  readonly failures: unknown[];
}

export interface RunOptions {
  readonly verify: boolean;
  readonly preserve: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly tally: Tally;
}

/** Copies all files, several at a time. A file that fails does not keep the others from being copied. */
export async function runJobs(
  plan: AsyncIterable<Job>,
  { verify, preserve, signal, progress, tally }: RunOptions,
): Promise<void> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const options = {
    verify,
    signal: both,
    budget: new Budget(MEMORY_BYTES),
    onBytes: (n: number) => progress.bytes(n),
  };
  const jobs = readAhead(counted(plan, progress), PLANNED_AHEAD);
  const lane = async (): Promise<void> => {
    for (let next = await jobs.next(); !next.done && !both.aborted; next = await jobs.next()) {
      const job = next.value;
      try {
        const make = ({ size, mode, kept }: Source | Flow): Promise<Sink> =>
          job.tree.openSink(job.destination, { size, mode, kept: preserve ? kept : undefined });
        const bytes = await copyFile(job.open, make, options);
        tally.bytes += bytes;
        tally.files += 1;
        progress.file();
      } catch (error) {
        noteFailure(tally.failures, labelled(`${job.from} to ${job.to}`, error));
      }
    }
  };
  const guarded = async (): Promise<void> => {
    try {
      await lane();
    } catch (error) {
      // The copies in flight end and are taken back before the command does.
      stop.abort(error);
    }
  };
  await Promise.all(Array.from({ length: FILES_IN_FLIGHT }, guarded));
  await jobs.return(undefined);
  both.throwIfAborted();
}

async function* counted(plan: AsyncIterable<Job>, progress: Progress): AsyncGenerator<Job> {
  for await (const job of plan) {
    progress.expect(job.size);
    yield job;
  }
}
