import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Drive } from "../../src/ports/drive.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import { openFileDrive, openFileDriveSync } from "../../src/system/file-drive.ts";
import { close, fcntl, ftruncate } from "../../src/system/libc.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { openMemoryDrive } from "../../src/system/memory-drive.ts";
import { alsoWhereItMayMount, smallFileSystem } from "../support/small-file-system.ts";
import { openDescriptors, temporaryDirectory } from "./support.ts";

const BYTES = 64 * 1024;
const F_ADD_SEALS = 1033;
const F_SEAL_GROW = 4;
const F_SEAL_WRITE = 8;

const DRIVES: readonly (readonly [string, (t: TestContext) => Drive])[] = [
  ["file", (t) => openFileDrive(join(temporaryDirectory(t), "some", "drive"))],
  ["memory", () => openMemoryDrive()],
];

const hasCode = (code: "EEXIST" | "ERR_NO_SPACE" | "ERR_INVALID_ARGUMENT" | "ERR_IO") => (error: unknown) =>
  isDidafsError(error, code);

for (const [kind, openDrive] of DRIVES) {
  test(`${kind} drive: an object is zero, reserved, and the same whenever it is opened`, (t) => {
    const drive = openDrive(t);
    assert.equal(drive.kind, kind);
    const created = drive.create("region-1.a", BYTES);
    assert.equal(created.byteLength, BYTES);
    const memory = systemMemory.map(created.descriptor, 0, BYTES, true);
    assert.ok(memory.u8.every((byte) => byte === 0));
    memory.u8[BYTES - 1] = 42;
    systemMemory.free(memory);
    const stat = statSync(`/proc/self/fd/${created.descriptor}`);
    assert.ok(stat.blocks * 512 >= BYTES, "every byte has its block");
    created.close();
    created.close();
    assert.equal(created.descriptor, -1);

    const opened = drive.open("region-1.a");
    assert.equal(opened?.byteLength, BYTES);
    const again = systemMemory.map(opened?.descriptor ?? -1, 0, BYTES, false);
    assert.equal(again.u8[BYTES - 1], 42);
    systemMemory.free(again);
    opened?.close();
    drive.close();
  });

  test(`${kind} drive: names are unique, listed, and gone once removed`, (t) => {
    const drive = openDrive(t);
    assert.deepEqual(drive.names(), []);
    for (const name of ["b", "a"]) drive.create(name, BYTES).close();
    assert.throws(() => drive.create("a", BYTES), hasCode("EEXIST"));
    assert.deepEqual(drive.names().sort(), ["a", "b"]);
    drive.remove("a");
    drive.remove("a");
    assert.equal(drive.open("a"), undefined);
    assert.deepEqual(drive.names(), ["b"]);
    drive.remove("b");
    drive.close();
  });

  test(`${kind} drive: a removed object lives on in its mappings`, (t) => {
    const drive = openDrive(t);
    const object = drive.create("a", BYTES);
    const memory = systemMemory.map(object.descriptor, 0, BYTES, true);
    drive.remove("a");
    object.close();
    drive.close();
    memory.u8[5] = 5;
    assert.equal(memory.u8[5], 5);
    systemMemory.free(memory);
  });

  test(`${kind} drive: the read-only descriptor reads and never writes`, (t) => {
    const drive = openDrive(t);
    const object = drive.create("a", BYTES);
    drive.remove("a");
    const readOnly = object.readOnlyDescriptor();
    systemMemory.free(systemMemory.map(readOnly, 0, BYTES, false));
    assert.throws(() => systemMemory.map(readOnly, 0, BYTES, true), hasCode("ERR_IO"));
    assert.equal(ftruncate(readOnly, 0), -1);
    // Else its holder, of whatever user, could open it again to write, by /proc/self/fd.
    assert.equal(statSync(`/proc/self/fd/${readOnly}`).mode & 0o777, 0o600);
    close(readOnly);
    object.close();
    drive.close();
  });

  test(`${kind} drive: names that could leave it are refused`, (t) => {
    const drive = openDrive(t);
    for (const name of ["", ".", "..", ".hidden", "a/b", "../a", "A", "a\0", "a b", "x".repeat(256), "ä"]) {
      assert.throws(() => drive.create(name, BYTES), hasCode("ERR_INVALID_ARGUMENT"), name);
      assert.throws(() => drive.open(name), hasCode("ERR_INVALID_ARGUMENT"));
      assert.throws(() => drive.remove(name), hasCode("ERR_INVALID_ARGUMENT"));
    }
    drive.close();
  });

  test(`${kind} drive: names what it lies on, the same for all that lie there`, (t) => {
    const [one, other] = [openDrive(t), openDrive(t)];
    assert.match(one.medium, /^[0-9a-f]{32}$/);
    assert.equal(one.medium, other.medium);
    one.close();
    other.close();
  });

  test(`${kind} drive: more than there is, is ERR_NO_SPACE and leaves nothing`, (t) => {
    const drive = openDrive(t);
    const before = openDescriptors();
    const { totalBytes, freeBytes } = drive.capacity();
    assert.ok(freeBytes > BYTES && freeBytes <= totalBytes);
    assert.throws(() => drive.create("huge", totalBytes * 2), hasCode("ERR_NO_SPACE"));
    assert.deepEqual(drive.names(), []);
    assert.deepEqual(openDescriptors(), before);
    drive.close();
  });
}

