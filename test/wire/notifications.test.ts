import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodeNotice,
  decodeQueue,
  encodeNotice,
  encodeQueue,
  NOTICE_BYTES,
  QUEUE_BYTES,
  type QueueRequest,
} from "../../src/wire/notifications.ts";

const SOURCE = "0123456789abcdef".repeat(4);
const REQUEST: QueueRequest = {
  at: 0x1_0000_0002,
  length: 3,
  number: 4,
  capacity: 5,
  tag: 6,
  source: SOURCE,
  onBoard: false,
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("golden bytes of a queue", () => {
  const golden = [
    "0200000001000000", // from byte 0x1_0000_0002
    "0300000000000000", // 3 bytes
    "0400000005000000", // number 4, room for 5
    "0000000006000000", // no flags, tag 6
    SOURCE,
  ];
  assert.equal(hex(encodeQueue(REQUEST)), golden.join(""));
  const any = encodeQueue({ ...REQUEST, capacity: undefined, tag: undefined, source: undefined });
  golden.splice(2, 3, "0400000000000000", "0700000000000000", "00".repeat(32));
  assert.equal(hex(any), golden.join(""), "it counts, any tag, any source");
  const onBoard = encodeQueue({ ...REQUEST, tag: undefined, source: undefined, onBoard: true });
  golden.splice(2, 2, "0400000005000000", "0e00000000000000");
  assert.equal(hex(onBoard), golden.join(""), "any tag, any source, on the board");
});

test("golden bytes of a notice, wherever it lies", () => {
  const bytes = new Uint8Array(2 * NOTICE_BYTES);
  const notice = {
    at: 1,
    before: 0x2_0000_0003,
    sequence: 4,
    stamp: 0xffff_fffe,
    length: 5,
    tag: 0xfeed_beef,
  };
  encodeNotice(bytes, 1, notice, Buffer.from(SOURCE, "hex"));
  const golden = [
    "00".repeat(64),
    "0100000000000000",
    "0300000002000000", // 0x2_0000_0003 bytes before
    "04000000feffffff", // the fifth of its queue, stamp 0xffff_fffe
    "05000000efbeedfe", // 5 bytes, tag 0xfeed_beef
    SOURCE,
  ];
  assert.equal(hex(bytes), golden.join(""));
  assert.deepEqual(decodeNotice(bytes, 1), { ...notice, source: SOURCE });
});

test("a sequence goes on from 2^32 - 1 with 0", () => {
  const bytes = new Uint8Array(NOTICE_BYTES);
  const notice = { at: 0, before: 0, sequence: 2 ** 32, stamp: 0, length: 0, tag: 0 };
  encodeNotice(bytes, 0, notice, Buffer.from(SOURCE, "hex"));
  assert.equal(decodeNotice(bytes, 0).sequence, 0);
});

test("what was encoded comes back, and is nothing else", () => {
  const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const request = fc.record(
    {
      at: fc.maxSafeNat(),
      length: fc.maxSafeNat(),
      number: u32,
      capacity: fc.option(u32, { nil: undefined }),
      tag: fc.option(u32, { nil: undefined }),
      source: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }).map(hex), { nil: undefined }),
      onBoard: fc.boolean(),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(request, (one) => {
      const mayBe = !one.onBoard || (one.capacity !== undefined && one.source === undefined);
      assert.deepEqual(decodeQueue(encodeQueue(one)), mayBe ? one : undefined);
    }),
  );
});

test("a queue whose flags nobody knows, or whose unused fields say something, is refused", () => {
  const any = encodeQueue({ ...REQUEST, capacity: undefined, tag: undefined, source: undefined });
  for (const at of [20, 23, 25, 27, 28, 31, 32, 63]) {
    const bytes = any.slice();
    bytes[at] = 1;
    assert.equal(decodeQueue(bytes), undefined, `byte ${at}`);
  }
  const bytes = fc.uint8Array({ minLength: QUEUE_BYTES, maxLength: QUEUE_BYTES });
  fc.assert(
    fc.property(bytes, (some) => {
      const found = decodeQueue(some);
      if (found !== undefined && Number.isSafeInteger(found.at) && Number.isSafeInteger(found.length))
        assert.deepEqual(encodeQueue(found), some);
    }),
  );
});
