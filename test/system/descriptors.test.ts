import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ENDED, type Stream } from "../../src/ports/network.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import { close, fcntl, sendmsg } from "../../src/system/libc.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { openMemoryDrive } from "../../src/system/memory-drive.ts";
import { connectedPair, openDescriptors, unixName, until } from "./support.ts";

const F_GETFD = 1;
const FD_CLOEXEC = 1;

const bytes = systemMemory.allocate(4096);
const space = systemMemory.allocate(4096);
bytes.u8.fill(7);

function receive(stream: Stream, count: number): void {
  let received = 0;
  until(`${count} bytes`, () => {
    const now = stream.recv(space, 0, count - received);
    assert.notEqual(now, ENDED);
    if (now > 0) received += now;
    return received === count;
  });
}

function memoryObject(t: TestContext, word: number) {
  const drive = openMemoryDrive();
  const object = drive.create("passed", 4096);
  t.after(() => {
    object.close();
    drive.close();
  });
  const memory = systemMemory.map(object.descriptor, 0, 4096, true);
  memory.i32[0] = word;
  systemMemory.free(memory);
  return object;
}

test("a passed descriptor arrives with its byte, shows the same bytes, and is closed on exec", (t) => {
  const { client, server } = connectedPair(t, unixName(), { acceptDescriptors: true });
  const object = memoryObject(t, 4711);
  assert.equal(server.send(bytes, 0, 10), 10);
  assert.equal(server.sendDescriptor(bytes, 0, 100, object.descriptor), 100);
  assert.equal(server.send(bytes, 0, 10), 10);
  receive(client, 120);
  const passed = client.takeDescriptor();
  assert.ok(passed !== undefined && passed !== object.descriptor);
  assert.equal(client.takeDescriptor(), undefined);
  assert.equal(fcntl(passed, F_GETFD, 0) & FD_CLOEXEC, FD_CLOEXEC);
  const memory = systemMemory.map(passed, 0, 4096, true);
  assert.equal(memory.i32[0], 4711);
  systemMemory.free(memory);
  close(passed);
});

test("descriptors come out in the order in which they went in", (t) => {
  const { client, server } = connectedPair(t, unixName(), { acceptDescriptors: true });
  const objects = [1, 2, 3].map((word) => memoryObject(t, word));
  for (const object of objects) server.sendDescriptor(bytes, 0, 5, object.descriptor);
  receive(client, 15);
  const words = objects.map(() => {
    const passed = client.takeDescriptor() as number;
    const memory = systemMemory.map(passed, 0, 4096, false);
    const word = memory.i32[0];
    systemMemory.free(memory);
    close(passed);
    return word;
  });
  assert.deepEqual(words, [1, 2, 3]);
});

test("a descriptor opened for reading cannot be mapped writable by who receives it", (t) => {
  const { client, server } = connectedPair(t, unixName(), { acceptDescriptors: true });
  const object = memoryObject(t, 9);
  const readOnly = object.readOnlyDescriptor();
  server.sendDescriptor(bytes, 0, 1, readOnly);
  close(readOnly);
  receive(client, 1);
  const passed = client.takeDescriptor() as number;
  assert.throws(
    () => systemMemory.map(passed, 0, 4096, true),
    (error) => isDidafsError(error, "ERR_IO") && /EACCES/.test(error.message),
  );
  const memory = systemMemory.map(passed, 0, 4096, false);
  assert.equal(memory.i32[0], 9);
  systemMemory.free(memory);
  close(passed);
});

test("streams that do not ask for descriptors never get one, and their bytes arrive", (t) => {
  const accepted = connectedPair(t, unixName(), { acceptDescriptors: true });
  const plain = connectedPair(t, unixName());
  const object = memoryObject(t, 1);
  const before = openDescriptors();
  for (const [from, to] of [
    [accepted.client, accepted.server],
    [plain.client, plain.server],
    [plain.server, plain.client],
  ] as const) {
    assert.equal(from.sendDescriptor(bytes, 0, 8, object.descriptor), 8);
    receive(to, 8);
    assert.equal(to.takeDescriptor(), undefined);
  }
  assert.deepEqual(openDescriptors(), before);
});

test("a flood of descriptors is cut off: sixteen wait, the rest are closed, the bytes arrive", (t) => {
  const { client, server } = connectedPair(t, unixName(), { acceptDescriptors: true });
  const object = memoryObject(t, 1);
  const before = openDescriptors();
  for (let index = 0; index < 40; index += 1) {
    assert.equal(server.sendDescriptor(bytes, 0, 1, object.descriptor), 1);
  }
  receive(client, 40);
  assert.equal(openDescriptors().size - before.size, 16);
  assert.ok(client.takeDescriptor() !== undefined);
  // Those that nobody took are closed with the stream; the one taken is the taker's.
  client.close();
  server.close();
  assert.equal(openDescriptors().size - before.size, 1 - 2);
});

test("ten descriptors in one message: four find room, the kernel closes the rest", (t) => {
  const { client, server } = connectedPair(t, unixName(), { acceptDescriptors: true });
  const object = memoryObject(t, 1);
  const before = openDescriptors();
  sendMany(server.descriptor, new Array(10).fill(object.descriptor));
  receive(client, 1);
  assert.equal(openDescriptors().size - before.size, 4);
  for (let index = 0; index < 4; index += 1) close(client.takeDescriptor() as number);
  assert.equal(client.takeDescriptor(), undefined);
  assert.deepEqual(openDescriptors(), before);
});

test("descriptors travel on unix streams only", (t) => {
  const { client } = connectedPair(t, { kind: "tcp", host: "127.0.0.1", port: 0 });
  assert.throws(() => client.sendDescriptor(bytes, 0, 1, 0), /unix streams only/);
});

/** What only a hostile peer does: several descriptors beside one byte. Words as in struct msghdr and struct cmsghdr. */
function sendMany(socket: number, descriptors: number[]): void {
  const message = systemMemory.allocate(4096);
  const words = message.u64;
  const at = BigInt(message.address);
  const controlBytes = 16 + descriptors.length * 4;
  words.set([0n, 0n, at + 64n, 1n, at + 128n, BigInt(controlBytes), 0n]);
  words.set([at, 1n], 64 / 8);
  words.set([BigInt(controlBytes), 1n | (1n << 32n)], 128 / 8);
  message.i32.set(descriptors, (128 + 16) / 4);
  assert.equal(sendmsg(socket, message.address, 0), 1);
  systemMemory.free(message);
}
