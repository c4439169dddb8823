import assert from "node:assert/strict";
import { test } from "node:test";
import { STRANGERS_MAX } from "../../src/rpc/limits.ts";
import { statusOf } from "../../src/std/errors.ts";
import { ADMITTED_MAX } from "../../src/target/entrance.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { collect } from "../support/retained-bytes.ts";
import { command, type RawClient, READ_WRITE, WorkerFixture } from "./worker-fixture.ts";

const KIB = 1 << 10;
const BYTES = 64 * KIB;
const CONNECTIONS = 1000;
const PER_SESSION = 16;

/** A worker whose memory is counted. */
function serving(bufferBytes: number) {
  const fixture = new WorkerFixture({ bufferBytes, exactPoller: true });
  const { memory } = fixture;
  const held = { bytes: 0 };
  const allocate = memory.allocate.bind(memory);
  const free = memory.free.bind(memory);
  memory.allocate = (byteLength) => {
    held.bytes += byteLength;
    return allocate(byteLength);
  };
  memory.free = (freed) => {
    held.bytes -= freed.u8.byteLength;
    free(freed);
  };
  const region = { inode: 7, byteLength: BYTES, ...fixture.createRegion(7, BYTES) };
  /** So many proven connections, as many to a session as it may have. */
  const enter = (count: number): RawClient[] => {
    const clients: RawClient[] = [];
    for (let session = 1; clients.length < count; session += 1) {
      const token = fixture.openSession(session);
      fixture.bind(session, 1, region, { at: 0, byteLength: BYTES }, READ_WRITE);
      for (let i = 0; i < PER_SESSION && clients.length < count; i += 1) {
        clients.push(fixture.enter(session, token));
        // Crowds at the door are let in little by little.
        fixture.nowMs += 1;
      }
    }
    return clients;
  };
  return { fixture, held, enter };
}

const get = (length: number): Uint8Array => command({ opcode: OPCODE.GET, handle: 1, length });

test("a thousand connections that have worked and rest cost nearly nothing", () => {
  const { fixture, held, enter } = serving(256 * KIB);
  const [first] = enter(1);
  assert.equal(first?.call({ opcode: OPCODE.GET, handle: 1, length: 5000 }).status, 0);
  collect();
  const before = { held: held.bytes, heap: process.memoryUsage().heapUsed };
  const clients = enter(CONNECTIONS);
  for (const client of clients) {
    client.send(command({ opcode: OPCODE.PUT, handle: 1, length: 5000, payload: new Uint8Array(5000) }));
    client.send(get(5000));
  }
  fixture.step(3);
  for (const client of clients) assert.equal(client.answer().opcode, OPCODE.PUT);
  for (const client of clients) assert.equal(client.answer().payload.length, 5000);
  assert.equal(fixture.count("connections"), CONNECTIONS + 1);
  assert.ok(held.bytes - before.held <= 64 * 48 * KIB, `${held.bytes - before.held} bytes are kept for all`);
  collect();
  // The clients and the simulated network are in it too.
  const each = (process.memoryUsage().heapUsed - before.heap) / CONNECTIONS;
  assert.ok(each < 16 * KIB, `${each} bytes of the heap for each`);
  for (const client of clients) client.stream.close();
  fixture.step(20);
  assert.equal(fixture.count("connections"), 1);
});

test("a thousand connections that send all they can and never read cost 64 KiB each at most", () => {
  const { fixture, held, enter } = serving(100 * KIB);
  const clients = enter(CONNECTIONS);
  const before = held.bytes;
  const small = get(8);
  const commands = new Uint8Array(Buffer.concat(new Array(1600).fill(small)));
  const sent = new Array(CONNECTIONS).fill(0);
  for (let round = 0; round < 12; round += 1) {
    for (const [i, { stream }] of clients.entries()) {
      const at = sent[i] % commands.length;
      const taken = stream.send({ address: 0, u8: commands }, at, commands.length - at);
      if (taken > 0) sent[i] += taken;
    }
    fixture.step();
  }
  assert.equal(fixture.plane.doWork(fixture.nowMs), 0, "every one of them is held up");
  // Beside what was allocated, 12 KiB of arrays for each queue of answers.
  const each = (held.bytes - before) / CONNECTIONS + 12 * KIB;
  assert.ok(each > 40 * KIB && each <= 64 * KIB, `${each} bytes for each`);
  assert.equal(fixture.count("connections"), CONNECTIONS);
  for (const client of clients) client.stream.close();
  fixture.step(20);
  assert.ok(held.bytes - before <= 64 * 48 * KIB, "what is left of them is what others will use");
});

