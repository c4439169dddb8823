import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import fc from "fast-check";
import {
  announceBoard,
  BOARD_BYTES,
  BOARD_LANES,
  BOARD_QUEUES,
  type BoardNotice,
  type BoardQueue,
  boardGeneration,
  boardQueue,
  boardVersion,
  changeQueues,
  countTold,
  giveLane,
  hasUntaken,
  isAsleep,
  isEarlier,
  isPublished,
  laneSerial,
  laneSource,
  noticeStamp,
  otherQueues,
  publishAsleep,
  publishNotice,
  RING_SLOTS,
  readNotice,
  setBoardQueue,
  setOtherQueues,
  setTakenCount,
  skipUntaken,
  takenCount,
  takeStamp,
  toldByWorker,
  unpublishedFrom,
} from "../../src/structs/notice-board.ts";

const LINE = 64;
const QUEUE = 3;
const LANE = 5;

function newBoard(): { words: Int32Array; bytes: Uint8Array } {
  const bytes = new Uint8Array(BOARD_BYTES);
  return { words: new Int32Array(bytes.buffer), bytes };
}

/** What is not zero, by the line that it lies in. */
function linesOf(bytes: Uint8Array): Record<number, string> {
  const lines: Record<number, string> = {};
  for (let at = 0; at < bytes.length; at += LINE) {
    const line = bytes.subarray(at, at + LINE);
    if (line.some((byte) => byte !== 0))
      lines[at] = Buffer.from(line)
        .toString("hex")
        .replace(/(00)+$/, "");
  }
  return lines;
}

const hex = (...parts: string[]): string => parts.join("").replaceAll(" ", "");

function publish(words: Int32Array, number: number, notice: Partial<BoardNotice> & { stamp?: number } = {}) {
  const { stamp = 0, at = 0, before = 0, length = 0, tag = 0 } = notice;
  publishNotice(words, QUEUE, LANE, number, stamp, at, before, length, tag);
}

