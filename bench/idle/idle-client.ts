/** One session of an idle cluster, in a process of its own: works when it is told to, and holds its session otherwise. */
import type { Cluster, DidafsWindow } from "../../src/client/api.ts";
import { connect } from "../../src/runtime/connect.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import { answerOrders } from "../harness/helper-process.ts";
import { type IdleOrder, WORDS } from "./idle-messages.ts";

let cluster: Cluster;
let window: DidafsWindow;
let path: string;

/** @returns the sum of the words that were read back */
async function work(seed: number): Promise<number> {
  const word = new Float64Array(1);
  let sum = 0;
  for (let i = 0; i < WORDS; i++) await window.put(i * 8, word.fill(seed * WORDS + i));
  for (let i = 0; i < WORDS; i++) {
    if (i % 2 === 0) await window.get(i * 8, word);
    else window.getSync(i * 8, word);
    sum += word[0] as number;
  }
  await window.flush("stable");
  await cluster.stat(path);
  return sum;
}

async function cancel(withinMs: number): Promise<number> {
  const signal = AbortSignal.timeout(withinMs);
  try {
    await window.get(0, new Float64Array(1), { signal });
  } catch (error) {
    if (isDidafsError(error, "ERR_ABORTED")) return 0;
    throw error;
  }
  throw new Error("a call that nobody answers was not cancelled");
}

answerOrders<IdleOrder, number>(async (order) => {
  if ("work" in order) return work(order.work);
  if ("cancelWithinMs" in order) return cancel(order.cancelWithinMs);
  path = order.path;
  const { url, keyHex } = order.open;
  cluster = await connect(url, { key: Buffer.from(keyHex, "hex"), transport: order.transport });
  const file = await cluster.open(path, { create: true, size: WORDS * 8 });
  window = await file.window({ rights: "rw" });
  return 0;
});