test("what half-open peers have borrowed is back when their sessions end, and their regions are free", () => {
  const { fixture, held, enter } = serving(100 * KIB);
  const before = held.bytes;
  const clients = enter(CONNECTIONS);
  const put = command({ opcode: OPCODE.PUT, handle: 1, length: 5000, payload: new Uint8Array(5000) });
  const halves = [put.subarray(0, 40), put.subarray(0, 2000), Buffer.concat(new Array(100).fill(get(5000)))];
  for (const [i, client] of clients.entries()) client.send(new Uint8Array(halves[i % 3] as Uint8Array));
  fixture.step(3);
  const kept = 64 * 48 * KIB;
  assert.ok(held.bytes - before > kept, `${held.bytes - before} bytes are lent`);
  for (let session = 1; session <= Math.ceil(CONNECTIONS / PER_SESSION); session += 1) {
    const closed = fixture.order({ type: "session-close", session });
    assert.deepEqual(closed, { type: "session-closed", session, locks: 0 });
  }
  assert.equal(fixture.count("connections"), 0);
  const unmapped = fixture.order({ type: "unmap", inode: 7, index: 0 });
  assert.deepEqual(unmapped, { type: "unmapped", inode: 7, index: 0 });
  assert.ok(held.bytes - before <= kept, `${held.bytes - before} bytes are still lent`);
});

test("strangers are let in little by little, drive out each other, and nobody who has proven himself", () => {
  const { fixture, enter } = serving(256 * KIB);
  const inside = enter(PER_SESSION);
  const strangers: RawClient[] = [];
  const half = command({ opcode: OPCODE.HELLO, operand: 1n, payload: new Uint8Array(32) }).subarray(0, 70);
  for (let i = 0; i < 3 * STRANGERS_MAX; i += 1) {
    const stranger = fixture.connect();
    stranger.stream.send({ address: 0, u8: half }, 0, half.length);
    strangers.push(stranger);
  }
  const counts: number[] = [];
  const answered = (): void => {
    for (const client of inside) {
      assert.equal(client.call({ opcode: OPCODE.GET, handle: 1, length: 8 }).status, 0);
    }
    counts.push(fixture.count("connections"));
  };
  for (let ms = 0; ms < 2000; ms += 1) {
    fixture.nowMs += 1;
    fixture.step();
    if (ms % 50 === 0) answered();
  }
  assert.ok((counts[0] as number) <= PER_SESSION + 100, `${counts[0]} at first`);
  assert.ok(counts.every((count) => count <= PER_SESSION + STRANGERS_MAX));
  assert.equal(fixture.count("connections"), PER_SESSION + STRANGERS_MAX);
  for (const stranger of strangers) stranger.receive();
  assert.equal(strangers.filter(({ ended }) => ended).length, 2 * STRANGERS_MAX);
  assert.ok(
    strangers.slice(0, 2 * STRANGERS_MAX).every(({ ended }) => ended),
    "the oldest went",
  );
  // All places of strangers are taken, and still somebody who proves himself gets in.
  const token = fixture.openSession(99);
  fixture.enter(99, token);
  fixture.nowMs += 6000;
  fixture.step(20);
  assert.equal(fixture.count("connections"), PER_SESSION + 1, "time does the rest");
  answered();
});

test("a worker that is full turns newcomers away with a reason", () => {
  const { fixture, enter } = serving(1 * KIB);
  enter(ADMITTED_MAX);
  const token = fixture.openSession(100_000);
  const late = fixture.connect();
  late.send(command({ opcode: OPCODE.HELLO, operand: 100_000n, payload: token }));
  assert.equal(late.answer().status, statusOf("ERR_TOO_MANY"));
  late.receive();
  assert.ok(late.ended, "nothing follows");
  // It may still be sending; so it keeps a place of strangers for as long as they may.
  fixture.nowMs += 6000;
  fixture.step(20);
  assert.equal(fixture.count("connections"), ADMITTED_MAX);
});
