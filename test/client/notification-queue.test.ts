import assert from "node:assert/strict";
import { test } from "node:test";
import { type QueueParts, WindowCounter, WindowQueue } from "../../src/client/notification-queue.ts";
import type { QueueAnswer } from "../../src/client/queue-answers.ts";
import { Stripes } from "../../src/client/stripes.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import type { Landing } from "../../src/transport/pump.ts";
import { encodeNotice, NOTICE_BYTES, type Notice } from "../../src/wire/notifications.ts";

const SOURCE = "ab".repeat(32);
const RIGHT: Omit<Notice, "source"> = { at: 0, length: 8, before: 0, sequence: 0, stamp: 0, tag: 5 };

function told(...notices: Partial<Notice>[]): QueueAnswer {
  const bytes = new Uint8Array(notices.length * NOTICE_BYTES);
  for (const [place, notice] of notices.entries())
    encodeNotice(bytes, place, { ...RIGHT, sequence: place, ...notice }, Buffer.from(SOURCE, "hex"));
  return { count: notices.length, notices: bytes };
}

/** A queue of one home that says `answers`, one after the other, on a window of bytes 100 to 300 of a file. */
function partsOf(answers: readonly QueueAnswer[]): QueueParts {
  const left = [...answers];
  const pump = {
    land: (landing: Landing): Promise<void> =>
      new Promise((resolve) => {
        landing.onSettled = resolve;
      }),
  };
  const link = { pump, clock: { nowMs: () => 0 }, session: { target: "t" } };
  const notified = { next: async () => left.shift() ?? { count: 0, notices: new Uint8Array(0) } };
  const home = { index: 0, number: 1, access: { notified, link } };
  return {
    path: "/f",
    homes: [home as unknown as QueueParts["homes"][number]],
    stripes: new Stripes(100, 200, 4096, 1),
    timeoutMs: 1000,
    release: async () => {},
  };
}

test("what a home tells is told in the window's own places, as far as it is in the window", async () => {
  const notices = [
    { at: 100, length: 8 },
    { at: 96, length: 8 },
    { at: 296, length: 8, before: 50 },
    { at: 299, length: 4 },
    { at: 300, length: 0 },
    { at: 150, length: 8, before: 2 ** 60 },
    { at: 2 ** 62, length: 2 ** 32 - 1, before: 2 ** 63 },
  ];
  const queue = new WindowQueue(partsOf([told(...notices)]));
  const ranges: [number, number][] = [];
  for (const _ of notices) {
    const { at, length, source, tag } = await queue.next();
    assert.deepEqual([source, tag], [SOURCE, 5]);
    ranges.push([at, length]);
  }
  assert.deepEqual(ranges.slice(0, 6), [
    [0, 8],
    [0, 4],
    [146, 54],
    [199, 1],
    [200, 0],
    [0, 58],
  ]);
  const [at, length] = ranges[6] as [number, number];
  assert.ok(at >= 0 && length >= 0 && at + length <= 200, "whatever it says, it is in the window");
});

for (const [what, answers] of [
  ["a hole", [told({}, { sequence: 2 })]],
  ["the same once more", [told({}), told({})]],
  ["fewer than it says", [{ ...told({}), count: 2 }]],
  ["a count without notices", [{ count: 3, notices: new Uint8Array(0) }]],
] as const) {
  test(`a home that tells ${what} has broken the protocol, and nothing else is believed`, async () => {
    const queue = new WindowQueue(partsOf(answers));
    const seen: number[] = [];
    await assert.rejects(
      async () => {
        for (;;) seen.push((await queue.next()).tag);
      },
      (error) => isDidafsError(error, "ERR_PROTOCOL"),
    );
    assert.ok(seen.length <= 1);
    assert.throws(
      () => queue.tryNext(),
      (error) => isDidafsError(error, "ERR_PROTOCOL"),
    );
  });
}

test("a counter adds up what its home counts, and believes no notices", async () => {
  const counter = new WindowCounter(partsOf([{ count: 2 ** 40, notices: new Uint8Array(0) }, told({})]));
  assert.equal(await counter.next(), 2 ** 40);
  await assert.rejects(counter.next(), (error) => isDidafsError(error, "ERR_PROTOCOL"));
});
