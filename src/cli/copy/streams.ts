import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { addAbortSignal, type Readable } from "node:stream";
import { pour } from "./chunks.ts";
import type { Sink, Source } from "./ends.ts";
import { machinePath } from "./local-path.ts";
import { sourceOf } from "./local-tree.ts";

/** Mode of a file that is made from a stream. */
const MODE = 0o644;

/**
 * Takes all bytes of a stream of unknown length into a temporary file, because a file in the cluster is made with its
 * size. The file has no name any more when this returns, so that nothing is left of it however the process ends.
 */
export async function spool(input: Readable, signal: AbortSignal): Promise<Source> {
  const folder = await mkdtemp(path.join(tmpdir(), "didafs-"));
  const handle = await open(path.join(folder, "spool"), "wx+", 0o600).finally(() =>
    rm(folder, { recursive: true }),
  );
  try {
    await handle.writeFile(addAbortSignal(signal, input));
    const { size, read, close } = await sourceOf(handle, "the input");
    return { size, read, close, mode: MODE };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export async function spoolFile(file: string, signal: AbortSignal): Promise<Source> {
  return await spool(createReadStream(machinePath(file)), signal);
}

/** Writes all bytes of a source to standard output, and closes it. */
export async function writeOut(source: Source, signal: AbortSignal): Promise<void> {
  try {
    await pour(source, STANDARD_OUTPUT, signal, () => {});
  } finally {
    await source.close();
  }
}

const STANDARD_OUTPUT: Pick<Sink, "inOrder" | "write"> = {
  inOrder: true,
  write: (_, from) =>
    new Promise((resolve, reject) => {
      process.stdout.write(from, (error) => (error ? reject(error) : resolve()));
    }),
};
