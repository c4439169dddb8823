import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { rawLogFile, settleLogs } from "../../src/runtime/logs.ts";
import type { Launch } from "../../src/runtime/service.ts";
import { launchProcess } from "../../src/runtime/service-process.ts";
import { launchWorker } from "../../src/runtime/service-worker.ts";
import { SupervisedService } from "../../src/runtime/supervised-service.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import { CapturedLog } from "../support/captured-log.ts";
import type { FakeOptions } from "./fixtures/fake-service.ts";
import { isProcess, scratch, until } from "./scratch.ts";

const ENTRY = new URL("./fixtures/fake-service.ts", import.meta.url);

function supervise(dir: string, launch: Launch, options: FakeOptions, restart = true) {
  const log = new CapturedLog();
  const logPlan = { ...settleLogs(), file: path.join(dir, "service.log") };
  const journal = path.join(dir, "journal");
  const service = new SupervisedService({
    name: "fake",
    entry: ENTRY,
    logPlan,
    options: () => ({ journal, ...options }),
    launch,
    restart,
    log: log.logger,
  });
  return { service, log, rawLog: rawLogFile(logPlan), journal: () => readFileSync(journal, "utf8") };
}

for (const [kind, launch] of [
  ["process", launchProcess],
  ["thread", launchWorker],
] as const) {
  test(`${kind}: becomes ready with its information, stops when asked`, async () => {
    using place = scratch();
    const { service, log, journal, rawLog } = supervise(place.dir, launch, { info: { port: 5 } });
    assert.deepEqual(await service.start(10_000), { port: 5 });
    const { pid } = service;
    assert.equal(isProcess(pid), true);
    assert.equal(pid === process.pid, kind === "thread");
    await until(() => readFileSync(rawLog, "utf8").includes("says something"));
    await service.stop();
    assert.equal(service.pid, undefined);
    assert.equal(journal(), "start \nstop \n");
    assert.deepEqual(log.lines, []);
  });

  test(`${kind}: a failure at start is passed on with its code, and nothing is left`, async () => {
    using place = scratch();
    const fail = { code: "ERR_PORT_IN_USE", message: "port 1 is taken" } as const;
    const { service, log } = supervise(place.dir, launch, { fail });
    await assert.rejects(service.start(10_000), (error) => {
      assert.ok(isDidafsError(error, "ERR_PORT_IN_USE"));
      assert.equal(error.message, "fake: port 1 is taken");
      return true;
    });
    await until(() => service.pid === undefined);
    assert.deepEqual(log.lines, [], "a failed first start is not repeated");
  });

  test(`${kind}: an end before readiness is ERR_START_FAILED, silence is ERR_TIMEOUT`, async () => {
    using place = scratch();
    const ends = supervise(place.dir, launch, { exitBeforeReady: true }).service;
    await assert.rejects(ends.start(10_000), { code: "ERR_START_FAILED", message: /exit code 7/ });
    const silent = supervise(place.dir, launch, { neverReady: true }).service;
    await assert.rejects(silent.start(400), { code: "ERR_TIMEOUT" });
    await until(() => silent.pid === undefined);
  });
}

test("a service that crashed is started again", async () => {
  using place = scratch();
  const crashOnce = path.join(place.dir, "crashed");
  const { service, log, journal } = supervise(place.dir, launchProcess, { crashAfterMs: 50, crashOnce });
  await service.start(10_000);
  await until(() => log.text().includes("serves again"));
  assert.match(log.text(), /is started again","fields":{"child":"fake","how":"exit code 9","delayMs":100/);
  assert.match(log.text(), /"stderr":"says something"/, "with what it wrote to its standard streams");
  await service.stop();
  assert.equal(journal(), "start \nstart \nstop \n");
});

test("a service that was killed is started again, but not after stop", async () => {
  using place = scratch();
  const { service, log } = supervise(place.dir, launchProcess, {});
  await service.start(10_000);
  process.kill(service.pid as number, "SIGKILL");
  await until(() => log.lines.length > 0);
  assert.match(log.text(), /SIGKILL/);
  await service.stop();
  assert.equal(service.pid, undefined);
  assert.equal(log.lines.length, 1);
});

test("a service that keeps crashing is left down and the log says so", async () => {
  using place = scratch();
  const { service, log, journal } = supervise(place.dir, launchProcess, { crashAfterMs: 0 });
  await service.start(10_000);
  await until(() => log.text().includes("left down"), 20_000);
  assert.match(log.text(), /it failed too often/);
  assert.equal(journal(), "start \n".repeat(5));
  await service.stop();
});

test("a thread that crashed is left down", async () => {
  using place = scratch();
  const { service, log } = supervise(place.dir, launchWorker, { crashAfterMs: 0 }, false);
  await service.start(10_000);
  await until(() => log.lines.length > 0);
  assert.match(log.text(), /left down/);
});

test("a service that ignores being asked to stop is killed within the bound", async () => {
  using place = scratch();
  const { service, log } = supervise(place.dir, launchProcess, { ignoreStop: true });
  await service.start(10_000);
  const { pid } = service;
  const startedAt = performance.now();
  await service.stop();
  assert.ok(performance.now() - startedAt < 8_000);
  assert.equal(isProcess(pid), false);
  assert.match(log.text(), /did not stop/);
});
