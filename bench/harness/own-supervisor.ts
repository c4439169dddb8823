/** The supervisor of one case's own cluster, in a process of its own, as `didafs up` has one. */
import { startCluster } from "../../src/runtime/cluster.ts";
import { answerOrders } from "./helper-process.ts";

export type SupervisorOrder =
  | { readonly dir: string; readonly keyHex: string; readonly targets: number }
  | { readonly stop: true };

/** Undefined once it is stopped. */
export type SupervisorAnswer = { readonly url: string; readonly metricsUrl: string } | undefined;

let cluster: Awaited<ReturnType<typeof startCluster>> | undefined;

answerOrders<SupervisorOrder, SupervisorAnswer>(async (order) => {
  if ("stop" in order) {
    await cluster?.stop();
    return undefined;
  }
  const { dir, keyHex, targets } = order;
  const key = Buffer.from(keyHex, "hex");
  const metrics = { host: "127.0.0.1", port: 0 };
  cluster = await startCluster({ dir, key, targets, drive: "file", port: 0, metrics, spawn: "process" });
  return { url: cluster.url, metricsUrl: cluster.metricsUrl as string };
});
