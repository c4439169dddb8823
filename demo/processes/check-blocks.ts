import * as v from "valibot";
import { connect, type DidafsWindow } from "../../src/index.ts";
import { fillBlock, readJournal } from "../blocks/journal.ts";
import { failOn } from "../mismatch.ts";
import { Access, runProcess } from "./process.ts";

const CHUNK_BYTES = 4 * 2 ** 20;

const Plan = v.object({
  ...Access,
  path: v.string(),
  journal: v.string(),
  /** Blocks that were not acknowledged: there, or not, or in part. */
  doubtful: v.array(v.object({ at: v.number(), length: v.number() })),
});

export interface CheckBlocksResult {
  readonly blocks: number;
  readonly bytes: number;
}

/** Every acknowledged block is there, and where nobody wrote the file is zero. */
runProcess(Plan, async (plan): Promise<CheckBlocksResult> => {
  const blocks = readJournal(plan.journal);
  if (blocks.length === 0) throw new Error("the journal is empty: nothing to compare");
  await using cluster = await connect(plan.url, { keyFile: plan.keyFile });
  await using file = await cluster.open(plan.path);
  await using window = await file.window();
  const bytes = await readAll(window);
  const wrong: string[] = [];
  for (const { at, length, seed } of blocks) {
    const expected = fillBlock(new Uint8Array(length), seed);
    const found = bytes.subarray(at, at + length);
    if (Buffer.compare(found, expected) !== 0)
      wrong.push(`${length} bytes at ${at}: ${firstDifference(found, expected)}`);
    found.fill(0);
  }
  failOn(wrong, `${wrong.length} of ${blocks.length} acknowledged blocks are not what was written`);
  for (const { at, length } of plan.doubtful) bytes.fill(0, at, at + length);
  const stray = bytes.findIndex((byte) => byte !== 0);
  failOn(stray < 0 ? [] : [`byte ${stray} is ${bytes[stray]}`], "the file has bytes where nobody wrote");
  return { blocks: blocks.length, bytes: blocks.reduce((sum, { length }) => sum + length, 0) };
});

async function readAll(window: DidafsWindow): Promise<Buffer> {
  const bytes = Buffer.alloc(window.length);
  for (let at = 0; at < bytes.byteLength; at += CHUNK_BYTES)
    await window.get(at, bytes.subarray(at, at + CHUNK_BYTES));
  return bytes;
}

function firstDifference(found: Uint8Array, expected: Uint8Array): string {
  const at = expected.findIndex((byte, index) => found[index] !== byte);
  return `byte ${at} is ${found[at]}, not ${expected[at]}`;
}
