/** The well-behaved client, in a process of its own: reads, and looks at what it read. */
import type { DidafsWindow } from "../../src/client/api.ts";
import { connect } from "../../src/runtime/connect.ts";
import { fillPattern, hashOf, patternBytes, patternWords } from "../blocks/pattern.ts";
import { answerOrders } from "../harness/helper-process.ts";
import {
  FILE_BYTES,
  PATTERN_SEED,
  READ_BYTES,
  type SteadyOrder,
  type SteadyRun,
} from "./hostile-messages.ts";

const BLOCK_BYTES = 4096;
const BATCH = 64;

const pattern = patternWords(READ_BYTES);
fillPattern(pattern, PATTERN_SEED);

let window: DidafsWindow;

function check(at: number, read: number | undefined): void {
  if (read !== pattern[at / 4]) throw new Error(`the get at ${at} read something else`);
}

/** @param step does some gets from an offset on @returns bytes from there to the next step's */
function runFor(forMs: number, getsPerStep: number, step: (at: number) => number): SteadyRun {
  const samplesNs: number[] = [];
  const fromMs = performance.now();
  let nowMs = fromMs;
  let at = 0;
  do {
    at = (at + step(at)) % READ_BYTES;
    const endMs = performance.now();
    samplesNs.push((endMs - nowMs) * 1e6);
    nowMs = endMs;
  } while (nowMs - fromMs < forMs);
  const operations = samplesNs.length * getsPerStep;
  return { samplesNs: Float64Array.from(samplesNs), operations, tookMs: nowMs - fromMs };
}

const word = new Int32Array(2);

function readWord(at: number): number {
  window.getSync(at, word);
  check(at, word[0]);
  return word.byteLength;
}

const blocks = Array.from({ length: BATCH }, () => new Int32Array(BLOCK_BYTES / 4));

function readBatch(at: number): number {
  const batch = window.batch();
  for (const [i, block] of blocks.entries()) batch.get(at + i * BLOCK_BYTES, block);
  batch.runSync();
  for (const [i, block] of blocks.entries()) check(at + i * BLOCK_BYTES, block[0]);
  return BATCH * BLOCK_BYTES;
}

type Opening = Extract<SteadyOrder, { readonly path: string }>;

/** @returns the hash of what there is to be read */
async function open({ open: { url, keyHex }, path }: Opening): Promise<string> {
  const cluster = await connect(url, { key: Buffer.from(keyHex, "hex"), transport: "tcp" });
  const file = await cluster.open(path, { create: "exclusive", size: FILE_BYTES, targets: 1 });
  window = await file.window({ rights: "rw" });
  await window.put(0, patternBytes(pattern));
  return hashOf(await window.get(0, new Uint8Array(READ_BYTES)));
}

answerOrders<SteadyOrder, SteadyRun | string>(async (order) => {
  if ("open" in order) return open(order);
  return order.load === "word" ? runFor(order.forMs, 1, readWord) : runFor(order.forMs, BATCH, readBatch);
});
