import assert from "node:assert/strict";
import { test } from "node:test";
import { SimMemory } from "../../src/sim/memory.ts";
import { HEADER_BYTES, OPCODE } from "../../src/wire/header.ts";
import { command, type RawClient, READ_WRITE, WorkerFixture } from "./worker-fixture.ts";

const MIB = 1 << 20;
const BULK = 16;
const GETS = 8;

const sink = new SimMemory().borrow(new Uint8Array(MIB));

/** Takes all that has arrived. @returns bytes */
function drain({ stream }: RawClient): number {
  let bytes = 0;
  for (let count = stream.recv(sink, 0, MIB); count > 0; count = stream.recv(sink, 0, MIB)) bytes += count;
  return bytes;
}

/** A worker with room for all that it is asked for, and clients who have asked for much more than a turn moves. */
function besideBulk() {
  const fixture = new WorkerFixture({ bufferBytes: 2 * GETS * MIB });
  const region = { inode: 7, byteLength: MIB, ...fixture.createRegion(7, MIB) };
  const enter = (session: number): RawClient => {
    const token = fixture.openSession(session);
    fixture.bind(session, 1, region, { at: 0, byteLength: MIB }, READ_WRITE);
    return fixture.enter(session, token);
  };
  const light = enter(1);
  const bulk = Array.from({ length: BULK }, (_, i) => enter(2 + i));
  for (const client of bulk) {
    for (let tag = 0; tag < GETS; tag += 1) {
      client.send(command({ opcode: OPCODE.GET, tag, handle: 1, length: MIB }));
    }
  }
  const sent = (): number => fixture.count("tcpBytesOut");
  return { fixture, light, bulk, sent };
}

test("a short command waits for one turn of those who move much, not for one of each", () => {
  const { fixture, light, sent } = besideBulk();
  fixture.step(2);
  for (let tag = 0; tag < 20; tag += 1) {
    const before = sent();
    light.send(command({ opcode: OPCODE.GET, tag, handle: 1, length: 8 }));
    assert.equal(light.answer().tag, tag);
    assert.ok(sent() - before <= 1.5 * MIB, `${sent() - before} bytes of others left before the answer`);
  }
});

test("those who move much have their turns one after another, beside one who always has a short command", () => {
  const { fixture, light, bulk, sent } = besideBulk();
  let asked = 0;
  const all = BULK * GETS * MIB;
  for (let round = 0; sent() < all; round += 1) {
    assert.ok(round < 3 * (all / MIB) * 2, `${sent()} bytes of ${all} have left`);
    light.send(command({ opcode: OPCODE.GET, tag: asked, handle: 1, length: 8 }));
    assert.equal(light.answer().tag, asked);
    asked += 1;
  }
  fixture.step(2);
  for (const client of bulk) assert.equal(drain(client), GETS * (HEADER_BYTES + MIB));
  assert.equal(fixture.count("operations"), BULK * GETS + asked);
});

test("as much as one of them has had, any other has had but for a turn", () => {
  const { fixture, bulk } = besideBulk();
  fixture.step(BULK * 5);
  const had = bulk.map(drain);
  assert.ok(
    Math.max(...had) - Math.min(...had) <= MIB,
    `between ${Math.min(...had)} and ${Math.max(...had)} bytes`,
  );
  assert.ok(Math.min(...had) >= MIB);
});