const NUMBER = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, -1, 0),
);
const U32 = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc.constantFrom(2 ** 31, 2 ** 31 - 1, 2 ** 32 - 1),
);
const PLACE = fc.oneof(
  fc.maxSafeNat(),
  fc.constantFrom(2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
);

describe("the bytes of a board", () => {
  it("has 8 queues, 16 lanes and rings of 64 slots of a line each, and what comes before them", () => {
    assert.deepEqual([BOARD_QUEUES, BOARD_LANES, RING_SLOTS], [8, 16, 64]);
    assert.equal(BOARD_BYTES, 12_288 + 8 * 16 * 64 * LINE);
    assert.equal(BOARD_BYTES, 536_576);
  });

  it("clock, asleep, version and others are the first line", () => {
    const { words, bytes } = newBoard();
    for (const stamp of [0, 1, 2]) assert.equal(takeStamp(words), stamp);
    publishAsleep(words, 0x81);
    changeQueues(words, () => {
      assert.equal(boardVersion(words), 1);
      setOtherQueues(words, 0x0506);
    });
    assert.deepEqual(linesOf(bytes), { 0: hex("03000000 81000000 02000000 0605") });
    assert.deepEqual([boardVersion(words), otherQueues(words)], [2, 0x0506]);
    const asleep = Array.from({ length: BOARD_QUEUES }, (_, queue) => isAsleep(words, queue));
    assert.deepEqual(asleep, [true, false, false, false, false, false, false, true]);
  });

  it("told is the second line, a word a queue", () => {
    const { words, bytes } = newBoard();
    countTold(words, 0);
    for (const _ of [1, 2]) countTold(words, 7);
    assert.deepEqual(linesOf(bytes), { 64: hex("01000000", "00000000".repeat(6), "02") });
    assert.deepEqual([toldByWorker(words, 0), toldByWorker(words, 1), toldByWorker(words, 7)], [1, 0, 2]);
  });

  it("lanes lie at 1024, a line each: serial, and source at 32", () => {
    const { words, bytes } = newBoard();
    const source = Uint8Array.from({ length: 32 }, (_, i) => i + 1);
    giveLane(words, bytes, 15, new Uint8Array(32).fill(9));
    giveLane(words, bytes, 15, source);
    const key = Buffer.from(source).toString("hex");
    assert.deepEqual(linesOf(bytes), {
      64: hex("00".repeat(32), "10"),
      [1024 + 15 * LINE]: hex("02000000", "00".repeat(28), key),
    });
    assert.deepEqual([laneSerial(words, 15), laneSerial(words, 14)], [2, 0]);
    assert.equal(laneSource(bytes, 15), key);
  });

  it("queues lie at 2048, a line each", () => {
    const { words, bytes } = newBoard();
    setBoardQueue(words, 0, { at: 0x1_0000_0002, end: 0x1f_ffff_ffff_ffff, tag: 0x8000_0003, room: 64 });
    setBoardQueue(words, 7, { at: 4, end: 5, tag: undefined, room: 64 });
    const [first, last] = [2048, 2048 + 7 * LINE];
    assert.deepEqual(linesOf(bytes), {
      [first]: hex("01000000 00000000 0200000001000000 ffffffffffff1f00 03000080 40"),
      [last]: hex("01000000 01000000 0400000000000000 0500000000000000 00000000 40"),
    });
    setBoardQueue(words, 7, undefined);
    assert.equal(words[last / 4], 0);
    assert.equal(boardQueue(words, 7), undefined);
  });

  it("taken lies at 4096, a line for each queue and lane", () => {
    const { words, bytes } = newBoard();
    setTakenCount(words, 0, 0, 1);
    setTakenCount(words, QUEUE, LANE, -2);
    setTakenCount(words, 7, 15, 3);
    assert.deepEqual(linesOf(bytes), {
      4096: "01",
      [4096 + (QUEUE * 16 + LANE) * LINE]: "feffffff",
      [12_288 - LINE]: "03",
    });
    assert.equal(takenCount(words, QUEUE, LANE), -2);
  });

  it("rings lie at 12288: a notice is turn, stamp, at, before, length, tag", () => {
    const { words, bytes } = newBoard();
    const notice = { at: 0x1_0000_0002, before: 0x1f_ffff_ffff_fffe, length: 0xffff_fff0, tag: 0x8000_0001 };
    publish(words, 66, { stamp: 0x0102_0304, ...notice });
    const slot = 12_288 + ((QUEUE * 16 + LANE) * 64 + 2) * LINE;
    assert.deepEqual(linesOf(bytes), {
      [slot]: hex("43000000 04030201 0200000001000000 feffffffffff1f00 f0ffffff 01000080"),
    });
    assert.equal(isPublished(words, QUEUE, LANE, 66), true);
    publishNotice(words, 7, 15, -1, 1, 0, 0, 0, 0);
    assert.equal(linesOf(bytes)[BOARD_BYTES - LINE], hex("00000000 01"), "the last slot of all");
  });

  it("the region's header has the generation at 1152", () => {
    const bytes = new Uint8Array(4096);
    const words = new Int32Array(bytes.buffer);
    assert.equal(boardGeneration(words), 0);
    announceBoard(words, 0x0102_0304);
    assert.deepEqual(linesOf(bytes), { 1152: "04030201" });
    assert.equal(boardGeneration(words), 0x0102_0304);
  });
});

test("a notice is read as it was published", () => {
  const { words } = newBoard();
  fc.assert(
    fc.property(NUMBER, NUMBER, PLACE, PLACE, U32, U32, (number, stamp, at, before, length, tag) => {
      publish(words, number, { stamp, at, before, length, tag });
      const read = { at: 0, before: 0, length: 0, tag: 0 };
      readNotice(words, QUEUE, LANE, number, read);
      assert.deepEqual(read, { at, before, length, tag });
      assert.equal(noticeStamp(words, QUEUE, LANE, number), stamp);
      for (const other of [number - RING_SLOTS, number + RING_SLOTS])
        assert.equal(isPublished(words, QUEUE, LANE, other | 0), false);
      assert.equal(isPublished(words, QUEUE, LANE, number), true);
    }),
  );
});

test("a queue is found as it was set", () => {
  const { words } = newBoard();
  const place = fc.integer({ min: 0, max: BOARD_QUEUES - 1 });
  fc.assert(
    fc.property(place, PLACE, PLACE, fc.option(U32, { nil: undefined }), (queue, at, end, tag) => {
      const open: BoardQueue = { at, end, tag, room: 64 };
      changeQueues(words, () => setBoardQueue(words, queue, open));
      assert.deepEqual(boardQueue(words, queue), open);
      changeQueues(words, () => setBoardQueue(words, queue, undefined));
      assert.equal(boardQueue(words, queue), undefined);
    }),
  );
});

test("stamps, versions and counts go on behind 2^31 and 2^32", () => {
  for (const last of [2 ** 31 - 1, -1]) {
    const { words } = newBoard();
    words[0] = last;
    words[2] = last;
    const [before, after] = [takeStamp(words), takeStamp(words)];
    assert.deepEqual([before, after], [last, (last + 1) | 0]);
    assert.deepEqual([isEarlier(before, after), isEarlier(after, before)], [true, false]);
    changeQueues(words, () => assert.equal(boardVersion(words), (last + 1) | 0));
    assert.equal(boardVersion(words), (last + 2) | 0);
  }
  fc.assert(
    fc.property(NUMBER, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (stamp, ahead) => {
      const later = (stamp + ahead) | 0;
      assert.equal(isEarlier(stamp, later), true);
      assert.equal(isEarlier(later, stamp), false);
      assert.equal(isEarlier(stamp, stamp), false);
    }),
  );
});

/** A ring that was used before, so that each slot has the number of a turn before. */
function used(number: number, untaken: number): Int32Array {
  const { words } = newBoard();
  for (let i = -RING_SLOTS; i < untaken; i += 1) publish(words, (number + i) | 0);
  setTakenCount(words, QUEUE, LANE, number);
  return words;
}

test("what lies in a ring is found, also where its numbers wrap", () => {
  for (const number of [RING_SLOTS, 2 ** 31 - 30, -30, -1, -(2 ** 31), 2 ** 31 - 1]) {
    for (const untaken of [0, 1, 31, RING_SLOTS - 1, RING_SLOTS]) {
      const words = used(number, untaken);
      const end = (number + untaken) | 0;
      assert.equal(unpublishedFrom(words, QUEUE, LANE, number), end);
      for (let queue = 0; queue < BOARD_QUEUES; queue += 1)
        assert.equal(hasUntaken(words, queue), queue === QUEUE && untaken > 0);
      const told = toldByWorker(words, QUEUE);
      countTold(words, QUEUE);
      countTold(words, QUEUE + 1);
      skipUntaken(words, QUEUE);
      assert.equal(takenCount(words, QUEUE, LANE), end);
      assert.equal(hasUntaken(words, QUEUE), false);
      assert.deepEqual([told, toldByWorker(words, QUEUE), toldByWorker(words, QUEUE + 1)], [0, 0, 1]);
      publish(words, end);
      assert.equal(hasUntaken(words, QUEUE), true);
    }
  }
});

test("no lane keeps another one's untaken notice from being found", () => {
  for (let lane = 0; lane < BOARD_LANES; lane += 1) {
    const { words } = newBoard();
    publishNotice(words, QUEUE, lane, 0, 0, 0, 0, 0, 0);
    assert.equal(hasUntaken(words, QUEUE), true);
    skipUntaken(words, QUEUE);
    const taken = Array.from({ length: BOARD_LANES }, (_, i) => takenCount(words, QUEUE, i));
    assert.deepEqual(
      taken,
      taken.map((_, i) => (i === lane ? 1 : 0)),
    );
  }
});

/** Words that are as wrong as words can be, and some that look right. */
function scribble(words: Int32Array, seed: number): void {
  let state = seed | 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
  for (let at = 0; at < words.length; at += 1) words[at] = next() % 4 === 0 ? next() % 70 : next();
}

test("whatever lies there, nothing throws, and nobody looks further than a ring", () => {
  const { words, bytes } = newBoard();
  const number = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 2 ** 64;
  const into: BoardNotice = { at: 0, before: 0, length: 0, tag: 0 };
  const queue = fc.integer({ min: 0, max: BOARD_QUEUES - 1 });
  const lane = fc.integer({ min: 0, max: BOARD_LANES - 1 });
  fc.assert(
    fc.property(fc.integer(), queue, lane, NUMBER, (seed, queue, lane, of) => {
      scribble(words, seed);
      const end = unpublishedFrom(words, queue, lane, of);
      assert.ok((end - of) >>> 0 <= RING_SLOTS && (end | 0) === end);
      readNotice(words, queue, lane, of, into);
      assert.ok([into.at, into.before, into.length, into.tag].every(number));
      const open = boardQueue(words, queue);
      assert.ok(open === undefined || (number(open.at) && number(open.end) && number(open.tag ?? 0)));
      assert.match(laneSource(bytes, lane), /^[0-9a-f]{64}$/);
      assert.equal(typeof isAsleep(words, queue), "boolean");
      assert.ok(Number.isInteger(laneSerial(words, lane)) && Number.isInteger(takeStamp(words)));
      skipUntaken(words, queue);
      assert.equal(toldByWorker(words, queue), 0);
      if (hasUntaken(words, queue)) skipUntaken(words, queue);
    }),
    { numRuns: 40 },
  );
  // A ring that says of each number that it is there would be looked through for ever.
  const turns = new Int32Array(BOARD_BYTES / 4);
  for (let i = 0; i < RING_SLOTS; i += 1) publish(turns, i);
  assert.equal(unpublishedFrom(turns, QUEUE, LANE, 0), RING_SLOTS);
});
