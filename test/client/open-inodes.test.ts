import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OpenInodes } from "../../src/client/open-inodes.ts";
import { MAX_PAYLOAD_BYTES } from "../../src/wire/header.ts";

const claimed = (open: OpenInodes) => open.claim().flatMap((call) => call.map(({ inode }) => inode));

describe("what an origin has open", () => {
  it("tells closes 50 ms after the first, or 64 at once, each as often as it was closed", () => {
    const open = new OpenInodes();
    for (let i = 0; i < 70; i += 1) open.opened({ inode: i % 2, gen: 1 });
    open.closed(0, 1000);
    open.closed(0, 1040);
    open.closed(1, 1049);
    assert.equal(open.takeClosed(1049), undefined);
    assert.deepEqual(open.takeClosed(1050), [0, 0, 1]);
    assert.equal(open.takeClosed(2000), undefined);
    for (let i = 0; i < 63; i += 1) open.closed(i % 2, 3000);
    assert.equal(open.takeClosed(3000), undefined);
    open.closed(1, 3000);
    assert.equal(open.takeClosed(3000)?.length, 64);
    assert.equal(open.closing, false);
  });

  it("claims on a new channel what is still open, and does not close there what was closed before", () => {
    const open = new OpenInodes();
    for (const inode of [7, 7, 7, 8, 9]) open.opened({ inode, gen: 1 });
    open.closed(7, 0);
    open.closed(8, 0);
    assert.deepEqual(claimed(open), [7, 7, 9]);
    assert.equal(open.takeClosed(1000), undefined);
    open.closed(9, 1000);
    assert.deepEqual(open.takeClosed(1050), [9]);
    assert.deepEqual(claimed(open), [7, 7]);
  });

  it("does not count a close of what is not open", () => {
    const open = new OpenInodes();
    open.closed(5, 0);
    assert.equal(open.closing, false);
    open.opened({ inode: 5, gen: 1 });
    assert.deepEqual(claimed(open), [5]);
  });

  it("claims with the generation of the last opening, as many at a time as one call can say", () => {
    const open = new OpenInodes();
    assert.deepEqual(open.claim(), [[]]);
    const longest = Number.MAX_SAFE_INTEGER;
    open.opened({ inode: longest, gen: 1 });
    for (let i = 0; i < 40_000; i += 1) open.opened({ inode: longest, gen: 2 ** 32 - 1 });
    const calls = open.claim();
    assert.equal(calls.flat().length, 40_001);
    assert.ok(calls.flat().every(({ gen }) => gen === 2 ** 32 - 1));
    assert.ok(calls.every((call) => JSON.stringify(call).length < MAX_PAYLOAD_BYTES / 2));
  });
});