for (const [kind, openDrive] of DRIVES) {
  test(`${kind} drive: an object grows under its mappings, and what is new is zero and reserved`, (t) => {
    const drive = openDrive(t);
    const object = drive.create("a", BYTES);
    const before = systemMemory.map(object.descriptor, 0, BYTES, true);
    before.u8.fill(7);
    object.extend(BYTES, 3 * BYTES);
    assert.equal(object.byteLength, 3 * BYTES);
    const stat = statSync(`/proc/self/fd/${object.descriptor}`);
    assert.equal(stat.size, 3 * BYTES);
    assert.ok(stat.blocks * 512 >= 3 * BYTES, "every byte has its block");
    const after = systemMemory.map(object.descriptor, 0, 3 * BYTES, true);
    assert.ok(after.u8.subarray(0, BYTES).every((byte) => byte === 7));
    assert.ok(after.u8.subarray(BYTES).every((byte) => byte === 0));
    after.u8[5] = 5;
    assert.equal(before.u8[5], 5, "the same bytes");
    object.extend(BYTES, 2 * BYTES);
    assert.equal(object.byteLength, 3 * BYTES, "never shorter");
    for (const memory of [before, after]) systemMemory.free(memory);
    object.close();
    drive.close();
  });

  test(`${kind} drive: a range is zeroed under its mappings, byte by byte`, (t) => {
    const drive = openDrive(t);
    const object = drive.create("a", BYTES);
    const memory = systemMemory.map(object.descriptor, 0, BYTES, true);
    memory.u8.fill(7);
    object.zero(5001, 20_002);
    assert.ok(memory.u8.subarray(0, 5001).every((byte) => byte === 7));
    assert.ok(memory.u8.subarray(5001, 25_003).every((byte) => byte === 0));
    assert.ok(memory.u8.subarray(25_003).every((byte) => byte === 7));
    memory.u8[6000] = 6;
    assert.equal(memory.u8[6000], 6);
    object.zero(BYTES - 1, 1e6);
    assert.equal(object.byteLength, BYTES, "it goes no further than the object");
    systemMemory.free(memory);
    object.close();
    drive.close();
  });

  test(`${kind} drive: what is punched is free, reads as zeros, and can be reserved again`, (t) => {
    const drive = openDrive(t);
    const object = drive.create("a", 4 * BYTES);
    const blocks = (): number => statSync(`/proc/self/fd/${object.descriptor}`).blocks * 512;
    const memory = systemMemory.map(object.descriptor, 0, 4 * BYTES, true);
    memory.u8.fill(7);
    systemMemory.free(memory);
    assert.equal(object.punch(BYTES, 3 * BYTES), true);
    assert.ok(blocks() < 2 * BYTES, "its blocks are gone");
    assert.equal(object.byteLength, 4 * BYTES);
    object.extend(BYTES, 4 * BYTES);
    assert.ok(blocks() >= 4 * BYTES);
    const again = systemMemory.map(object.descriptor, 0, 4 * BYTES, false);
    assert.equal(again.u8[BYTES - 1], 7);
    assert.ok(again.u8.subarray(BYTES).every((byte) => byte === 0));
    systemMemory.free(again);
    assert.equal(object.punch(4 * BYTES, BYTES), true, "nothing to do");
    object.close();
    drive.close();
  });

  test(`${kind} drive: growing beyond what there is, is ERR_NO_SPACE and changes nothing`, (t) => {
    const drive = openDrive(t);
    const object = drive.create("a", BYTES);
    const { totalBytes } = drive.capacity();
    assert.throws(() => object.extend(BYTES, totalBytes * 2), hasCode("ERR_NO_SPACE"));
    assert.equal(object.byteLength, BYTES);
    assert.equal(statSync(`/proc/self/fd/${object.descriptor}`).size, BYTES);
    object.close();
    drive.close();
  });
}

