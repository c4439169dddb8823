import assert from "node:assert/strict";
import { test } from "node:test";
import { COPIED_BYTES_MAX } from "../../src/target/copied-answers.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { command, type RawClient, READ_WRITE, WorkerFixture } from "./worker-fixture.ts";

const MIB = 1 << 20;
const CONNECTIONS = 100;
const PER_SESSION = 16;

const SESSIONS = Math.ceil(CONNECTIONS / PER_SESSION);

function serving() {
  const fixture = new WorkerFixture({ bufferBytes: 64 << 10 });
  const clients: RawClient[] = [];
  for (let session = 1; session <= SESSIONS; session += 1) {
    const token = fixture.openSession(session);
    for (let i = 0; i < PER_SESSION && clients.length < CONNECTIONS; i += 1) {
      clients.push(fixture.enter(session, token));
      fixture.nowMs += 1;
    }
  }
  return { fixture, clients };
}

test("peers that do not read cost a bounded amount of copies, which is there again once they have read", () => {
  const { fixture, clients } = serving();
  const { memory } = fixture;
  let copiedBytes = 0;
  const borrow = memory.borrow.bind(memory);
  memory.borrow = (u8) => {
    copiedBytes += u8.byteLength;
    return borrow(u8);
  };
  /** All who are there ask for more than anybody keeps of their answers, of a region that then goes. */
  const askAndUnmap = (inode: number, handle: number): void => {
    const region = { inode, byteLength: MIB, ...fixture.createRegion(inode, MIB) };
    region.bytes.fill(inode);
    for (let session = 1; session <= SESSIONS; session += 1) {
      assert.equal(fixture.bind(session, handle, region, { at: 0, byteLength: MIB }, READ_WRITE), 0);
    }
    const gets = new Uint8Array(
      Buffer.concat(new Array(4).fill(command({ opcode: OPCODE.GET, handle, length: MIB }))),
    );
    for (const client of clients) if (!client.ended) client.send(gets);
    fixture.step(5);
    for (let session = 1; session <= SESSIONS; session += 1) {
      fixture.order({ type: "unbind", session, handle, revoked: false });
    }
    copiedBytes = 0;
    const unmapped = fixture.order({ type: "unmap", inode, index: 0 });
    assert.deepEqual(unmapped, { type: "unmapped", inode, index: 0 });
    assert.ok(copiedBytes > COPIED_BYTES_MAX / 2 && copiedBytes <= COPIED_BYTES_MAX, `${copiedBytes} bytes`);
  };
  askAndUnmap(7, 1);
  const kept = fixture.count("connections");
  assert.ok(kept >= COPIED_BYTES_MAX / (2 * MIB) && kept < CONNECTIONS, `${kept} connections`);
  for (const client of clients) {
    client.receive();
    if (client.ended) continue;
    assert.ok(client.answer().payload.every((byte) => byte === 7));
    // Those of commands that were not read before the region went are refusals.
    for (let answers = 1; answers < 4; answers += 1) client.answer();
  }
  assert.equal(clients.filter(({ ended }) => !ended).length, kept);
  askAndUnmap(8, 2);
  assert.equal(fixture.count("connections"), kept);
});
