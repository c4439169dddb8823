/** A client that polls for each answer, in a process of its own. */
import type { DidafsWindow } from "../../src/client/api.ts";
import { connect } from "../../src/runtime/connect.ts";
import { answerOrders } from "../harness/helper-process.ts";
import { type PollerOrder, type PollerRun, WORD } from "./poller-messages.ts";

let window: DidafsWindow;

function run(forMs: number): PollerRun {
  const samplesNs: number[] = [];
  let isRight = true;
  const fromMs = performance.now();
  let nowMs = fromMs;
  do {
    isRight = window.loadSync(0) === WORD && isRight;
    const endMs = performance.now();
    samplesNs.push((endMs - nowMs) * 1e6);
    nowMs = endMs;
  } while (nowMs - fromMs < forMs);
  return { samplesNs: Float64Array.from(samplesNs), tookMs: nowMs - fromMs, isRight };
}

answerOrders<PollerOrder, PollerRun | undefined>(async (order) => {
  if ("runMs" in order) return run(order.runMs);
  const { open, path } = order;
  const cluster = await connect(open.url, { key: Buffer.from(open.keyHex, "hex"), transport: "tcp" });
  const file = await cluster.open(path, { create: true, size: 8 });
  window = await file.window({ rights: "rw" });
  window.storeSync(0, WORD);
  return undefined;
});
