import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fetchOpHalves } from "../../src/structs/halves.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { OPS, opFlags, WORD_BYTES, WORDS } from "../../src/wire/ops.ts";
import { type CommandFields, command, READ_WRITE, WorkerFixture } from "./worker-fixture.ts";

const BYTES = 600;
const CANARY = 0xc5;

/** What a command does to a plain array, and what its answer must say. */
function applyToModel(model: Uint8Array, fields: CommandFields): { value: bigint; payload: Uint8Array } {
  const { opcode, flags = 0, offset = 0, length = 0, operand = 0n, compare = 0n } = fields;
  const none = new Uint8Array(0);
  const value = (bytes: Uint8Array): bigint => {
    const padded = new Uint8Array(8);
    padded.set(bytes);
    return new BigInt64Array(padded.buffer)[0] as bigint;
  };
  const op = flags >> 4;
  const word = flags & 15;
  const apply = (at: number, from: bigint): bigint => {
    // One word, alone, through the same arithmetic; that arithmetic has its own tests.
    const size = WORD_BYTES[word] as number;
    const buffer = new ArrayBuffer(8);
    const memory = {
      u8: new Uint8Array(buffer),
      i32: new Int32Array(buffer),
      u32: new Uint32Array(buffer),
      i64: new BigInt64Array(buffer),
      u64: new BigUint64Array(buffer),
    };
    memory.u8.set(model.subarray(at, at + size));
    const into = new Int32Array(2);
    fetchOpHalves(memory, 0, op, word, new Int32Array(new BigInt64Array([from]).buffer), 0, into, 0);
    model.set(memory.u8.subarray(0, size), at);
    return new BigInt64Array(into.buffer)[0] as bigint;
  };
  switch (opcode) {
    case OPCODE.GET:
      return length <= 8
        ? { value: value(model.subarray(offset, offset + length)), payload: none }
        : { value: 0n, payload: model.slice(offset, offset + length) };
    case OPCODE.PUT:
      model.set(fields.payload ?? new Uint8Array(new BigInt64Array([operand]).buffer, 0, length), offset);
      return { value: 0n, payload: none };
    case OPCODE.FETCH_OP:
      return { value: apply(offset, operand), payload: none };
    case OPCODE.COMPARE_AND_SWAP: {
      const size = WORD_BYTES[flags] as number;
      const before = model.slice(offset, offset + size);
      const expected = new Uint8Array(new BigInt64Array([compare]).buffer, 0, size);
      const desired = new Uint8Array(new BigInt64Array([operand]).buffer, 0, size);
      if (Buffer.from(before).equals(expected)) model.set(desired, offset);
      const extended = value(before);
      return { value: WORDS[flags] === "i32" ? BigInt.asIntN(32, extended) : extended, payload: none };
    }
    default: {
      const size = WORD_BYTES[word] as number;
      const payload = fields.payload as Uint8Array;
      for (let at = 0; at < payload.length; at += size)
        apply(offset + at, value(payload.subarray(at, at + size)));
      return { value: 0n, payload: none };
    }
  }
}

const i64 = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constantFrom(0n, 1n, -1n));
const range = fc
  .tuple(fc.nat(BYTES), fc.nat(BYTES))
  .map(([a, b]) => ({ offset: Math.min(a, b), length: Math.abs(a - b) }));
const shortRange = fc.tuple(fc.nat(BYTES - 8), fc.nat(8)).map(([offset, length]) => ({ offset, length }));
const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });

const get = fc.oneof(range, shortRange).map((at) => ({ opcode: OPCODE.GET, ...at }));
const put = fc
  .oneof(range, shortRange)
  .chain(
    (at): fc.Arbitrary<CommandFields> =>
      at.length <= 8
        ? i64.map((operand) => ({ opcode: OPCODE.PUT, ...at, operand }))
        : bytes(at.length).map((payload) => ({ opcode: OPCODE.PUT, ...at, payload })),
  );
/** i64, u64, i32 and u32: what f64 does is tested by itself, and its NaNs would not compare here. */
const word = fc.nat(3);
const wordAt = word.chain((number) => {
  const length = WORD_BYTES[number] as number;
  return fc.nat(BYTES / length - 1).map((index) => ({ number, offset: index * length, length }));
});
const atomic = fc.tuple(wordAt, fc.nat(OPS.length - 1), i64).map(([at, op, operand]) => ({
  opcode: OPCODE.FETCH_OP,
  flags: opFlags(op, at.number),
  offset: at.offset,
  length: at.length,
  operand,
}));
const swap = fc.tuple(wordAt, fc.constantFrom(0n, 1n, -1n), i64).map(([at, compare, operand]) => ({
  opcode: OPCODE.COMPARE_AND_SWAP,
  flags: at.number,
  offset: at.offset,
  length: at.length,
  compare,
  operand,
}));
const accumulate = fc.tuple(wordAt, fc.nat(OPS.length - 1), fc.nat(20)).chain(([at, op, count]) => {
  const length = Math.min(count * at.length, Math.floor((BYTES - at.offset) / at.length) * at.length);
  return bytes(length).map((payload) => ({
    opcode: OPCODE.ACCUMULATE,
    flags: opFlags(op, at.number),
    offset: at.offset,
    length,
    payload,
  }));
});

test("any sequence of commands, split anywhere, does what it would do to a plain array", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof<fc.Arbitrary<CommandFields>[]>(get, put, atomic, swap, accumulate), {
        minLength: 1,
        maxLength: 40,
      }),
      fc.infiniteStream(fc.integer({ min: 1, max: 300 })),
      fc.integer(),
      (commands: CommandFields[], splits, seed) => {
        const fixture = new WorkerFixture({ seed });
        const token = fixture.openSession(1);
        const region = { inode: 1, byteLength: 3 * 4096, ...fixture.createRegion(1, 3 * 4096) };
        region.bytes.fill(CANARY);
        const base = 4096;
        region.bytes.fill(0, base, base + BYTES);
        fixture.bind(1, 1, region, { at: base, byteLength: BYTES }, READ_WRITE);
        const client = fixture.enter(1, token);
        const model = new Uint8Array(BYTES);
        const expected = commands.map((fields) => applyToModel(model, fields));
        const stream = Buffer.concat(commands.map((fields, tag) => command({ ...fields, handle: 1, tag })));
        let at = 0;
        for (const length of splits) {
          client.send(new Uint8Array(stream.subarray(at, at + length)));
          at += length;
          fixture.step();
          if (at >= stream.length) break;
        }
        for (const [tag, { value, payload }] of expected.entries()) {
          const answer = client.answer();
          assert.deepEqual(
            [answer.tag, answer.status, answer.value, Buffer.from(answer.payload).toString("hex")],
            [tag, 0, value, Buffer.from(payload).toString("hex")],
          );
        }
        assert.deepEqual(region.bytes.slice(base, base + BYTES), model);
        assert.ok(region.bytes.subarray(0, base).every((byte) => byte === CANARY));
        assert.ok(region.bytes.subarray(base + BYTES).every((byte) => byte === CANARY));
      },
    ),
    { numRuns: 150 },
  );
});
