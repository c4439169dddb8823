import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isDidafsError } from "../../src/std/errors.ts";
import { close, ftruncate, memfdCreate } from "../../src/system/libc.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { openMemoryDrive } from "../../src/system/memory-drive.ts";

const PAGE = 4096;

test("allocated memory is zero, page-aligned and the same under every view", () => {
  const memory = systemMemory.allocate(PAGE + 5);
  assert.equal(memory.address % PAGE, 0);
  assert.equal(memory.u8.length, PAGE + 5);
  assert.equal(memory.i64.byteLength, PAGE);
  assert.ok(memory.u8.every((byte) => byte === 0));
  memory.u64[0] = 0x0102_0304_0506_0708n;
  assert.equal(memory.u8[0], 8);
  assert.equal(memory.u32[1], 0x0102_0304);
  assert.equal(memory.i32[0], 0x0506_0708);
  systemMemory.free(memory);
});

test("memory of no bytes can be had, used and freed", () => {
  const memory = systemMemory.allocate(0);
  assert.equal(memory.u8.length, 0);
  assert.equal(memory.i64.length, 0);
  systemMemory.free(memory);
  const object = openMemoryDrive().create("a", PAGE);
  systemMemory.free(systemMemory.map(object.descriptor, 0, 0, true));
  object.close();
});

test("freed memory is detached first: late accesses throw or find nothing", () => {
  const memory = systemMemory.allocate(PAGE);
  const inner = memory.u8.subarray(16, 32);
  const data = new DataView(memory.u8.buffer);
  systemMemory.free(memory);
  for (const view of [memory.u8, memory.i32, memory.u32, memory.i64, memory.u64, inner]) {
    assert.equal(view.length, 0);
    assert.equal(view[0], undefined);
  }
  memory.u8[0] = 1; // no crash, no effect
  assert.throws(() => Atomics.load(memory.i32, 0), TypeError);
  assert.throws(() => Atomics.add(memory.i64, 0, 1n), TypeError);
  assert.throws(() => data.getInt32(0), TypeError);
  assert.throws(() => new Uint8Array(memory.u8.buffer), TypeError);
});

test("freeing twice, or what another made, is our mistake", () => {
  const memory = systemMemory.allocate(PAGE);
  systemMemory.free(memory);
  assert.throws(() => systemMemory.free(memory), /freed once/);
  assert.throws(() => systemMemory.free({ ...memory }), /port that made it/);
});

test("two mappings of one object show the same bytes, from any page on", () => {
  const object = openMemoryDrive().create("shared", 3 * PAGE);
  const whole = systemMemory.map(object.descriptor, 0, 3 * PAGE, true);
  const tail = systemMemory.map(object.descriptor, PAGE, 2 * PAGE, false);
  whole.u8[PAGE + 7] = 42;
  assert.equal(tail.u8[7], 42);
  systemMemory.free(whole);
  assert.equal(tail.u8[7], 42);
  systemMemory.free(tail);
  object.close();
});

test("a private mapping shows the object's bytes and keeps its own stores, read-only descriptor or not", () => {
  const object = openMemoryDrive().create("private", 2 * PAGE);
  const shared = systemMemory.map(object.descriptor, 0, 2 * PAGE, true);
  const readOnly = object.readOnlyDescriptor();
  const own = systemMemory.mapPrivate(readOnly, 0, 2 * PAGE);
  shared.u8[0] = 1;
  assert.equal(own.u8[0], 1);
  own.u8[0] = 2;
  assert.equal(shared.u8[0], 1);
  shared.u8[PAGE] = 3;
  assert.equal(own.u8[PAGE], 3);
  close(readOnly);
  for (const memory of [own, shared]) systemMemory.free(memory);
  object.close();
});

