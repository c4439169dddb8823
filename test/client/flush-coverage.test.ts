import assert from "node:assert/strict";
import { test } from "node:test";
import { Stripes } from "../../src/client/stripes.ts";
import { Window, type WindowParts } from "../../src/client/window.ts";
import type { RegionAccess } from "../../src/transport/access.ts";

/** A window on one region whose puts are applied at once and whose stable flushes end when the test says so. */
function windowOnStub(parts: Partial<WindowParts> = {}) {
  const flushes: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const access = {
    path: "tcp",
    put: async () => {},
    begin: () => true,
    failureOf: () => undefined,
    flush: (stable: boolean) => {
      if (!stable) return Promise.resolve();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      flushes.push({ resolve, reject });
      return promise;
    },
    close: () => {},
  } as unknown as RegionAccess;
  const window = new Window({
    path: "/file",
    rights: "rw",
    sharing: "managed",
    protection: "checked",
    locality: "tcp",
    stripes: new Stripes(0, 4096, 4096, 1),
    accesses: [access],
    volatileDrive: false,
    timeoutMs: 1000,
    regions: [],
    epoch: async () => {
      throw new Error("no epochs here");
    },
    lockCycle: async () => [],
    release: async () => {},
    ...parts,
  });
  return { window, flushes };
}

const BYTES = new Uint8Array(16);

test("a stable flush that begins while another one runs waits for a sync of its own", async () => {
  const { window, flushes } = windowOnStub();
  await window.put(0, BYTES);
  const first = window.flush("stable");
  const second = window.flush("stable");
  let secondDone = false;
  void second.then(() => {
    secondDone = true;
  });
  await new Promise(setImmediate);
  assert.equal(flushes.length, 2);
  assert.equal(secondDone, false);
  for (const { resolve } of flushes) resolve();
  await Promise.all([first, second]);
});

test("a put that comes while a stable flush runs is not covered by that flush", async () => {
  const { window, flushes } = windowOnStub();
  await window.put(0, BYTES);
  const first = window.flush("stable");
  await window.put(64, BYTES);
  flushes[0]?.resolve();
  await first;
  const second = window.flush("stable");
  assert.equal(flushes.length, 2);
  flushes[1]?.resolve();
  await second;
});

test("what a failed stable flush left is flushed again; what a stable flush covered is not", async () => {
  const { window, flushes } = windowOnStub();
  await window.put(0, BYTES);
  const failed = window.flush("stable");
  flushes[0]?.reject(new Error("the drive failed"));
  await assert.rejects(failed, /the drive failed/);
  const again = window.flush("stable");
  assert.equal(flushes.length, 2);
  flushes[1]?.resolve();
  await again;
  await window.flush("stable");
  assert.equal(flushes.length, 2);
});

test("a put in a batch counts from the run on: a stable flush before it does not cover it", async () => {
  const { window, flushes } = windowOnStub();
  const batch = window.batch().put(0, BYTES);
  await window.flush("stable");
  assert.equal(flushes.length, 0, "nothing was changed yet");
  await batch.run();
  const flushed = window.flush("stable");
  await new Promise(setImmediate);
  assert.equal(flushes.length, 1);
  flushes[0]?.resolve();
  await flushed;
});

test("a flush of one target reaches its regions alone, and the others are still to be flushed", async () => {
  const flushed: string[] = [];
  const targets = ["a", "b", "a"];
  const accesses = targets.map((target, index) => {
    const link = { session: { target } };
    const flush = async (stable: boolean) => void flushed.push(`${target}${index} ${stable}`);
    return { path: "tcp", link, flush, put: async () => {}, close: () => {} } as unknown as RegionAccess;
  });
  const { window } = windowOnStub({ stripes: new Stripes(0, 3 * 4096, 4096, 3), accesses });
  await window.put(0, new Uint8Array(3 * 4096));
  await window.flush("memory", { target: "b" });
  await window.flush("stable", { target: "a" });
  assert.deepEqual(flushed.splice(0), ["b1 false", "a0 true", "a2 true"]);
  await window.flush("stable");
  assert.deepEqual(flushed.splice(0), ["b1 true"]);
  await window.flush("stable", { target: "b" });
  assert.deepEqual(flushed, []);
  await assert.rejects(window.flush("memory", { target: "c" }), { code: "ERR_INVALID_ARGUMENT" });
});
