/** A board of which somebody makes what he likes: he may store to the region, so he may. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  BOARD_BYTES,
  BOARD_LANES,
  BOARD_QUEUES,
  changeQueues,
  giveLane,
  publishNotice,
  RING_SLOTS,
  setBoardQueue,
  setTakenCount,
} from "../../src/structs/notice-board.ts";
import { NoticeReader } from "../../src/transport/notice-reader.ts";
import { NoticeWriter, WORKER } from "../../src/transport/notice-writer.ts";
import { WatchedWords } from "./watched-words.ts";

const QUEUE = 1;
const RANGE = { at: 64, end: 2 ** 40, tag: undefined };
const LINE = 16;
const TOLD = 16;
const LANES = 1024 / 4;
const QUEUES = 2048 / 4;
const TAKEN = 4096 / 4;
const RINGS = 12_288 / 4;
/** What a look at all lanes, and one at all slots of all of them, take at most. */
const LOOK_ACCESSES = 8 * BOARD_LANES;
const CALL_ACCESSES = (BOARD_LANES * RING_SLOTS + 1) * LOOK_ACCESSES;

const turnAt = (lane: number, number: number): number =>
  RINGS + ((QUEUE * BOARD_LANES + lane) * RING_SLOTS + (number & (RING_SLOTS - 1))) * LINE;

/** Draws whole numbers, the same again from the same seed. */
function draws(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function newBoard(): WatchedWords {
  const board = new WatchedWords(BOARD_BYTES);
  const { i32, u8 } = board.memory;
  for (let lane = 0; lane < BOARD_LANES; lane += 1) giveLane(i32, u8, lane, new Uint8Array(32).fill(lane));
  changeQueues(i32, () => setBoardQueue(i32, QUEUE, { ...RANGE, room: RING_SLOTS }));
  return board;
}

/** Somebody writes what he likes before any access; often what could be believed. @param countAt a note, of all accesses */
function disturb(board: WatchedWords, draw: (below: number) => number, count: { accesses: number }): void {
  const { i32 } = board.memory;
  const lane = (): number => draw(BOARD_LANES);
  const slot = (): number => turnAt(lane(), draw(4));
  const places = [
    () => draw(4),
    () => TOLD + draw(BOARD_QUEUES),
    () => LANES + lane() * LINE,
    () => QUEUES + QUEUE * LINE + draw(8),
    () => TAKEN + (QUEUE * BOARD_LANES + lane()) * LINE,
    () => slot() + draw(8),
    () => draw(i32.length),
    ...new Array<() => number>(8).fill(slot),
  ];
  board.onAccess = (_kind, _at, perform) => {
    count.accesses += 1;
    if (count.accesses > CALL_ACCESSES) throw new Error("it goes on and on");
    for (let left = draw(4); left > 0; left -= 1) {
      const at = (places[draw(places.length)] as () => number)();
      i32[at] = draw(3) === 0 ? draw(2 ** 32) : draw(6);
      // Else a reader waits for what the worker has not told.
      if (at === TOLD + QUEUE && draw(4) > 0) i32[at] = 0;
    }
    return perform();
  };
}

const isNumber = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;

describe("a board that somebody else writes at any moment", () => {
  it("tells a reader numbers, or nothing, in bounded time", () => {
    let told = 0;
    const check = (seed: number): void => {
      const board = newBoard();
      const count = { accesses: 0 };
      disturb(board, draws(seed), count);
      board.watch(() => {
        const reader = new NoticeReader(() => board.watched, QUEUE, RANGE);
        for (let i = 0; i < 50; i += 1) {
          count.accesses = 0;
          assert.equal(typeof reader.hasNews, "boolean");
          assert.equal(typeof reader.isBehind, "boolean");
          assert.ok(count.accesses <= LOOK_ACCESSES);
          count.accesses = 0;
          const notice = reader.next();
          if (notice === undefined) continue;
          told += 1;
          const { at, before, length, tag, source, stamp } = notice;
          assert.ok([at, before, length, tag].every(isNumber) && Number.isInteger(stamp));
          // A lane whose serial is none has nobody.
          assert.match(source, /^([0-9a-f]{64})?$/);
          assert.ok(at < RANGE.end && at + Math.max(length, 1) > RANGE.at, "none but of its range");
        }
      });
    };
    fc.assert(fc.property(fc.integer(), check), { numRuns: 200, seed: 7 });
    assert.ok(told > 100, `${told} were told`);
  });

  it("lets a writer tell, or leave it to the worker, in bounded time", () => {
    const check = (seed: number): void => {
      const board = newBoard();
      const count = { accesses: 0 };
      disturb(board, draws(seed), count);
      board.watch(() => {
        const writer = new NoticeWriter(board.watched.i32, 0);
        assert.ok(count.accesses <= BOARD_QUEUES * (RING_SLOTS + 2));
        for (let i = 0; i < 50; i += 1) {
          count.accesses = 0;
          const route = writer.route(i * 64, 8, i);
          assert.ok(Number.isInteger(route) && route >= WORKER && route < BOARD_QUEUES);
          if (route !== WORKER) assert.equal(typeof writer.tell(route, i * 64, 8, 0, i), "boolean");
          assert.equal(typeof writer.isAsleep(route), "boolean");
          assert.ok(count.accesses <= LOOK_ACCESSES + 64);
        }
      });
    };
    fc.assert(fc.property(fc.integer(), check), { numRuns: 100 });
  });

  it("does not let a notice that is taken back between two looks be told", () => {
    const board = newBoard();
    const { i32 } = board.memory;
    publishNotice(i32, QUEUE, 3, 0, 0, 128, 0, 8, 5);
    // Those of the queue before, whose lines lie in front.
    publishNotice(i32, QUEUE - 1, BOARD_LANES - 1, 0, 0, 128, 0, 8, 5);
    for (let lane = 0; lane < BOARD_LANES; lane += 1) setTakenCount(i32, QUEUE - 1, lane, 7);
    let looks = 0;
    board.onAccess = (_kind, at, perform) => {
      // He takes it back once it has been seen.
      if (at === turnAt(3, 0)) {
        looks += 1;
        if (looks === 2) i32[at] = 0;
      }
      return perform();
    };
    const lines = i32.slice(TAKEN, RINGS);
    const notice = board.watch(() => new NoticeReader(() => board.watched, QUEUE, RANGE).next());
    assert.equal(notice, undefined);
    assert.deepEqual(i32.subarray(TAKEN, RINGS), lines, "nothing is noted as taken");
  });

  it("does not keep a reader for ever with what is not for it", () => {
    const board = newBoard();
    const { i32 } = board.memory;
    let number = 0;
    const publish = (): void => {
      publishNotice(i32, QUEUE, 0, number, number, 0, 0, 8, 5);
      number += 1;
    };
    let accesses = 0;
    board.onAccess = (kind, at, perform) => {
      accesses += 1;
      if (accesses > CALL_ACCESSES) throw new Error("it goes on and on");
      // Whenever one is taken there is another one.
      if (kind === "store" && at < RINGS) publish();
      return perform();
    };
    publish();
    const notice = board.watch(() => new NoticeReader(() => board.watched, QUEUE, RANGE).next());
    assert.equal(notice, undefined);
  });
});
