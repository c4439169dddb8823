import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DidafsWindow } from "../../src/client/api.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import { SimCluster } from "./sim-cluster.ts";

/** Enough to take an opening of a window from its beginning to past its end. */
const ROUNDS = 40;
/** The same for the first window, which opens the session too. */
const FIRST_ROUNDS = 120;

/** Lets everybody go on `rounds` times. */
async function step(cluster: SimCluster, rounds: number): Promise<void> {
  let round = 0;
  await cluster.until(() => round++ === rounds);
}

/** Counts sends on streams after they were closed; a real one's number may belong to something else by then. */
function recordLateUses({ network }: SimCluster): () => number {
  let uses = 0;
  const connect = network.connectFrom.bind(network);
  network.connectFrom = (machine, address, options) => {
    const ends = connect(machine, address, options);
    const [stream] = ends;
    const { sendSegments, close } = stream;
    let closed = false;
    stream.close = () => {
      closed = true;
      close.call(stream);
    };
    stream.sendSegments = (segments, byteMax) => {
      if (closed) uses += 1;
      return sendSegments.call(stream, segments, byteMax);
    };
    return ends;
  };
  return () => uses;
}

for (const transport of ["direct", "tcp"] as const) {
  describe(`a window that nobody wants any more while it is opened, ${transport}`, () => {
    it("leaves no binding, whenever its signal aborts", async () => {
      const cluster = await SimCluster.start(1, 31);
      const client = await cluster.settle(cluster.connect(transport));
      for (let rounds = 0; rounds < ROUNDS; rounds += 1) {
        const file = await cluster.settle(client.open(`/${rounds}`, { create: true, size: 4096 }));
        const controller = new AbortController();
        const { signal } = controller;
        const abandoned = file.window({ rights: "rw", sharing: "raw", signal }).then(
          (window) => window.close(),
          (error) => assert.ok(isDidafsError(error, "ERR_ABORTED"), String(error)),
        );
        await step(cluster, rounds);
        controller.abort();
        await cluster.settle(abandoned);
        // The target learns of it a moment later.
        await step(cluster, ROUNDS);
        const window = await cluster.settle(file.window({ rights: "rw" }));
        window.storeSync(0, 1);
        await cluster.settle(window.close());
      }
      await cluster.settle(client.close());
      await cluster.close();
    });

    it("ends with an error when its file is closed, whenever that is", async () => {
      const cluster = await SimCluster.start(1, 32);
      const client = await cluster.settle(cluster.connect(transport));
      for (let rounds = 0; rounds < ROUNDS; rounds += 1) {
        const file = await cluster.settle(client.open(`/${rounds}`, { create: true, size: 4096 }));
        const opened: DidafsWindow[] = [];
        const opening = file.window({ rights: "rw", sharing: "raw" }).then(
          (window) => opened.push(window),
          (error) => assert.ok(isDidafsError(error, "ERR_CLOSED"), String(error)),
        );
        await step(cluster, rounds);
        await cluster.settle(file.close());
        await cluster.settle(opening);
        for (const window of opened) assert.throws(() => window.loadSync(0), { code: "ERR_CLOSED" });
        const again = await cluster.settle(client.open(`/${rounds}`));
        await cluster.settle((await cluster.settle(again.window())).close());
      }
      await cluster.settle(client.close());
      await cluster.close();
    });

    it("uses no stream that the agent has closed, whenever the cluster is closed", async () => {
      for (let rounds = 0; rounds < FIRST_ROUNDS; rounds += 1) {
        const cluster = await SimCluster.start(1, 33);
        const lateUses = recordLateUses(cluster);
        const client = await cluster.settle(cluster.connect(transport));
        const file = await cluster.settle(client.open("/x", { create: true, size: 4096 }));
        const opening = file.window().catch(() => {});
        await step(cluster, rounds);
        const closing = client.close();
        // This thread is ahead of its mail: the agent stops before it is read.
        await new Promise((resolve) => setImmediate(resolve));
        await cluster.settle(closing);
        await cluster.settle(opening);
        await step(cluster, ROUNDS);
        assert.equal(lateUses(), 0);
        await cluster.close();
      }
    });
  });
}
