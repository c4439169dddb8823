import { createReadStream, fstatSync, read } from "node:fs";
import { addAbortSignal, type Readable } from "node:stream";
import { promisify } from "node:util";
import { writeOutput } from "../output.ts";
import { pour } from "./chunks.ts";
import type { Flow, Sink, Source } from "./ends.ts";
import { machinePath } from "./local-path.ts";

/** Mode of a file that is made from a stream. */
const MODE = 0o644;
const STANDARD_INPUT = 0;
/** Of what is read from a file at a time. */
const READ_BYTES = 2 ** 20;
const readInto = promisify(read);

/** All bytes of standard input. */
export function inputFlow(signal: AbortSignal): Flow {
  if (!fstatSync(STANDARD_INPUT).isFile()) return flowOf(process.stdin, signal);
  return { mode: MODE, chunks: readToEnd(STANDARD_INPUT), close: async () => {} };
}

/** All bytes of a pipe or device. */
export function fileFlow(file: string, signal: AbortSignal): Flow {
  return flowOf(createReadStream(machinePath(file), { highWaterMark: READ_BYTES }), signal);
}

function flowOf(input: Readable, signal: AbortSignal): Flow {
  return {
    mode: MODE,
    chunks: addAbortSignal(signal, input),
    close: async () => void input.destroy(),
  };
}

/**
 * Of a file, which keeps nobody waiting. Always into the same bytes, because a stream's buffers cost more to collect than the
 * copy itself: whoever takes a chunk is done with it before the next one.
 */
async function* readToEnd(descriptor: number): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(READ_BYTES);
  for (;;) {
    const { bytesRead } = await readInto(descriptor, chunk, 0, chunk.byteLength, null);
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
  }
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
  write: (_, from) => writeOutput(from),
};
