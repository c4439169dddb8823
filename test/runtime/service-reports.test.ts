import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceReports } from "../../src/runtime/service.ts";
import type { ServiceOrder } from "../../src/runtime/service-messages.ts";
import { retainedBytes } from "../support/retained-bytes.ts";

const SAMPLES = Array.from({ length: 100 }, (_, at) => ["didafs_up", { at: String(at) }, at] as const);
const LIMIT_MS = 10_000;

test("a service may be asked for its samples for ever: nothing of its answers is kept", async () => {
  const reports = new ServiceReports("target-0");
  const answer = (order: ServiceOrder): void => {
    if ("metrics" in order)
      reports.take({ metrics: order.metrics, samples: structuredClone(SAMPLES) as never });
  };
  const ask = async (times: number): Promise<void> => {
    for (let asked = 0; asked < times; asked += 1)
      assert.equal((await reports.metrics(answer, LIMIT_MS)).length, SAMPLES.length);
  };
  await ask(50);
  const before = retainedBytes();
  await ask(500);
  const kept = retainedBytes() - before;
  assert.ok(kept < 2 ** 20, `${kept} bytes are kept of 500 answers`);
});

test("whoever asks a service that ends, or has ended, is told so", async () => {
  const reports = new ServiceReports("target-0");
  const asked = reports.metrics(() => {}, LIMIT_MS);
  reports.end("exit code 1");
  const refused = { code: "ERR_CLOSED", message: /target-0 ended: exit code 1/ };
  await assert.rejects(asked, refused);
  await assert.rejects(
    reports.metrics(() => {}, LIMIT_MS),
    refused,
  );
  assert.equal(await reports.ended, "exit code 1");
});
