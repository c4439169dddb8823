import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { type Cluster, connect } from "../../src/index.ts";
import { inLanes } from "../lanes.ts";
import {
  type IngestedFile,
  type InputFile,
  LARGE_BYTES_MIN,
  phases,
  readInputList,
  writeList,
} from "../manifest.ts";
import { type Took, timed } from "../timing.ts";
import { Access, runProcess } from "./process.ts";
import { ProgressTeller } from "./progress-teller.ts";
import { readWhole } from "./read-whole.ts";

const LANES = 16;
const CHUNK_BYTES = 4 * 2 ** 20;
const STRIPE_UNIT = 2 ** 20;

const Plan = v.object({
  ...Access,
  /** What to take in, and where the list with the digests goes. */
  input: v.string(),
  manifest: v.string(),
  targets: v.number(),
});

export interface IngestResult {
  readonly small: Took;
  readonly large: Took;
  readonly directories: number;
}

/** Takes files in; every one is acknowledged as stable before it enters the manifest. */
runProcess(Plan, async (plan, parent): Promise<IngestResult> => {
  const files = readInputList(plan.input);
  await using cluster = await connect(plan.url, { keyFile: plan.keyFile, timeoutMs: 30_000 });
  const directories = await makeDirectories(cluster, files);
  const manifest: IngestedFile[] = [];
  const progress = new ProgressTeller(parent);
  const takeIn = (some: readonly InputFile[]): Promise<Took> =>
    timed(some, () =>
      inLanes(some, LANES, async (file) => {
        const sha256 = await ingest(cluster, file, plan.targets);
        manifest.push({ ...file, sha256 });
        progress.add(file.size);
      }),
    );
  const { small, large } = phases(files);
  const result = { small: await takeIn(small), large: await takeIn(large), directories };
  const order = new Map(files.map((file, index) => [file.path, index]));
  manifest.sort((a, b) => (order.get(a.path) ?? 0) - (order.get(b.path) ?? 0));
  writeList(plan.manifest, manifest);
  return result;
});

async function makeDirectories(cluster: Cluster, files: readonly InputFile[]): Promise<number> {
  const all = [...new Set(files.map((file) => path.posix.dirname(file.path)))];
  // Those that others lie in are made with them.
  const leaves = all.filter((one) => !all.some((other) => other.startsWith(`${one}/`)));
  await inLanes(leaves, LANES, (directory) => cluster.mkdir(directory, { recursive: true }));
  return all.length;
}

/** @returns the SHA-256 of the source's bytes */
async function ingest(cluster: Cluster, file: InputFile, targets: number): Promise<string> {
  await using source = await open(file.source);
  const { size, mode } = await source.stat();
  if (size !== file.size) throw new Error(`${file.source} changed while it was taken in`);
  const striping = size >= LARGE_BYTES_MIN ? { stripeUnit: STRIPE_UNIT, targets } : {};
  await using target = await cluster.open(file.path, {
    create: "exclusive",
    size,
    mode: mode & 0o777,
    ...striping,
  });
  const hash = createHash("sha256");
  if (size > 0) {
    await using window = await target.window({ rights: "rw" });
    await pour(source, size, async (at, chunk) => {
      hash.update(chunk);
      await window.put(at, chunk);
    });
    await window.flush("stable");
  }
  return hash.digest("hex");
}

/** Reads a chunk while the one before it is put; two chunks of memory at most. */
async function pour(
  source: FileHandle,
  size: number,
  put: (at: number, chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  let [filling, emptying] = [new Uint8Array(Math.min(size, CHUNK_BYTES)), new Uint8Array(0)];
  let putting = Promise.resolve();
  for (let at = 0; at < size; at += CHUNK_BYTES) {
    const chunk = filling.subarray(0, Math.min(CHUNK_BYTES, size - at));
    // A put that fails meanwhile is heard of below, also where this read fails first.
    const read = await Promise.allSettled([readWhole(source, at, chunk), putting]);
    for (const outcome of read) if (outcome.status === "rejected") throw outcome.reason;
    if (at + CHUNK_BYTES < size && emptying.byteLength === 0) emptying = new Uint8Array(CHUNK_BYTES);
    putting = put(at, chunk);
    [filling, emptying] = [emptying, filling];
  }
  await putting;
}
