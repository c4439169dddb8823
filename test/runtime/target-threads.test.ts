import assert from "node:assert/strict";
import { test } from "node:test";
import { privateCounters } from "../../src/runtime/target-counters.ts";
import { TargetThreads } from "../../src/runtime/target-threads.ts";
import { createPoller } from "../../src/system/poller.ts";
import { WorkerLink } from "../../src/target/worker-link.ts";
import { until } from "./scratch.ts";

for (const draining of [true, false]) {
  test(`a worker that comes to its end is ${draining ? "no crash while draining" : "a crash otherwise"}`, async () => {
    const poller = createPoller();
    const crashes: Error[] = [];
    const threads = new TargetThreads({
      workers: 1,
      counters: privateCounters(1),
      service: "target-1",
      host: "127.0.0.1",
      syncDirectory: undefined,
      controlWakeDescriptor: poller.wakeDescriptor,
      onCrash: (error) => void crashes.push(error),
    });
    try {
      const [parts] = await threads.start();
      assert.ok(parts);
      if (draining) threads.drain();
      const link = new WorkerLink(parts.mailbox, {
        sessionViolated() {},
        regionFailed() {},
        lockSuspected() {},
        lockDeadlock() {},
        epochLogWanted() {},
        epochLogFailed() {},
        epochEnquire() {},
        epochAskFinish() {},
      });
      void link.stop();
      await until(() => threads.count === 0);
      assert.equal(crashes.length, draining ? 0 : 1);
    } finally {
      await threads.stop(1000);
      poller.close();
    }
  });
}
