import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "../../src/target/connection.ts";
import type { ConnectionMemory } from "../../src/target/connection-memory.ts";
import { TOO_MANY } from "../../src/target/statuses.ts";
import { WaitingCommands } from "../../src/target/waiting-commands.ts";

const KIB = 1024;

/** A connection that takes answers as long as the test lets it; none leaves by itself. */
function taking(answersMax: number) {
  const queue = { bytes: 0, headerWords: new Int32Array(16 * 64) };
  const tags: number[] = [];
  const state = { closed: false, answersMax };
  const connection = {
    slot: 0,
    queue,
    pendingWaits: 0,
    get closed() {
      return state.closed;
    },
    hasRoom: () => tags.length < state.answersMax,
    answer: (_opcode: number, tag: number, _status: number, payloadBytes: number) => {
      tags.push(tag);
      queue.bytes += 64 + payloadBytes;
      return 0;
    },
  };
  return { connection: connection as unknown as Connection, queue, tags, state };
}

function waiting(): WaitingCommands {
  return new WaitingCommands(() => {}, { pushCopy: () => {} } as unknown as ConnectionMemory);
}

test("copies are held, and counted, until they are handed over, not only until that is decided", () => {
  const commands = waiting();
  const { connection, queue, tags, state } = taking(100);
  for (let tag = 1; tag <= 5; tag += 1) {
    const command = commands.expect(connection, 1, 13, tag);
    commands.hold(command, new Uint8Array(60 * KIB));
    commands.settle(command, 0, 0);
  }
  assert.deepEqual(tags, [1, 2], "with so much queued no more is handed over");
  assert.equal(commands.heldBytes, 3 * 60 * KIB);
  assert.equal(connection.pendingWaits, 3);
  commands.settle(commands.expect(connection, 1, 8, 6), 0, 0);
  assert.deepEqual(tags, [1, 2], "nothing overtakes what is late");
  queue.bytes = 0;
  assert.equal(commands.doWork(), 2);
  assert.equal(commands.heldBytes, 60 * KIB);
  state.closed = true;
  assert.equal(commands.doWork(), 2);
  assert.equal(commands.heldBytes, 0);
  assert.deepEqual(tags, [1, 2, 3, 4]);
});

test("a refusal lets go of the copy at once, and answers wait for room by connection", () => {
  const commands = waiting();
  const full = taking(0);
  const free = taking(10);
  const command = commands.expect(full.connection, 1, 13, 1);
  commands.hold(command, new Uint8Array(KIB));
  commands.settle(command, TOO_MANY, 0);
  assert.equal(commands.heldBytes, 0);
  for (let tag = 2; tag < 5; tag += 1) commands.settle(commands.expect(full.connection, 1, 8, tag), 0, 0);
  commands.settle(commands.expect(free.connection, 2, 8, 9), 0, 0);
  assert.deepEqual([full.tags, free.tags], [[], [9]]);
  assert.equal(commands.doWork(), 0);
  full.state.answersMax = 3;
  assert.equal(commands.doWork(), 3);
  full.state.answersMax = 10;
  assert.equal(commands.doWork(), 1);
  assert.deepEqual(full.tags, [1, 2, 3, 4]);
});
