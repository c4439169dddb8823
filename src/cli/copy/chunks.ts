import type { Flow, Sink, Source } from "./ends.ts";
import { Turns } from "./turns.ts";

export const CHUNK_BYTES = 4 * 2 ** 20;
const LANES = 4;

/** Memory that the copy of a file of `size` bytes, or of as many as come, holds while it runs. */
export function bufferBytes(size = Number.POSITIVE_INFINITY): number {
  return Math.min(size, LANES * CHUNK_BYTES);
}

export interface Passing {
  readonly size: number;
  read(at: number, into: Uint8Array): Promise<void>;
  /** Sees the chunks one by one in their order. */
  inTurn?(chunk: Uint8Array, at: number): Promise<void> | void;
  /** Sees each chunk after that, several at a time. */
  freely?(chunk: Uint8Array, at: number): Promise<void>;
  readonly signal: AbortSignal;
}

/** Passes all bytes by in chunks, some of them in flight at a time. Settles when nothing is in flight any more. */
export async function passBytes({ size, read, inTurn, freely, signal }: Passing): Promise<void> {
  const count = Math.ceil(size / CHUNK_BYTES);
  const turns = new Turns();
  const lane = async (first: number): Promise<void> => {
    const buffer = new Uint8Array(Math.min(size, CHUNK_BYTES));
    for (let index = first; index < count && !turns.failed; index += LANES) {
      signal.throwIfAborted();
      const at = index * CHUNK_BYTES;
      const chunk = buffer.subarray(0, Math.min(CHUNK_BYTES, size - at));
      await read(at, chunk);
      if (inTurn !== undefined) {
        await turns.take(index);
        await inTurn(chunk, at);
        turns.pass();
      }
      await freely?.(chunk, at);
    }
  };
  const guarded = (first: number): Promise<void> => lane(first).catch((error) => turns.fail(error));
  await Promise.all(Array.from({ length: Math.min(LANES, count) }, (_, first) => guarded(first)));
  turns.throwIfFailed();
}

/**
 * Copies a source's bytes into a sink; `seen` gets them in order when it is given.
 * @returns bytes copied
 */
export async function pour(
  source: Source,
  sink: Pick<Sink, "inOrder" | "write">,
  signal: AbortSignal,
  onBytes: (count: number) => void,
  seen?: (chunk: Uint8Array) => void,
): Promise<number> {
  const { size } = source;
  const read = (at: number, into: Uint8Array): Promise<void> => source.read(at, into);
  const write = async (chunk: Uint8Array, at: number): Promise<void> => {
    await sink.write(at, chunk);
    onBytes(chunk.byteLength);
  };
  if (sink.inOrder) {
    const inTurn = async (chunk: Uint8Array, at: number): Promise<void> => {
      seen?.(chunk);
      await write(chunk, at);
    };
    await passBytes({ size, read, inTurn, signal });
  } else
    await passBytes({ size, read, freely: write, signal, ...(seen === undefined ? {} : { inTurn: seen }) });
  return size;
}

/**
 * Copies what comes into a sink, in order.
 * @returns bytes copied
 */
export async function pourFlow(
  { chunks }: Flow,
  sink: Pick<Sink, "write">,
  signal: AbortSignal,
  onBytes: (count: number) => void,
  seen?: (chunk: Uint8Array) => void,
): Promise<number> {
  let at = 0;
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    seen?.(chunk);
    await sink.write(at, chunk);
    at += chunk.byteLength;
    onBytes(chunk.byteLength);
  }
  return at;
}
