/** Whoever is notified, in a process of its own: takes what comes, and looks at where each was. */
import { setTimeout as sleep } from "node:timers/promises";
import type { NotificationQueue } from "../../src/client/api.ts";
import { connect } from "../../src/runtime/connect.ts";
import type { ClusterAddress } from "../harness/case.ts";
import { answerOrders } from "../harness/helper-process.ts";

export type CountOrder =
  | {
      readonly open: ClusterAddress;
      readonly path: string;
      readonly transport: "direct" | "tcp";
      readonly sharing: "managed" | "raw";
      readonly blockBytes: number;
    }
  /** Waits until so many have been told in all. */
  | { readonly untilTold: number };

export type CountAnswer = undefined;

const LATE_MS = 10_000;
const LOOK_MS = 2;

let told = 0;

async function take(queue: NotificationQueue, blockBytes: number): Promise<void> {
  for await (const { at, length, tag } of queue) {
    if (at !== tag * blockBytes || length !== blockBytes) {
      throw new Error(`block ${tag} was said to be ${length} bytes at ${at}`);
    }
    told += 1;
  }
}

answerOrders<CountOrder, CountAnswer>(async (order) => {
  if ("open" in order) {
    const { open, path, transport, sharing, blockBytes } = order;
    const cluster = await connect(open.url, { key: Buffer.from(open.keyHex, "hex"), transport });
    const window = await (await cluster.open(path)).window({ rights: "rw", sharing });
    // What it throws ends this process.
    void take(await window.notifications(), blockBytes);
    return undefined;
  }
  const endMs = performance.now() + LATE_MS;
  while (told < order.untilTold && performance.now() < endMs) await sleep(LOOK_MS);
  if (told !== order.untilTold) throw new Error(`${told} notifications came of ${order.untilTold}`);
  return undefined;
});
