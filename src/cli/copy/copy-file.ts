import { createHash } from "node:crypto";
import { DidafsError } from "../../std/errors.ts";
import type { Budget } from "./budget.ts";
import { bufferBytes, passBytes, pour, pourFlow } from "./chunks.ts";
import type { Flow, Sink, Source } from "./ends.ts";

export interface CopyOptions {
  readonly verify: boolean;
  readonly signal: AbortSignal;
  /** Bounds the memory of all copies that run at a time. */
  readonly budget: Budget;
  readonly onBytes: (count: number) => void;
}

/**
 * Copies one file, whole or not at all.
 * @returns bytes copied
 * @throws ERR_CORRUPT when `verify` finds other bytes than were written
 */
export async function copyFile(
  open: () => Promise<Source | Flow>,
  openSink: (source: Source | Flow) => Promise<Sink>,
  options: CopyOptions,
): Promise<number> {
  const { signal, budget } = options;
  signal.throwIfAborted();
  const source = await open();
  try {
    const giveBack = await budget.take(bufferBytes(source.size));
    try {
      return await copyInto(source, await openSink(source), options);
    } finally {
      giveBack();
    }
  } finally {
    await source.close();
  }
}

async function copyInto(
  source: Source | Flow,
  sink: Sink,
  { verify, signal, onBytes }: CopyOptions,
): Promise<number> {
  try {
    const hash = verify ? createHash("sha256") : undefined;
    const seen = hash && ((chunk: Uint8Array) => void hash.update(chunk));
    const size =
      source.size === undefined
        ? await pourFlow(source, sink, signal, onBytes, seen)
        : await pour(source, sink, signal, onBytes, seen);
    if (hash !== undefined && sink.read !== undefined) {
      const written = hash.digest("hex");
      const found = await digest(size, sink.read, signal);
      if (found !== written)
        throw new DidafsError("ERR_CORRUPT", "the copy read back differs from what was written");
    }
    signal.throwIfAborted();
    await sink.commit();
    return size;
  } catch (error) {
    // The first failure is the one to tell; a half-made file that stays has a name that says what it is.
    await sink.discard().catch(() => {});
    throw error;
  }
}

async function digest(size: number, read: NonNullable<Sink["read"]>, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await passBytes({ size, read, inTurn: (chunk) => void hash.update(chunk), signal });
  return hash.digest("hex");
}
