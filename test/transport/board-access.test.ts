import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SimMemory } from "../../src/sim/memory.ts";
import { DidafsError } from "../../src/std/errors.ts";
import { announceBoard, BOARD_BYTES, giveLane, publishNotice } from "../../src/structs/notice-board.ts";
import { BoardAccess } from "../../src/transport/board-access.ts";
import type { CallLimits } from "../../src/transport/call-limits.ts";
import { SessionState } from "../../src/transport/session-state.ts";

const LIMITS: CallLimits = { timeoutMs: 1000, signal: undefined };

/** A target that gives a board, and what it is asked. */
class Target {
  readonly memory = new SimMemory();
  readonly header = new Int32Array(1024);
  /** Of each time it was asked, whether it was to make one. */
  readonly asked: boolean[] = [];
  lane: number | undefined = 3;
  refusal: Error | undefined = undefined;
  mapped = 0;
  open = 0;
  readonly session = new SessionState(new SharedArrayBuffer(4), "target");
  readonly object = this.memory.newDescriptor();
  readonly access: BoardAccess;

  constructor() {
    const { memory } = this;
    memory.share(this.object, BOARD_BYTES);
    const map = memory.map.bind(memory);
    const free = memory.free.bind(memory);
    memory.map = (...place) => {
      this.mapped += 1;
      return map(...place);
    };
    memory.free = (mapping) => {
      this.mapped -= 1;
      free(mapping);
    };
    const source = async (make: boolean) => {
      this.asked.push(make);
      await Promise.resolve();
      if (this.refusal !== undefined) throw this.refusal;
      this.open += 1;
      return { lane: this.lane, descriptor: this.object };
    };
    this.access = new BoardAccess(memory, this.session, source, () => {
      this.open -= 1;
    });
  }
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the board of a region that is mapped", () => {
  it("is fetched once somebody has announced it, and nobody waits for it", async () => {
    const { access, header, asked } = new Target();
    access.wanted(header);
    assert.deepEqual(asked, []);
    announceBoard(header, 7);
    for (const _ of [1, 2]) access.wanted(header);
    assert.equal(access.writer, undefined);
    await soon();
    assert.notEqual(access.writer, undefined);
    access.wanted(header);
    assert.deepEqual(asked, [false]);
  });

  it("is made for who opens a queue", async () => {
    const target = new Target();
    assert.equal(await target.access.ready(LIMITS), true);
    assert.equal(await target.access.ready(LIMITS), true);
    assert.deepEqual([target.asked, target.mapped, target.open], [[true], 1, 0]);
  });

  it("is not used where no lane is free, or where it is refused, and asked for again after a while", async () => {
    const target = new Target();
    const { access, header } = target;
    target.lane = undefined;
    assert.equal(await access.ready(LIMITS), false);
    target.refusal = new DidafsError("ERR_TOO_MANY", "no more boards");
    assert.equal(await access.ready(LIMITS), false);
    announceBoard(header, 8);
    for (let i = 0; i < 900; i += 1) access.wanted(header);
    await soon();
    assert.equal(access.writer, undefined);
    assert.deepEqual(target.asked, [true, true, false]);
    target.refusal = undefined;
    target.lane = 0;
    for (let i = 0; i < 1100; i += 1) access.wanted(header);
    await soon();
    assert.notEqual(access.writer, undefined);
    assert.deepEqual([target.asked.length, target.mapped, target.open], [4, 1, 0]);
  });

  it("says to who opens a queue that his time is over", async () => {
    const target = new Target();
    target.refusal = new DidafsError("ERR_TIMEOUT", "no answer");
    await assert.rejects(target.access.ready(LIMITS), { code: "ERR_TIMEOUT" });
  });

  it("is given back, also where it comes when all is over", async () => {
    const target = new Target();
    await target.access.ready(LIMITS);
    const reader = target.access.read(0, { at: 0, end: 1, tag: undefined });
    target.access.close();
    assert.deepEqual([target.mapped, target.open], [0, 0]);
    assert.deepEqual([reader.hasNews, reader.isBehind, reader.next()], [false, false, undefined]);
    const late = new Target();
    const ready = late.access.ready(LIMITS);
    late.access.close();
    assert.equal(await ready, false);
    assert.deepEqual([late.mapped, late.open], [0, 0]);
  });

  it("is mapped once where two open queues at the same time", async () => {
    const target = new Target();
    const { access } = target;
    assert.deepEqual(await Promise.all([access.ready(LIMITS), access.ready(LIMITS)]), [true, true]);
    assert.deepEqual([target.mapped, target.open], [1, 0]);
    access.close();
    assert.equal(target.mapped, 0);
  });

  it("is not read once its session has ended", async () => {
    const target = new Target();
    await target.access.ready(LIMITS);
    const words = target.memory.map(target.object, 0, BOARD_BYTES, true).i32;
    giveLane(words, new Uint8Array(words.buffer), 0, new Uint8Array(32));
    publishNotice(words, 0, 0, 0, 0, 0, 0, 1, 1);
    const reader = target.access.read(0, { at: 0, end: 1, tag: undefined });
    assert.equal(reader.hasNews, true);
    target.session.lose();
    assert.deepEqual([reader.hasNews, reader.isBehind, reader.next()], [false, false, undefined]);
  });
});
