import assert from "node:assert/strict";
import { test } from "node:test";
import { Trace } from "../../src/sim/world/trace.ts";
import { World } from "../../src/sim/world/world.ts";
import { committedAlone, decided, fillLog, preparedFor, writeOf } from "../target/left-logs.ts";
import { turn } from "./turn.ts";

const LOG_BYTES = 1 << 20;

for (const drive of ["file", "memory"] as const) {
  test(`a ${drive} target recovers what a former life has left of epochs, once its drive can be read`, async () => {
    const lines: string[] = [];
    const world = new World({
      seed: 7,
      shape: {
        machines: 1,
        metaMachine: 0,
        targets: [{ machine: 0, drive, workers: 2, pace: 1 }],
        clients: [],
        bufferBytes: 1 << 16,
        lossRate: 0,
        cutRate: 0,
      },
      turn,
      trace: new Trace((line) => lines.push(line)),
      fail: (checker, message) => assert.fail(`${checker}: ${message}`),
    });
    const count = (what: RegExp): number => lines.filter((line) => what.test(line)).length;
    await world.startServices(10_000);
    const [place] = world.targets;
    assert.ok(place);
    for (const lose of [false, true]) {
      world.killTarget(place);
      const { logs } = place;
      logs.remove("epochs.1");
      const object = logs.create("epochs.1", LOG_BYTES);
      const sync = (): void => {
        logs.sync(object.descriptor);
        logs.syncNames();
        logs.finishSyncs();
      };
      const { u8 } = world.memory.map(object.descriptor, 0, LOG_BYTES, true);
      fillLog(u8, [committedAlone(1, writeOf(9, 0, 2)), preparedFor(2, 9), decided(3)]);
      sync();
      object.close();
      logs.faults.readErrorRate = 1;
      if (lose) {
        world.powerOff("machine-0");
        world.powerOn("machine-0");
      } else world.startTarget(place);
      const before = [count(/recovered epochs/), count(/target-0: ends: /)];
      await world.scheduler.until(() => false, world.nowMs + 3000);
      assert.ok(!place.process?.control.registered);
      assert.equal(count(/recovered epochs/), before[0]);
      assert.ok(count(/target-0.* ends: /) > (before[1] as number), "it ends, and is started again");
      logs.faults.readErrorRate = 0;
      const served = (): boolean => place.process?.control.registered === true;
      assert.ok(await world.scheduler.until(served, world.nowMs + 60_000));
      assert.equal(count(/recovered epochs/), (before[0] as number) + 1);
      assert.match(
        lines.filter((line) => /recovered epochs/.test(line)).at(-1) ?? "",
        /"records":3,"regions":0,"inDoubt":1,"decisions":1/,
      );
    }
  });
}
