/** Producers, readers and the worker on a board, in every order that their accesses can have. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SimMemory } from "../../src/sim/memory.ts";
import * as board from "../../src/structs/notice-board.ts";
import { NoticeReader } from "../../src/transport/notice-reader.ts";
import { NoticeWriter } from "../../src/transport/notice-writer.ts";
import { SCENARIOS } from "./notice-worlds.ts";

describe("notices on a board", () => {
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    it(name, (context) => {
      const { states, interleavings } = scenario({ Writer: NoticeWriter, Reader: NoticeReader, board });
      context.diagnostic(`${states} states, ${interleavings.toExponential(1)} interleavings`);
    });
  }

  it("a reader that was closed takes nothing of the next one's", () => {
    const memory = new SimMemory().allocate(board.BOARD_BYTES);
    const { i32: words, u8: bytes } = memory;
    const range = { at: 0, end: 1000, tag: undefined };
    const open = (): NoticeReader => {
      board.skipUntaken(words, 0);
      board.changeQueues(words, () => board.setBoardQueue(words, 0, { ...range, room: board.RING_SLOTS }));
      return new NoticeReader(() => memory, 0, range);
    };
    board.giveLane(words, bytes, 0, new Uint8Array(32));
    const former = open();
    former.close();
    board.changeQueues(words, () => board.setBoardQueue(words, 0, undefined));
    const reader = open();
    const writer = new NoticeWriter(words, 0);
    const tell = (tag: number): void => {
      if (writer.route(0, 8, tag) === 0) assert.equal(writer.tell(0, 0, 8, 0, tag), true);
    };
    tell(0);
    // Somebody calls `tryNext` of the queue that he has closed.
    assert.equal(former.next(), undefined);
    for (let tag = 1; tag <= board.RING_SLOTS; tag += 1) tell(tag);
    assert.equal(reader.next()?.tag, 0);
  });
});
