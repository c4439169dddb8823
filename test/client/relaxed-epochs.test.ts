import assert from "node:assert/strict";
import { it } from "node:test";
import { SimCluster } from "../sim/sim-cluster.ts";

const UNIT = 4096;
/** Words on the two targets. */
const [A, B] = [0, UNIT] as const;
const CREATE = { create: true, size: 2 * UNIT, targets: 2, stripeUnit: UNIT } as const;

for (const transport of ["tcp", "direct"] as const) {
  for (const form of ["memory", "stable", "memorySync"] as const) {
    it(`what a relaxed epoch wrote is in place everywhere once a flush is done (${transport}, ${form})`, async () => {
      const sim = await SimCluster.start(2, 7, 2 ** 25, 1);
      const open = async (how: "tcp" | "direct") => {
        const file = await sim.settle((await sim.connect(how)).open("/relaxed", CREATE));
        return sim.settle(file.window({ rights: "rw" }));
      };
      const [mine, other] = [await open(transport), await open("direct")];
      // Its own mapping: nobody is stepped for it.
      const seen = () => [other.loadSync(A), other.loadSync(B)];
      await sim.settle(
        mine.epoch({ consistency: "relaxed", isolation: "none", durability: "memory" }, async (e) => {
          await e.store(A, 1);
          await e.store(B, 1);
        }),
      );
      assert.deepEqual(seen(), [1, 0], "it is not yet");
      if (form === "memorySync") mine.flushSync();
      else await sim.settle(mine.flush(form));
      assert.deepEqual(seen(), [1, 1]);
    });
  }
}
