import { totalBytes } from "./manifest.ts";

/** What passed through a phase, and how long it took. */
export interface Took {
  readonly files: number;
  readonly bytes: number;
  readonly seconds: number;
}

export async function timed(
  files: readonly { readonly size: number }[],
  run: () => Promise<void>,
): Promise<Took> {
  const startMs = performance.now();
  await run();
  const seconds = (performance.now() - startMs) / 1000;
  return { files: files.length, bytes: totalBytes(files), seconds };
}

export function both(a: Took, b: Took): Took {
  return { files: a.files + b.files, bytes: a.bytes + b.bytes, seconds: a.seconds + b.seconds };
}
