import assert from "node:assert/strict";
import { test } from "node:test";
import { ENDED, WOULD_BLOCK } from "../../src/ports/network.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { SimNetwork } from "../../src/sim/network.ts";
import { isDidafsError } from "../../src/std/errors.ts";

const memory = new SimMemory();
const bytesOf = (...bytes: number[]) => memory.borrow(Uint8Array.from(bytes));

test("bytes arrive in order, then the end of the stream", () => {
  const network = new SimNetwork();
  const listener = network.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
  const near = network.connect(listener.address);
  assert.equal(near.send(bytesOf(1, 2, 3), 0, 3), 3);
  const far = listener.accept();
  assert.ok(far);
  const into = memory.borrow(new Uint8Array(8));
  assert.equal(far.recv(into, 0, 8), 3);
  assert.equal(far.recv(into, 0, 8), WOULD_BLOCK);
  near.send(bytesOf(4), 0, 1);
  near.close();
  assert.equal(far.recv(into, 3, 5), 1);
  assert.equal(far.recv(into, 4, 4), ENDED);
  assert.equal(far.send(into, 0, 1), ENDED);
  assert.deepEqual([...into.u8.subarray(0, 4)], [1, 2, 3, 4]);
});

test("who ends sending still receives, and the peer finds the end behind what was sent", () => {
  const [near, far] = new SimNetwork().pair("tcp");
  const into = memory.borrow(new Uint8Array(8));
  far.send(bytesOf(1, 2), 0, 2);
  far.endSending();
  assert.equal(near.send(bytesOf(3), 0, 1), 1);
  assert.equal(far.recv(into, 0, 8), 1);
  assert.equal(near.recv(into, 0, 8), 2);
  assert.equal(near.recv(into, 0, 8), ENDED);
  assert.equal(far.send(bytesOf(1), 0, 1), ENDED);
});

test("with a seed transfers are cut, and the same seed cuts them alike", () => {
  const run = (seed: number) => {
    const network = new SimNetwork({ seed, bufferBytes: 64 });
    const [near, far] = network.pair("unix");
    const sent = Uint8Array.from({ length: 500 }, (_, i) => i & 255);
    const received: number[] = [];
    const trace: number[] = [];
    const into = memory.borrow(new Uint8Array(100));
    let at = 0;
    for (let step = 0; received.length < sent.length && step < 10_000; step++) {
      if (at < sent.length) {
        const taken = near.send(memory.borrow(sent), at, sent.length - at);
        trace.push(taken);
        if (taken > 0) at += taken;
      }
      const count = far.recv(into, 0, 100);
      if (count > 0) received.push(...into.u8.subarray(0, count));
    }
    assert.deepEqual(Uint8Array.from(received), sent);
    return trace;
  };
  assert.deepEqual(run(7), run(7));
  assert.notDeepEqual(run(7), run(8));
});

test("a descriptor arrives with the first byte of what it was sent with", () => {
  const network = new SimNetwork();
  const [near, far] = network.pair("unix", true);
  far.send(bytesOf(1), 0, 1);
  far.sendDescriptor(bytesOf(2, 3), 0, 2, 77);
  const into = memory.borrow(new Uint8Array(8));
  assert.equal(near.recv(into, 0, 8), 1);
  assert.equal(near.takeDescriptor(), undefined);
  assert.equal(near.recv(into, 0, 8), 2);
  assert.equal(near.takeDescriptor(), 77);
  assert.equal(near.takeDescriptor(), undefined);
});

test("an address has one listener; without one a connection ends at once", () => {
  const network = new SimNetwork();
  const address = { kind: "unix", name: "a" } as const;
  const listener = network.listen(address);
  assert.throws(
    () => network.listen(address),
    (error) => isDidafsError(error, "ERR_PORT_IN_USE"),
  );
  const waiting = network.connect(address);
  listener.close();
  const into = memory.borrow(new Uint8Array(1));
  assert.equal(waiting.recv(into, 0, 1), ENDED);
  assert.equal(network.connect(address).send(into, 0, 1), ENDED);
});
