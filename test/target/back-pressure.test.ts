import assert from "node:assert/strict";
import { test } from "node:test";
import { systemMemory } from "../../src/system/memory.ts";
import { DataConnection } from "../../src/transport/data-connection.ts";
import { RemoteBinding, Transfer } from "../../src/transport/transfer.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { LOAD_BYTES } from "./loads.ts";
import { RealPlane } from "./real-plane.ts";
import { batchOf, SteadyClient } from "./steady-client.ts";
import { command, READ_WRITE, WorkerFixture } from "./worker-fixture.ts";

const BYTES = 1 << 20;

test("what both sides have to say to each other gets through, however little is on the way at a time", () => {
  for (const bufferBytes of [64, 100, 5000]) {
    const fixture = new WorkerFixture({ bufferBytes });
    const token = fixture.openSession(1);
    const region = { inode: 7, byteLength: BYTES, ...fixture.createRegion(7, BYTES) };
    fixture.bind(1, 1, region, { at: 0, byteLength: BYTES }, READ_WRITE);
    const connection = new DataConnection(
      fixture.network.connect({ kind: "tcp", host: "127.0.0.1", port: 7000 }),
      fixture.memory,
    );
    connection.hello(new Transfer(), 1, token);
    const length = bufferBytes * 20;
    const binding = new RemoteBinding(1);
    const transfers: Transfer[] = [];
    for (let i = 0; i < 600; i += 1) {
      const opcode = i % 2 === 0 ? OPCODE.PUT : OPCODE.GET;
      const transfer = new Transfer().reset(opcode, 0, (i >> 1) * 64, length);
      transfer.lend(new Uint8Array(length).fill(i % 2 === 0 ? i : 0), 0);
      transfer.binding = binding;
      transfers.push(transfer);
      connection.submit(transfer);
    }
    const bytes = 600 * (length + 128);
    for (let round = 0; connection.outstanding > 0; round += 1) {
      assert.ok(round < (4 * bytes) / bufferBytes, `${connection.outstanding} are left`);
      connection.poll();
      fixture.step();
    }
    for (const [i, { u8: got, status, lost }] of transfers.entries()) {
      assert.deepEqual([status, lost], [0, false]);
      if (i % 2 === 1) assert.ok(got.every((byte) => byte === ((i - 1) & 255)));
    }
  }
});

test("who asks for more than finds room, and reads none of it for a while, gets all of it", () => {
  const fixture = new WorkerFixture();
  const token = fixture.openSession(1);
  const region = { inode: 7, byteLength: 1000, ...fixture.createRegion(7, 1000) };
  fixture.bind(1, 1, region, { at: 0, byteLength: 1000 }, READ_WRITE);
  const client = fixture.enter(1, token);
  for (let tag = 0; tag < 2000; tag += 1) {
    client.send(command({ opcode: OPCODE.GET, tag, handle: 1, length: 1000 }));
    fixture.step();
  }
  for (let tag = 0; tag < 2000; tag += 1) {
    const answer = client.answer();
    assert.deepEqual([answer.tag, answer.status, answer.payload.length], [tag, 0, 1000]);
  }
});

test("a peer that never reads costs no work, and on real sockets nobody wakes up for it", () => {
  const worker = new RealPlane(`never reads ${process.pid}`, LOAD_BYTES);
  const get = command({ opcode: OPCODE.GET, handle: 1, length: 1 << 20 });
  const { stream } = new SteadyClient(
    worker.connect(),
    worker.token,
    batchOf(1, () => get, 1 << 20),
  );
  const other = new SteadyClient(worker.connect(), worker.token, {
    commands: [command({ opcode: OPCODE.GET, handle: 1, length: 8 })],
    answerPayloads: [0],
  });
  while (!other.greeted()) worker.plane.doWork(0);
  const own = systemMemory.borrow(get);
  // Until neither the worker nor the kernel takes any more from it.
  for (let idle = 0; idle < 2000; idle += 1) {
    if (stream.send(own, 0, get.length) > 0) idle = 0;
    if (worker.plane.doWork(0) > 0) idle = 0;
  }
  assert.equal(worker.poller.wait(0), 0, "the poller has nothing to say");
  const before = worker.count("operations");
  for (let round = 0; other.batches < 200; round += 1) {
    assert.ok(round < 1e6, "others are served");
    other.advance();
    worker.plane.doWork(0);
  }
  assert.equal(worker.count("operations"), before + other.batches);
  assert.equal(worker.count("connections"), 2);
  stream.close();
  other.close();
  worker.close();
});
