import assert from "node:assert/strict";
import { test } from "node:test";
import { codeOf } from "../../src/std/errors.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { DataConnection } from "../../src/transport/data-connection.ts";
import { RemoteBinding, Transfer } from "../../src/transport/transfer.ts";
import { OPCODE, TOKEN_BYTES } from "../../src/wire/header.ts";
import { RealPlane } from "./real-plane.ts";

const MIB = 1 << 20;
/** More than sockets hold: it is still sending when it is turned away. */
const PUT_BYTES = 64 * MIB;

for (const kind of ["tcp", "unix"] as const) {
  test(`${kind}: a client that is turned away while it still sends learns why, and costs no work until it leaves`, () => {
    const worker = new RealPlane(`turned away ${kind} ${process.pid}`, MIB);
    const connection = new DataConnection(worker.connect(kind), systemMemory);
    const hello = new Transfer();
    connection.hello(hello, 1, new Uint8Array(TOKEN_BYTES).fill(8));
    const put = new Transfer().reset(OPCODE.PUT, 0, 0, PUT_BYTES);
    const bytes = new Uint8Array(PUT_BYTES);
    put.lend(bytes, 0);
    put.address = systemMemory.addressOf(bytes);
    put.binding = new RemoteBinding(1);
    connection.submit(put);
    connection.poll();
    // The worker is done with it before it looks for an answer.
    for (let idle = 0; idle < 100; idle += 1) if (worker.plane.doWork(0) > 0) idle = 0;
    for (let round = 0; !hello.settled; round += 1) {
      assert.ok(round < 1e6);
      connection.poll();
      assert.equal(worker.plane.doWork(0), 0);
    }
    assert.deepEqual([hello.lost, codeOf(hello.status)], [false, "ERR_AUTH"]);
    while (!connection.ended) connection.poll();
    assert.deepEqual([put.settled, put.lost], [true, true]);
    assert.equal(worker.poller.wait(0), 0, "nobody wakes up for it");
    assert.equal(worker.count("connections"), 1);
    worker.plane.doWork(6000);
    worker.plane.doWork(6001);
    assert.equal(worker.count("connections"), 0, "time does the rest");
    connection.close();
    worker.close();
  });
}
