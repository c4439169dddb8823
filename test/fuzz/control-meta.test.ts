import assert from "node:assert/strict";
import { test } from "node:test";
import type * as v from "valibot";
import { isDidafsError } from "../../src/std/errors.ts";
import { CALLS, type Method } from "../../src/wire/control.ts";
import { FakeTarget, World } from "../meta/harness.ts";
import { announce, SEED, secondsOf, timeoutOf } from "./budget.ts";
import { mutatedValue, sampleOf } from "./decoders/schema-samples.ts";
import { Dice } from "./dice.ts";

const METHODS = Object.keys(CALLS).filter((name) => name.startsWith("meta.")) as Method[];
const ROUNDS_MIN = 300;

test(
  "whatever an origin calls the metadata service with, it answers, and serves on",
  timeoutOf("control"),
  async (context) => {
    announce(context, "control");
    const dice = new Dice(SEED);
    const world = await World.open(context);
    await new FakeTarget(world, 1).register();
    const origin = await world.origin();
    await origin.create("/a");
    await origin.mkdir("/b");
    const counts = new Map<string, number>();
    const endMs = performance.now() + secondsOf("control") * 500;
    for (let round = 0; round < ROUNDS_MIN || performance.now() < endMs; round += 1) {
      const calls = Array.from({ length: dice.between(1, 8) }, () => {
        const method = dice.pick(METHODS);
        const sample = sampleOf(CALLS[method][0] as v.GenericSchema, dice);
        const params = dice.percent(70) ? sample : mutatedValue(sample, dice);
        return origin.begin(method, params as never);
      });
      for (const outcome of await world.done(Promise.allSettled(calls))) {
        const reason = outcome.status === "fulfilled" ? undefined : outcome.reason;
        if (reason !== undefined) {
          assert.ok(isDidafsError(reason), String(reason));
          assert.ok(
            !["ERR_INTERNAL", "ERR_CORRUPT"].includes(reason.code),
            `seed ${SEED}: ${reason.message}`,
          );
        }
        const name = reason?.code ?? "answered";
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      assert.equal(origin.channel.ended, undefined);
    }
    context.diagnostic([...counts].map(([name, count]) => `${name} ${count}`).join(", "));
    for (const name of ["answered", "ERR_INVALID_ARGUMENT", "ENOENT"]) {
      assert.ok((counts.get(name) ?? 0) > 0, `${name} is reached`);
    }
    assert.deepEqual(world.log.complaints, []);
  },
);
