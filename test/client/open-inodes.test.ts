import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OpenInodes } from "../../src/client/open-inodes.ts";
import { MAX_PAYLOAD_BYTES } from "../../src/wire/header.ts";

const claimed = (open: OpenInodes) =>
  open.claim().flatMap((call) => call.flatMap(({ inode, count }) => new Array<number>(count).fill(inode)));

describe("what an origin has open", () => {
  it("tells closes once, each as often as it was closed", () => {
    const open = new OpenInodes();
    for (const inode of [0, 1, 0, 1]) open.opened({ inode, gen: 1 });
    for (const inode of [0, 0, 1]) open.closed(inode);
    assert.deepEqual(open.takeClosed(), [0, 0, 1]);
    assert.deepEqual(open.takeClosed(), []);
    assert.ok(!open.isEmpty);
    open.closed(1);
    assert.ok(open.isEmpty);
  });

  it("claims on a new channel what is still open, and does not close there what was closed before", () => {
    const open = new OpenInodes();
    for (const inode of [7, 7, 7, 8, 9]) open.opened({ inode, gen: 1 });
    open.closed(7);
    open.closed(8);
    assert.deepEqual(claimed(open), [7, 7, 9]);
    assert.deepEqual(open.takeClosed(), []);
    open.closed(9);
    assert.deepEqual(open.takeClosed(), [9]);
    assert.deepEqual(claimed(open), [7, 7]);
  });

  it("does not count a close of what is not open", () => {
    const open = new OpenInodes();
    open.closed(5);
    assert.deepEqual(open.takeClosed(), []);
    open.opened({ inode: 5, gen: 1 });
    assert.deepEqual(claimed(open), [5]);
  });

  it("claims with the generation of the last opening, as many at a time as one call can say", () => {
    const open = new OpenInodes();
    assert.deepEqual(open.claim(), [[]]);
    const longest = Number.MAX_SAFE_INTEGER;
    open.opened({ inode: longest, gen: 1 });
    for (let i = 0; i < 40_000; i += 1) open.opened({ inode: longest - i, gen: 2 ** 32 - 1 });
    const calls = open.claim();
    assert.equal(calls.flat().length, 40_000);
    assert.equal(calls[0]?.[0]?.count, 2);
    assert.ok(calls.flat().every(({ gen }) => gen === 2 ** 32 - 1));
    assert.ok(calls.every((call) => JSON.stringify(call).length < MAX_PAYLOAD_BYTES / 2));
  });
});
