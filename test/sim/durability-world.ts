import assert from "node:assert/strict";
import { Trace } from "../../src/sim/world/trace.ts";
import { World } from "../../src/sim/world/world.ts";
import { turn } from "./turn.ts";

/** Targets on one machine, and a metadata service on another one, where a client may be. */
export function newWorld(seed: number): World {
  const target = { machine: 0, drive: "file", workers: 1, pace: 1 } as const;
  return new World({
    seed,
    shape: {
      machines: 2,
      metaMachine: 1,
      targets: [target, target],
      clients: [],
      bufferBytes: 1 << 16,
      lossRate: 0,
      cutRate: 0,
    },
    turn,
    trace: new Trace(),
    fail: (checker, message) => assert.fail(`${checker}: ${message}`),
  });
}
