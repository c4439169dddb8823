import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { splitClaim } from "../../src/client/epoch-claims.ts";
import { EPOCH_MESSAGE, encodeEpochMessage, epochRoomBytes } from "../../src/wire/epoch-message.ts";
import { MAX_PAYLOAD_BYTES } from "../../src/wire/header.ts";

const NAME = { incarnation: "0".repeat(32), session: 1, secret: "5e".repeat(8), sequence: 1 };
const DECIDER = { target: "1".repeat(32), worker: 0 };
const EMPTY_BYTES = MAX_PAYLOAD_BYTES - epochRoomBytes(0);

function encodedBytes(part: ReturnType<typeof splitClaim>[number]): number {
  const message = { kind: EPOCH_MESSAGE.MORE, stable: true, name: NAME, decider: DECIDER, others: [] };
  return encodeEpochMessage({ ...message, ...part }).length;
}

test("a claim that does not fit one message is all there in several, in order", () => {
  const read = fc.record({ handle: fc.nat(3), at: fc.nat(), version: fc.nat() });
  const write = fc.record({
    handle: fc.nat(3),
    at: fc.nat(10_000),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  });
  fc.assert(
    fc.property(fc.array(read), fc.array(write), fc.integer({ min: 64, max: 400 }), (reads, writes, room) => {
      const parts = splitClaim(reads, writes, room);
      for (const part of parts) assert.ok(encodedBytes(part) - EMPTY_BYTES <= room, "it does not fit");
      for (const { reads: some, writes: others } of parts)
        assert.ok(parts.length === 1 || some.length + others.length > 0, "a message says nothing");
      assert.deepEqual(
        parts.flatMap((part) => part.reads),
        reads,
      );
      const bytesOf = (all: typeof writes) =>
        all.flatMap(({ handle, at, bytes }) => [...bytes].map((byte, i) => [handle, at + i, byte]));
      assert.deepEqual(bytesOf(parts.flatMap((part) => part.writes) as typeof writes), bytesOf(writes));
    }),
  );
});

test("the largest part is as large as a payload may be", () => {
  const parts = splitClaim([], [{ handle: 1, at: 0, bytes: new Uint8Array(2 * MAX_PAYLOAD_BYTES) }]);
  assert.equal(encodedBytes(parts[0] as (typeof parts)[number]), MAX_PAYLOAD_BYTES);
  assert.equal(parts.length, 3);
});
