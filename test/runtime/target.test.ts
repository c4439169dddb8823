import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { usageOf } from "../../bench/idle/usage.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import { close } from "../../src/system/libc.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { FLUSH_STABLE, OPS, opFlags } from "../../src/wire/ops.ts";
import { committedAlone, fillLog, preparedFor, writeOf } from "../target/left-logs.ts";
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

for (const drive of ["file", "memory"] as const) {
  test(`a ${drive} target recovers epochs from a file, and does not serve where that is damaged`, async () => {
    await using target = disposable(new RealTarget());
    await target.start(drive, 1);
    await target.createRegion(1, BYTES);
    await target.createRegion(2, BYTES);
    target.service?.kill();
    await target.service?.ended;
    const folder = path.join(target.dir, "target", drive === "file" ? "regions" : "logs");
    const file = path.join(folder, "epochs.0");
    const log = new Uint8Array(1 << 20);
    fillLog(log, [committedAlone(1, writeOf(1, 5, 7, 5000)), preparedFor(2, 2, writeOf(2, 0, 9))]);
    writeFileSync(file, log, { mode: 0o600 });
    await target.start(drive, 1);
    const [line = ""] = /^.*recovered epochs.*$/m.exec(target.log()) ?? [];
    const { records, regions, inDoubt, decisions } = JSON.parse(line);
    assert.deepEqual([records, regions, inDoubt, decisions], [2, drive === "file" ? 1 : 0, 1, 0]);
    if (drive === "file") {
      const bytes = readFileSync(path.join(folder, "1.0"));
      assert.deepEqual([bytes[4096 + 4], bytes[4096 + 5], bytes[4096 + 5004]], [0, 7, 7]);
      assert.equal(bytes[4096 + 5005], 0);
      assert.equal(readFileSync(path.join(folder, "2.0"))[4096], 0, "what is in doubt waits");
    }
    target.service?.stop();
    assert.equal(await target.service?.ended, "exit code 0");

    log.fill(0xee, 0, 4096);
    writeFileSync(file, log);
    await assert.rejects(
      target.start(drive, 1),
      (error) =>
        isDidafsError(error, "ERR_CORRUPT") && /file epochs\.0 in the folder of target/.test(error.message),
    );
    assert.equal(await target.service?.ended, "exit code 1");
    target.service = undefined;
  });
}

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

test("an idle target sleeps: it neither spins nor looks up all the time", async () => {
  await using target = disposable(new RealTarget());
  await target.start("memory", 1);
  await target.createRegion(1, BYTES);
  const origin = await target.origin("tcp");
  const { handle } = await origin.bind(1, BYTES);
  const client = origin.enter(0);
  assert.equal(client.call({ opcode: OPCODE.GET, handle, length: 8 }).status, 0);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const pid = target.service?.pid ?? 0;
  const before = usageOf(pid).wakes;
  const [beats, looks] = [target.beatCount + 10, new Map<string, number>()];
  let lookCount = 0;
  for (; target.beatCount < beats; lookCount += 1) {
    for (const thread of running(pid)) looks.set(thread, (looks.get(thread) ?? 0) + 1);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const woken = usageOf(pid).wakes - before;
  // Two for each heartbeat, and a few of the engine's own threads. Looking up each millisecond would be a thousand.
  assert.ok(woken <= 250, `woken ${woken} times in 10 heartbeats, with a session open and nothing to do`);
  for (const [thread, count] of looks) {
    assert.ok(count < lookCount / 2, `thread ${thread} was running in ${count} of ${lookCount} looks`);
  }
});

/** Threads of a process that use a processor or wait for one. Source: proc_pid_stat(5), field 3. */
function running(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).filter((thread) =>
    /\) R /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1")),
  );
}

function disposable(target: RealTarget): RealTarget & AsyncDisposable {
  return Object.assign(target, { [Symbol.asyncDispose]: () => target.close() });
}