test("what cannot be mapped is ERR_IO with the reason, and never a signal later", () => {
  const object = openMemoryDrive().create("short", PAGE);
  const refusals: [() => unknown, RegExp][] = [
    [() => systemMemory.map(object.descriptor, 0, 2 * PAGE, true), /the object is shorter/],
    [() => systemMemory.map(object.descriptor, PAGE, PAGE, true), /the object is shorter/],
    [() => systemMemory.map(object.descriptor, 1, 8, true), /EINVAL/],
    [() => systemMemory.map(1_000_000, 0, 8, true), /EBADF/],
  ];
  for (const [call, reason] of refusals) {
    assert.throws(call, (error) => isDidafsError(error, "ERR_IO") && reason.test(error.message));
  }
  object.close();
  assert.throws(() => systemMemory.allocate(2 ** 46), /ENOMEM/);
});

test("a mapping that the kernel has no room for is ERR_TOO_MANY and names the limit", () => {
  // As many bytes as there are addresses: refused with the same errno as one mapping too many, at no cost.
  const descriptor = memfdCreate("long", 0);
  const byteLength = 2 ** 47;
  assert.equal(ftruncate(descriptor, byteLength), 0);
  for (const map of [
    () => systemMemory.map(descriptor, 0, byteLength, true),
    () => systemMemory.mapPrivate(descriptor, 0, byteLength),
    () => systemMemory.mapBehindHeader(descriptor, PAGE, byteLength - PAGE, false),
  ]) {
    assert.throws(
      map,
      (error) => isDidafsError(error, "ERR_TOO_MANY") && /ENOMEM.*vm\.max_map_count/.test(error.message),
    );
  }
  close(descriptor);
});

test("borrowed bytes are where the caller's bytes are", () => {
  const memory = systemMemory.allocate(PAGE);
  assert.equal(systemMemory.borrow(memory.u8).address, memory.address);
  assert.equal(systemMemory.borrow(memory.u8.subarray(100, 200)).address, memory.address + 100);

  const own = new Uint8Array(64);
  const base = systemMemory.borrow(own).address;
  assert.equal(systemMemory.borrow(own.subarray(8)).address, base + 8);
  assert.equal(systemMemory.borrow(new Uint8Array(own.buffer, 3, 1)).address, base + 3);
  // An empty view first must not leave a wrong address for its buffer.
  const later = new Uint8Array(64);
  systemMemory.borrow(later.subarray(5, 5));
  assert.equal(systemMemory.borrow(later.subarray(5)).address - systemMemory.borrow(later).address, 5);
  assert.equal(systemMemory.borrow(new Uint8Array(0)).u8.length, 0);
  systemMemory.free(memory);
});

test("memory behind a header is one mapping; views of it do not reach the header, and both go at once", () => {
  const object = openMemoryDrive().create("a", 3 * PAGE);
  const whole = systemMemory.map(object.descriptor, 0, 3 * PAGE, true);
  const before = mappings();
  for (const byteLength of [2 * PAGE, 0]) {
    const memory = systemMemory.mapBehindHeader(object.descriptor, PAGE, byteLength, true);
    assert.equal(mappings(), before + 1);
    assert.equal(memory.u8.buffer.byteLength, byteLength);
    assert.equal(memory.header.byteLength, PAGE);
    memory.header[3] = 5;
    assert.equal(whole.i32[3], 5);
    memory.u8.fill(7);
    assert.deepEqual(whole.u8.subarray(PAGE, PAGE + byteLength), memory.u8.slice());
    systemMemory.free(memory);
    assert.equal(mappings(), before);
    assert.deepEqual([memory.header.length, memory.u8.length], [0, 0]);
  }
  assert.throws(
    () => systemMemory.mapBehindHeader(object.descriptor, PAGE, 2 * PAGE + 1, false),
    (error) => isDidafsError(error, "ERR_IO"),
  );
  const empty = systemMemory.allocate(0);
  assert.equal(empty.u8.buffer.detached, false, "no other memory of no bytes is touched");
  systemMemory.free(whole);
  object.close();
});

/** Of the object of the test above. */
function mappings(): number {
  return readFileSync("/proc/self/maps", "utf8").split("/memfd:a").length - 1;
}
