import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import * as v from "valibot";
import { type Cluster, connect } from "../../src/index.ts";
import { inLanes } from "../lanes.ts";
import { type IngestedFile, phases, readManifest } from "../manifest.ts";
import { failOn } from "../mismatch.ts";
import { type Took, timed } from "../timing.ts";
import { Access, runProcess } from "./process.ts";
import { ProgressTeller } from "./progress-teller.ts";
import { readWhole } from "./read-whole.ts";

const LANES = 16;
const CHUNK_BYTES = 4 * 2 ** 20;

const Plan = v.object({
  ...Access,
  manifest: v.string(),
  /** `fs` reads the sources, the others read the cluster; all else is the same. */
  from: v.picklist(["fs", "direct", "tcp"]),
});

export interface ReadBackResult {
  readonly small: Took;
  readonly large: Took;
}

interface Source extends AsyncDisposable {
  readonly size: number;
  read(at: number, into: Uint8Array): Promise<unknown>;
}

type OpenSource = (file: IngestedFile) => Promise<Source>;

/** Reads every file of the manifest and compares its SHA-256. */
runProcess(Plan, async (plan, parent): Promise<ReadBackResult> => {
  const { small, large } = phases(readManifest(plan.manifest));
  if (small.length + large.length === 0) throw new Error("the manifest is empty: nothing to compare");
  const { url, keyFile, from } = plan;
  await using cluster = from === "fs" ? undefined : await connect(url, { keyFile, transport: from });
  const openSource = cluster === undefined ? openLocal : openIn(cluster, from);
  const progress = new ProgressTeller(parent);
  const wrong: string[] = [];
  const readAll = (files: readonly IngestedFile[]): Promise<Took> =>
    timed(files, () =>
      inLanes(files, LANES, async (file) => {
        const found = await digest(await openSource(file));
        if (found !== file.sha256) wrong.push(`${file.path}: expected ${file.sha256}, read ${found}`);
        progress.add(file.size);
      }),
    );
  const result = { small: await readAll(small), large: await readAll(large) };
  failOn(wrong, `${wrong.length} files read from ${from} differ from what was taken in`);
  return result;
});

async function digest(opened: Source): Promise<string> {
  await using source = opened;
  const hash = createHash("sha256");
  const buffer = new Uint8Array(Math.min(source.size, CHUNK_BYTES));
  for (let at = 0; at < source.size; at += CHUNK_BYTES) {
    const chunk = buffer.subarray(0, Math.min(CHUNK_BYTES, source.size - at));
    await source.read(at, chunk);
    hash.update(chunk);
  }
  return hash.digest("hex");
}

async function openLocal({ source }: IngestedFile): Promise<Source> {
  const handle = await open(source);
  const { size } = await handle.stat();
  return {
    size,
    read: (at, into) => readWhole(handle, at, into),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

function openIn(cluster: Cluster, from: string): OpenSource {
  return async ({ path }) => {
    const file = await cluster.open(path);
    const window = await file.window();
    // An empty file lies nowhere.
    const asWanted = file.size === 0 || (window.locality === from && window.sharing === "managed");
    failOn(asWanted ? [] : [`${window.locality}, ${window.sharing}`], `${path} is not reached by ${from}`);
    return {
      size: file.size,
      read: (at, into) => window.get(at, into),
      [Symbol.asyncDispose]: () => file.close(),
    };
  };
}
