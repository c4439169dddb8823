import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SimRandom } from "../../src/sim/random.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { encodeQueue, NOTICE_BYTES, QUEUE_BYTES } from "../../src/wire/notifications.ts";
import { FLUSH_STABLE, OPS, opFlags } from "../../src/wire/ops.ts";
import { type CommandFields, command, READ_ONLY, READ_WRITE, WorkerFixture } from "./worker-fixture.ts";

const BYTES = 512;
const CANARY = 0x7e;

/** A region of four parts: canary, a writable window, a read-only window, canary; and one that nobody has bound. */
function besieged(seed: number) {
  const fixture = new WorkerFixture({ seed });
  const token = fixture.openSession(1);
  const region = { inode: 1, byteLength: 4 * 4096, ...fixture.createRegion(1, 4 * 4096) };
  const other = { inode: 2, byteLength: 4096, ...fixture.createRegion(2, 4096) };
  region.bytes.fill(CANARY);
  other.bytes.fill(CANARY);
  fixture.bind(1, 1, region, { at: 4096, byteLength: BYTES }, READ_WRITE);
  fixture.bind(1, 2, region, { at: 8192, byteLength: BYTES }, READ_ONLY);
  const otherToken = fixture.openSession(2);
  fixture.bind(2, 1, other, { at: 0, byteLength: 4096 }, READ_WRITE);
  return { fixture, token, otherToken, region, other };
}

/** Whoever is at a barrier is alone there: nobody else joins. */
const ofGroup = (random: SimRandom): CommandFields => {
  const [name, waitMs] = [BigInt(random.between(1, 3)), random.between(0, 5)];
  switch (random.between(0, 2)) {
    case 0:
      return { opcode: OPCODE.GROUP_JOIN, offset: 2, length: waitMs, operand: name, compare: name };
    case 1:
      return { opcode: OPCODE.GROUP_BARRIER, operand: name, compare: BigInt(waitMs) };
    default:
      return { opcode: OPCODE.GROUP_LEAVE, operand: name, compare: name };
  }
};

const valid = (random: SimRandom): CommandFields => {
  const opcode = random.pick([
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    12,
    13,
    14,
    15,
    16,
    OPCODE.WORD_WAIT,
    OPCODE.WORDS_TOUCHED,
  ]);
  const handle = random.between(0, 3);
  const offset = random.between(0, 66) * 8;
  const word = random.between(0, 4);
  const length = word === 2 || word === 3 ? 4 : 8;
  const flags = opFlags(random.between(0, OPS.length - 1), word);
  const payload = random.bytes(random.between(1, 40) * 8);
  switch (opcode) {
    case OPCODE.GET:
      return { opcode, handle, offset, length: random.between(0, 600) };
    case OPCODE.PUT:
      return random.between(0, 1) === 0
        ? { opcode, handle, offset, length: random.between(0, 8), operand: -1n }
        : { opcode, handle, offset, length: payload.length + 8, payload: new Uint8Array(payload.length + 8) };
    case OPCODE.FETCH_OP:
      return { opcode, handle, offset, flags, length, operand: 3n };
    case OPCODE.COMPARE_AND_SWAP:
      return { opcode, handle, offset, flags: word, length, operand: 3n };
    case OPCODE.ACCUMULATE:
      return { opcode, handle, offset, flags, length: payload.length, payload };
    case OPCODE.PUT_NOTIFY:
      return {
        opcode,
        handle,
        offset,
        length: payload.length + 8,
        payload: new Uint8Array(payload.length + 8),
      };
    case OPCODE.GET_NOTIFY:
      return { opcode, handle, offset, length: random.between(0, 600), notification: 3 };
    case OPCODE.QUEUE_OPEN: {
      const queue = { at: offset, length: 8, number: word, capacity: 2, tag: undefined, source: undefined };
      return { opcode, handle, length: QUEUE_BYTES, payload: encodeQueue(queue) };
    }
    case OPCODE.QUEUE_CLOSE:
      return { opcode, operand: BigInt(word) };
    case OPCODE.NOTIFY_NEXT:
      return { opcode, operand: BigInt(word), length: NOTICE_BYTES, compare: BigInt(random.between(0, 9)) };
    case OPCODE.WORD_WAIT:
      return { opcode, handle, offset, length, operand: 3n, compare: BigInt(random.between(0, 1000)) };
    case OPCODE.WORDS_TOUCHED:
      return { opcode, handle, offset, length: random.between(0, 600) };
    case OPCODE.FLUSH:
      return { opcode, handle, flags: random.between(0, FLUSH_STABLE) };
    default:
      return ofGroup(random);
  }
};

/** Changes a frame: bytes of its header, its length, or nothing. */
function mutate(frame: Uint8Array, random: SimRandom): Uint8Array {
  const kind = random.between(0, 59);
  if (kind < 30) return frame;
  if (kind === 30) return frame.subarray(0, random.between(0, frame.length));
  if (kind === 31) return random.bytes(random.between(1, 200));
  const changed = frame.slice();
  // Handles and offsets more often than the rest: a changed magic ends the session and says little.
  const [first, last] = kind > 33 ? [12, 23] : [0, 63];
  for (let i = random.between(1, 3); i > 0; i -= 1)
    changed[random.between(first, last)] = random.between(0, 255);
  return changed;
}

test("mutated frames never crash the worker and never touch a byte outside a writable binding", () => {
  let passed = 0;
  let refused = 0;
  let violations = 0;
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = new SimRandom(seed);
      const { fixture, token, otherToken, region, other } = besieged(seed);
      const attacker = fixture.enter(1, token, random.between(0, 1) === 0 ? "tcp" : "unix");
      for (let i = 0; i < 60 && !attacker.ended; i += 1) {
        attacker.send(mutate(command({ ...valid(random), tag: i }), random));
        fixture.step();
        fixture.syncer.doWork();
        attacker.receive();
        while (attacker.tryAnswer() !== undefined);
      }
      fixture.step(20);
      passed += fixture.count("operations");
      refused += fixture.count("refused");
      violations += fixture.count("protocolErrors");
      const outside = [region.bytes.subarray(0, 4096), region.bytes.subarray(4096 + BYTES), other.bytes];
      for (const part of outside) assert.ok(part.every((byte) => byte === CANARY));
      const bystander = fixture.enter(2, otherToken);
      assert.equal(bystander.call({ opcode: OPCODE.GET, handle: 1, length: 8 }).status, 0);
    }),
    { numRuns: 400 },
  );
  // The attack is worth something only if much of it gets past the first checks.
  assert.ok(passed > 2000 && refused > 500 && violations > 50, `${passed} ${refused} ${violations}`);
});

test("whatever strangers say before they have proven a session, nobody else notices", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer(), (bytes, seed) => {
      const { fixture, otherToken, region, other } = besieged(seed);
      const stranger = fixture.connect();
      const hello = command({ opcode: OPCODE.HELLO, operand: 1n, payload: new Uint8Array(32) });
      stranger.send(
        seed % 2 === 0 ? bytes : new Uint8Array([...hello.subarray(0, 96 - (seed & 63)), ...bytes]),
      );
      fixture.step(30);
      assert.ok(
        region.bytes.every((byte) => byte === CANARY) && other.bytes.every((byte) => byte === CANARY),
      );
      assert.equal(fixture.count("operations"), 0);
      const bystander = fixture.enter(2, otherToken);
      assert.equal(bystander.call({ opcode: OPCODE.GET, handle: 1, length: 8 }).status, 0);
    }),
    { numRuns: 200 },
  );
});