test("file drive: nothing is punched while somebody else has the object open or mapped", (t) => {
  const drive = openFileDrive(temporaryDirectory(t));
  const object = drive.create("a", 2 * BYTES);
  const other = drive.open("a");
  const mapped = systemMemory.map(other?.descriptor ?? -1, 0, 2 * BYTES, true);
  mapped.u8.fill(7);
  assert.equal(object.punch(BYTES, BYTES), false);
  other?.close();
  assert.equal(object.punch(BYTES, BYTES), false, "a mapping outlives its descriptor");
  assert.equal(mapped.u8[BYTES], 7);
  systemMemory.free(mapped);
  assert.equal(object.punch(BYTES, BYTES), true);
  object.close();
});

test("memory drive: a limit counts growth, and what was given back", () => {
  const drive = openMemoryDrive(4 * BYTES);
  const object = drive.create("a", BYTES);
  object.extend(BYTES, 3 * BYTES);
  assert.equal(drive.capacity().freeBytes, BYTES);
  assert.throws(() => object.extend(BYTES, 5 * BYTES), hasCode("ERR_NO_SPACE"));
  object.punch(BYTES, 2 * BYTES);
  assert.equal(drive.capacity().freeBytes, 3 * BYTES);
  drive.create("b", 2 * BYTES).close();
  assert.throws(() => object.extend(BYTES, 3 * BYTES), hasCode("ERR_NO_SPACE"), "holes need room again");
  object.extend(BYTES, 2 * BYTES);
  assert.equal(drive.capacity().freeBytes, 0);
  object.close();
  drive.close();
});

test("memory drive: a limit counts what all objects take, and what is removed is free again", () => {
  const drive = openMemoryDrive(3 * BYTES);
  for (const name of ["a", "b", "c"]) drive.create(name, BYTES).close();
  assert.deepEqual(drive.capacity(), { totalBytes: 3 * BYTES, freeBytes: 0 });
  assert.throws(() => drive.create("d", 4096), hasCode("ERR_NO_SPACE"));
  drive.remove("b");
  drive.create("d", BYTES).close();
  drive.close();
});

test("memory drive: sealed objects never get shorter and keep their seals, whoever has the descriptor", () => {
  const drive = openMemoryDrive();
  const object = drive.create("sealed", BYTES);
  assert.equal(object.sealed, true);
  assert.equal(ftruncate(object.descriptor, 0), -1);
  for (const seal of [F_SEAL_GROW, F_SEAL_WRITE]) {
    assert.equal(fcntl(object.descriptor, F_ADD_SEALS, seal), -1);
  }
  assert.equal(statSync(`/proc/self/fd/${object.descriptor}`).size, BYTES);
  object.extend(BYTES, 2 * BYTES);
  assert.equal(object.byteLength, 2 * BYTES);
  assert.equal(ftruncate(object.descriptor, BYTES), -1);
  object.close();
  drive.close();
});

test("file drive: objects are the owner's alone, what is no object is not listed, links are not followed", (t) => {
  const directory = temporaryDirectory(t);
  const drive = openFileDrive(directory);
  drive.create("a", BYTES).close();
  assert.equal(statSync(join(directory, "a")).mode & 0o777, 0o600);
  writeFileSync(join(directory, "Not an object"), "");
  symlinkSync("/etc/passwd", join(directory, "link"));
  assert.deepEqual(drive.names(), ["a"]);
  assert.throws(() => drive.open("link"), hasCode("ERR_IO"));
  assert.equal(drive.open("a")?.sealed, false);
});

