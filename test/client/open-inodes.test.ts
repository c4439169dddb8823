import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OpenInodes } from "../../src/client/open-inodes.ts";

describe("what an origin has open", () => {
  it("tells closes 50 ms after the first, or 64 at once, each as often as it was closed", () => {
    const open = new OpenInodes();
    for (let i = 0; i < 70; i += 1) open.opened(i % 2);
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
    for (const inode of [7, 7, 7, 8, 9]) open.opened(inode);
    open.closed(7, 0);
    open.closed(8, 0);
    assert.deepEqual(open.claim(), [7, 7, 9]);
    assert.equal(open.takeClosed(1000), undefined);
    open.closed(9, 1000);
    assert.deepEqual(open.takeClosed(1050), [9]);
    assert.deepEqual(open.claim(), [7, 7]);
  });

  it("does not count a close of what is not open", () => {
    const open = new OpenInodes();
    open.closed(5, 0);
    assert.equal(open.closing, false);
    open.opened(5);
    assert.deepEqual(open.claim(), [5]);
  });
});
