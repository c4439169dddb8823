import assert from "node:assert/strict";
import { test } from "node:test";
import { READABLE, WRITABLE } from "../../src/ports/poller.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { createPoller, createWaker } from "../../src/system/poller.ts";
import { waitReadable } from "../../src/system/wait-readable.ts";
import { connectedPair, openDescriptors, readyWorker, unixName } from "./support.ts";

const bytes = systemMemory.allocate(1 << 20);

function took(body: () => void): number {
  const startMs = performance.now();
  body();
  return performance.now() - startMs;
}

test("a ready source is reported with its token, again and again, until it is not", (t) => {
  const { client, server } = connectedPair(t, unixName());
  const poller = createPoller();
  t.after(() => poller.close());
  poller.watch(server, READABLE, 77);
  assert.equal(poller.wait(0), 0);
  client.send(bytes, 0, 4);
  for (let round = 0; round < 3; round += 1) {
    assert.equal(poller.wait(1000), 1);
    assert.equal(poller.ready[0], 77);
  }
  server.recv(bytes, 0, 4);
  assert.equal(poller.wait(0), 0);
});

test("watching again changes interest and token; without interest nothing is reported, not even an end", (t) => {
  const { client, server } = connectedPair(t, unixName());
  const poller = createPoller();
  t.after(() => poller.close());
  poller.watch(server, READABLE, 1);
  poller.watch(server, READABLE | WRITABLE, -2);
  assert.equal(poller.wait(0), 1);
  assert.equal(poller.ready[0], -2);
  while (server.send(bytes, 0, bytes.u8.length) > 0);
  assert.equal(poller.wait(0), 0);
  poller.watch(server, 0, 3);
  client.close();
  assert.equal(poller.wait(0), 0);
  poller.watch(server, READABLE, 4);
  assert.equal(poller.wait(0), 1);
  assert.equal(poller.ready[0], 4);
  poller.unwatch(server);
  poller.unwatch(server);
  assert.equal(poller.wait(0), 0);
});

test("a closed source is forgotten, and what gets its number is new", (t) => {
  const poller = createPoller();
  t.after(() => poller.close());
  const old = connectedPair(t, unixName());
  poller.watch(old.server, READABLE, 1);
  old.client.close();
  old.server.close();
  assert.equal(poller.wait(0), 0);
  poller.unwatch(old.server);
  const next = connectedPair(t, unixName());
  for (const stream of [next.client, next.server]) poller.watch(stream, READABLE, stream.descriptor);
  next.client.send(bytes, 0, 1);
  assert.equal(poller.wait(1000), 1);
  assert.equal(poller.ready[0], next.server.descriptor);
});

test("more sources than one wait reports are reported by the next", (t) => {
  const poller = createPoller();
  t.after(() => poller.close());
  const seen = new Set<number>();
  const streams = Array.from({ length: 150 }, () => connectedPair(t, unixName())).flatMap((pair) => [
    pair.client,
    pair.server,
  ]);
  for (const [token, stream] of streams.entries()) poller.watch(stream, WRITABLE, token);
  for (let round = 0; round < 3; round += 1) {
    const count = poller.wait(0);
    assert.ok(count <= poller.ready.length);
    for (const token of poller.ready.subarray(0, count)) seen.add(token);
  }
  assert.equal(seen.size, 300);
});

test("a wait ends at its time, not before", (t) => {
  const poller = createPoller();
  t.after(() => poller.close());
  assert.ok(took(() => assert.equal(poller.wait(20.5), 0)) >= 20.5);
});

test("wakes before a wait end one wait, however many they were", (t) => {
  const poller = createPoller();
  const waker = createWaker(poller.wakeDescriptor);
  t.after(() => poller.close());
  waker.wake();
  waker.wake();
  assert.ok(took(() => assert.equal(poller.wait(5000), 0)) < 2500);
  assert.ok(took(() => assert.equal(poller.wait(20), 0)) >= 19);
  waker.wake();
  assert.ok(took(() => assert.equal(poller.wait(5000), 0)) < 2500);
  waker.close();
});

test("another thread wakes a wait", async (t) => {
  const poller = createPoller();
  t.after(() => poller.close());
  const start = new Int32Array(new SharedArrayBuffer(4));
  await readyWorker(t, "waker-worker.ts", { wakeDescriptor: poller.wakeDescriptor, start });
  const waitedMs = took(() => {
    Atomics.store(start, 0, 1);
    Atomics.notify(start, 0);
    assert.equal(poller.wait(10_000), 0);
  });
  assert.ok(waitedMs >= 45 && waitedMs < 5000, `${waitedMs} ms`);
});

test("a waker outlives its poller and touches nothing else", (t) => {
  const before = openDescriptors();
  const poller = createPoller();
  const waker = createWaker(poller.wakeDescriptor);
  poller.close();
  poller.close();
  const { client, server } = connectedPair(t, unixName());
  waker.wake();
  assert.ok(client.recv(bytes, 0, 1) < 0 && server.recv(bytes, 0, 1) < 0);
  waker.close();
  waker.close();
  waker.wake();
  client.close();
  server.close();
  assert.deepEqual(openDescriptors(), before);
});

test("one stream is waited for without a poller", (t) => {
  const { client, server } = connectedPair(t, unixName());
  assert.ok(took(() => assert.equal(waitReadable(server.descriptor, 20.5), false)) >= 20.5);
  client.send(bytes, 0, 1);
  assert.equal(waitReadable(server.descriptor, 1000), true);
  server.recv(bytes, 0, 1);
  client.close();
  assert.equal(waitReadable(server.descriptor, 1000), true);
  assert.ok(took(() => assert.equal(waitReadable(client.descriptor, 5000), true)) < 2500);
});