const first = smallFileSystem(1 << 20);
const second = smallFileSystem(1 << 20);
if (first === undefined || second === undefined) alsoWhereItMayMount(import.meta.filename);
else {
  test("file drive: a full file system is ERR_NO_SPACE, leaves no file, and takes what fits", (t) => {
    const directory = first;
    const drive = openFileDrive(directory);
    assert.equal(drive.capacity().totalBytes, 1 << 20);
    drive.create("first", 600_000).close();
    assert.throws(() => drive.create("second", 600_000), hasCode("ERR_NO_SPACE"));
    assert.deepEqual(readdirSync(directory), ["first"]);
    // Space that is free when it is asked for and gone when it is reserved: the kernel refuses half-way.
    t.mock.method(drive, "capacity", () => ({ totalBytes: 1 << 30, freeBytes: 1 << 30 }));
    assert.throws(() => drive.create("third", 600_000), hasCode("ERR_NO_SPACE"));
    assert.deepEqual(readdirSync(directory), ["first"]);
    t.mock.restoreAll();
    const { freeBytes } = drive.capacity();
    drive.create("rest", freeBytes).close();
    assert.equal(drive.capacity().freeBytes, 0);
  });

  test("file drive: growing beyond a full file system is ERR_NO_SPACE, and stores to what exists still work", (t) => {
    const directory = second;
    const drive = openFileDrive(directory);
    const object = drive.create("a", 8 * BYTES);
    const memory = systemMemory.map(object.descriptor, 0, 8 * BYTES, true);
    const other = drive.create("other", 6 * BYTES);
    assert.throws(() => object.extend(8 * BYTES, 16 * BYTES), hasCode("ERR_NO_SPACE"));
    // Space that is gone when it is reserved: the kernel refuses half-way.
    t.mock.method(drive, "capacity", () => ({ totalBytes: 1 << 30, freeBytes: 1 << 30 }));
    assert.throws(() => object.extend(8 * BYTES, 16 * BYTES), hasCode("ERR_NO_SPACE"));
    t.mock.restoreAll();
    assert.equal(statSync(join(directory, "a")).size, 8 * BYTES);
    other.extend(6 * BYTES, 6 * BYTES + drive.capacity().freeBytes);
    assert.equal(drive.capacity().freeBytes, 0);
    memory.u8.fill(7);
    object.zero(100, 7 * BYTES);
    memory.u8.fill(8);
    assert.ok(memory.u8.every((byte) => byte === 8));
    systemMemory.free(memory);
    object.close();
    other.close();
  });
}

test("file drive: syncing answers 0, or the errno of what failed", (t) => {
  const directory = temporaryDirectory(t);
  const drive = openFileDrive(directory);
  const sync = openFileDriveSync(directory);
  const object = drive.create("a", BYTES);
  assert.equal(sync.startWriting(object.descriptor), 0);
  assert.equal(sync.awaitWriting(object.descriptor), 0);
  assert.equal(sync.sync(object.descriptor), 0);
  assert.equal(sync.syncNames(), 0);
  object.close();
  assert.equal(sync.startWriting(object.descriptor), 9);
  assert.equal(sync.awaitWriting(object.descriptor), 9);
  assert.equal(sync.sync(object.descriptor), 9);
  sync.close();
  sync.close();
  assert.equal(sync.syncNames(), 9);
});

test("file drive: a sync of a few words writes their pages, and nothing of what lies around them", (t) => {
  const [bytes, words] = [32 << 20, 64];
  const directory = temporaryDirectory(t);
  const object = openFileDrive(directory).create("a", bytes);
  const sync = openFileDriveSync(directory);
  const memory = systemMemory.map(object.descriptor, 0, bytes, true);
  assert.equal(sync.sync(object.descriptor), 0);
  const before = dirtiedBytes();
  for (let word = 0; word < words; word += 1) {
    memory.i32[(word * bytes) / words / 4] = 1;
    assert.equal(sync.sync(object.descriptor), 0);
  }
  const written = dirtiedBytes() - before;
  assert.ok(written <= words * 4 * 4096, `${written} bytes for ${words} words`);
  systemMemory.free(memory);
  object.close();
  sync.close();
});

/** What this process has had the kernel write to drives; 0 for a file system that lies in memory. */
function dirtiedBytes(): number {
  const [, bytes] = /^write_bytes: (\d+)$/m.exec(readFileSync("/proc/self/io", "latin1")) ?? [];
  return Number(bytes);
}
