import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DidafsWindow } from "../../src/client/api.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import { SimCluster } from "./sim-cluster.ts";

const UNIT = 4096;

function errorOf(call: () => unknown): unknown {
  try {
    call();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("a window at its edges", () => {
  async function withWindow(
    create: { size: number; targets: number },
    range: { length?: number },
    use: (window: DidafsWindow, cluster: SimCluster) => Promise<void> | void,
  ): Promise<void> {
    const cluster = await SimCluster.start(2, 41);
    const client = await cluster.settle(cluster.connect("direct"));
    const options = { create: true, stripeUnit: UNIT, ...create };
    const file = await cluster.settle(client.open("/x", options));
    const window = await cluster.settle(file.window({ rights: "rw", sharing: "raw", ...range }));
    await use(window, cluster);
    await cluster.settle(client.close());
    await cluster.close();
  }

  it("gives a view of no bytes, also where no region is", async () => {
    await withWindow({ size: 0, targets: 1 }, {}, (window) => {
      assert.equal(window.view(0, 0).length, 0);
      assert.equal(window.getSync(0, new Uint8Array(0)).length, 0);
    });
    await withWindow({ size: 2 * UNIT, targets: 2 }, { length: UNIT }, (window) => {
      assert.equal(window.view(BigInt64Array, UNIT, 0).length, 0);
    });
  });

  it("refuses counts that are none", async () => {
    await withWindow({ size: UNIT, targets: 1 }, {}, (window) => {
      for (const count of [-1, 0.5, Number.NaN]) {
        assert.throws(() => window.view(8, count), { code: "ERR_RANGE" });
        assert.throws(() => window.view(Int32Array, 8, count), { code: "ERR_RANGE" });
      }
    });
  });

  it("refuses a buffer that was detached instead of moving nothing", async () => {
    await withWindow({ size: UNIT, targets: 1 }, {}, (window) => {
      const gone = new Uint8Array(8);
      gone.buffer.transfer();
      assert.throws(() => window.putSync(0, gone), { code: "ERR_INVALID_ARGUMENT" });
    });
  });

  for (const lostTarget of [0, 1])
    it(`does not hide what the other target has applied, ${lostTarget} lost`, async () => {
      await withWindow({ size: 2 * UNIT, targets: 2 }, {}, async (window, cluster) => {
        void cluster.targets[lostTarget]?.control.close();
        const whole = new Uint8Array(2 * UNIT).fill(1);
        const isLost = (error: unknown): boolean => isDidafsError(error, "ERR_SESSION_LOST");
        const lostAt = (): number | undefined =>
          [0, UNIT].find((at) => isLost(errorOf(() => window.loadSync(at))));
        await cluster.until(() => lostAt() !== undefined);
        const partly = (error: unknown): boolean => isDidafsError(error) && error.applied === "unknown";
        await assert.rejects(cluster.settle(window.put(0, whole)), partly);
        // Pieces go in order: behind a lost one nothing was begun.
        const applied = lostAt() === 0 ? "no" : "unknown";
        assert.throws(
          () => window.putSync(0, whole),
          (error) => isLost(error) && isDidafsError(error) && error.applied === applied,
        );
      });
    });
});
