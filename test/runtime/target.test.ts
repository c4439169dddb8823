import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { isDidafsError } from "../../src/std/errors.ts";
import { close } from "../../src/system/libc.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { FLUSH_STABLE, OPS, opFlags } from "../../src/wire/ops.ts";
import { RealTarget } from "../target/real-target.ts";

const BYTES = 3 << 20;

for (const kind of ["tcp", "unix"] as const) {
  test(`a real target over ${kind}: puts, gets, atomics and stable flushes on two workers`, async () => {
    await using target = disposable(new RealTarget());
    await target.start("file", 2);
    const origin = await target.origin(kind);
    assert.equal(origin.session.workers, 2);
    const clients = [0, 1].map((worker) => origin.enter(worker));
    const used = new Set<number>();
    for (let inode = 1; inode <= 6; inode += 1) {
      await target.createRegion(inode, BYTES);
      const { handle, worker } = await origin.bind(inode, BYTES);
      used.add(worker);
      const client = clients[worker];
      assert.ok(client);
      const payload = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * inode) & 255);
      const put = { opcode: OPCODE.PUT, handle, offset: 5, length: payload.length, payload };
      assert.equal(client.call(put).status, 0);
      const got = client.call({ opcode: OPCODE.GET, handle, offset: 5, length: payload.length });
      assert.deepEqual(got.payload, payload);
      const add = {
        opcode: OPCODE.FETCH_OP,
        flags: opFlags(OPS.indexOf("add"), 0),
        handle,
        offset: BYTES - 8,
      };
      for (let i = 0; i < 10; i += 1) {
        assert.equal(client.call({ ...add, length: 8, operand: -3n }).value, -3n * BigInt(i));
      }
      assert.equal(client.call({ opcode: OPCODE.FLUSH, flags: FLUSH_STABLE, handle }).status, 0);
      const file = readFileSync(path.join(target.dir, "target", "regions", `${inode}.0`));
      assert.deepEqual(new Uint8Array(file.subarray(4096 + 5, 4096 + 5 + payload.length)), payload);
    }
    assert.equal(used.size, 2);
    await new Promise((resolve) => setTimeout(resolve, 250));
    const counters = target.lastBeat?.counters ?? {};
    const [mine, other] = kind === "tcp" ? ["tcpBytesIn", "unixBytesIn"] : ["unixBytesIn", "tcpBytesIn"];
    assert.ok((counters[mine] ?? 0) > 6 << 20);
    assert.equal(counters[other], 0);
    assert.equal(counters.syncs, 6);
  });
}

test("a descriptor passed to an origin maps the very bytes that the worker serves", async () => {
  for (const drive of ["file", "memory"] as const) {
    await using target = disposable(new RealTarget());
    await target.start(drive, 1);
    await target.createRegion(1, BYTES);
    const origin = await target.origin("unix");
    const window = await origin.bind(1, BYTES, { direct: true });
    assert.deepEqual([window.direct, window.protection], [true, "advisory"]);
    const descriptor = window.descriptor as number;
    assert.throws(() => systemMemory.map(descriptor, 4096, BYTES, true));
    const memory = systemMemory.map(descriptor, 4096, BYTES, false);
    const client = origin.enter(0);
    client.call({ opcode: OPCODE.PUT, handle: window.handle, offset: 16, length: 8, operand: 77n });
    assert.equal(Atomics.load(memory.i64, 2), 77n);
    systemMemory.free(memory);
    close(descriptor);
  }
});

test("what was flushed is there after a kill and a restart; the target stays the same target", async () => {
  await using target = disposable(new RealTarget());
  await target.start("file", 1);
  const { id } = target;
  await target.createRegion(1, BYTES);
  const first = await target.origin("tcp");
  const { handle } = await first.bind(1, BYTES);
  const client = first.enter(0);
  assert.equal(client.call({ opcode: OPCODE.PUT, handle, offset: 8, length: 8, operand: 5n }).status, 0);
  assert.equal(client.call({ opcode: OPCODE.FLUSH, flags: FLUSH_STABLE, handle }).status, 0);
  target.service?.kill();
  assert.equal(await target.service?.ended, "SIGKILL");
  await target.start("file", 1);
  assert.equal(target.id, id);
  const second = await target.origin("tcp");
  const window = await second.bind(1, BYTES);
  assert.equal(
    second.enter(0).call({ opcode: OPCODE.GET, handle: window.handle, offset: 8, length: 8 }).value,
    5n,
  );
});

test("a target that belongs to another cluster does not start, and says why", async () => {
  await using target = disposable(new RealTarget());
  await target.start("memory", 1);
  target.service?.stop();
  assert.equal(await target.service?.ended, "exit code 0");
  const file = path.join(target.dir, "target", "target.json");
  writeFileSync(file, readFileSync(file, "utf8").replace(/c{32}/, "d".repeat(32)));
  await assert.rejects(target.start("memory", 1), (error) => {
    return isDidafsError(error, "ERR_CORRUPT") && /cluster d{32}.*cluster c{32}/.test(error.message);
  });
  await target.service?.ended;
  assert.match(target.log(), /cannot register.*cluster d{32}/);
  target.service = undefined;
});

test("a thread that dies takes the target down, and the reason is told", async () => {
  await using target = disposable(new RealTarget());
  // An address of another machine: the worker fails to listen.
  await assert.rejects(target.start("file", 1, "203.0.113.1"), /thread of the target died.*203\.0\.113\.1/s);
  assert.equal(await target.service?.ended, "exit code 1");
  assert.match(target.log(), /data-plane-thread/);
  target.service = undefined;
});

test("an idle target uses next to no processor", async () => {
  await using target = disposable(new RealTarget());
  await target.start("memory", 1);
  await target.createRegion(1, BYTES);
  const origin = await target.origin("tcp");
  const { handle } = await origin.bind(1, BYTES);
  const client = origin.enter(0);
  assert.equal(client.call({ opcode: OPCODE.GET, handle, length: 8 }).status, 0);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const before = processorMs(target.service?.pid ?? 0);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const used = processorMs(target.service?.pid ?? 0) - before;
  assert.ok(used <= 50, `${used} ms of processor in a second, with a session open and nothing to do`);
});

/** User and system time of a process. Source: proc_pid_stat(5), fields 14 and 15, in ticks of 10 ms. */
function processorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function disposable(target: RealTarget): RealTarget & AsyncDisposable {
  return Object.assign(target, { [Symbol.asyncDispose]: () => target.close() });
}
