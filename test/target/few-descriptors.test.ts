import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { type Address, ENDED } from "../../src/ports/network.ts";
import type { RunningService } from "../../src/runtime/service.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { systemNetwork } from "../../src/system/network.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { LEASE_MS_MAX } from "../../src/wire/leases.ts";
import { until } from "../support/process-cluster.ts";
import { type RealOrigin, RealTarget } from "./real-target.ts";
import type { RawClient } from "./worker-fixture.ts";

const BYTES = 4096;
/** Descriptors that the target has left. */
const LEFT = 8;
/** More than use them up, with as many connections as a session may have. */
const ORIGINS = 4;
const CONNECTIONS_MAX = 16 * ORIGINS;
const STRANGERS = 40;
const CALLS = 100;

/** A limit is the first number that no descriptor may have: LEFT of those below are free. */
function limitDescriptors(pid: number): void {
  const used = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let limit = 0;
  for (let free = 0; free < LEFT; limit += 1) if (!used.has(limit)) free += 1;
  execFileSync("prlimit", ["--pid", `${pid}`, `--nofile=${limit}:`]);
}

/** Connections to the worker, until it has no room for another one. */
function fill(origins: readonly RealOrigin[]): RawClient[] {
  const clients: RawClient[] = [];
  for (;;) {
    assert.ok(clients.length < CONNECTIONS_MAX, "the descriptors run out first");
    try {
      clients.push((origins[clients.length % ORIGINS] as RealOrigin).enter(0));
    } catch (error) {
      assert.match(String(error), /an answer comes before the end/);
      return clients;
    }
  }
}

test("a worker without descriptors serves those who are inside, and lets others in once there are some", async () => {
  const target = new RealTarget();
  try {
    await target.start("memory", 1);
    await target.createRegion(5, BYTES);
    const origins: RealOrigin[] = [];
    for (let i = 0; i < ORIGINS; i += 1) origins.push(await target.origin("tcp", LEASE_MS_MAX));
    const [origin] = origins as [RealOrigin];
    const { handle } = await origin.bind(5, BYTES);
    const inside = origin.enter(0);
    limitDescriptors((target.service as RunningService).pid);
    const others = fill(origins);
    const address = target.endpoint?.tcp.workers[0] as Address;
    const strangers = Array.from({ length: STRANGERS }, () => systemNetwork.connect(address));
    for (let i = 0; i < CALLS; i += 1) {
      const operand = BigInt(i);
      assert.equal(inside.call({ opcode: OPCODE.PUT, handle, length: 8, operand }).status, 0);
      assert.equal(inside.call({ opcode: OPCODE.GET, handle, length: 8 }).value, operand);
    }
    const into = systemMemory.allocate(1);
    // None of them is left to wait for nothing.
    await until(() => strangers.every((stranger) => stranger.recv(into, 0, 1) === ENDED));
    for (const stranger of strangers) stranger.close();
    others[0]?.stream.close();
    await until(() => {
      try {
        return origin.enter(0).call({ opcode: OPCODE.GET, handle, length: 8 }).value === BigInt(CALLS - 1);
      } catch (error) {
        // The worker has not noticed yet who has gone.
        assert.match(String(error), /an answer comes before the end/);
        return false;
      }
    });
    assert.equal(inside.call({ opcode: OPCODE.GET, handle, length: 8 }).status, 0);
  } finally {
    await target.close();
  }
});
