/** Worlds of one queue: what is told there, and in which order. */
import assert from "node:assert/strict";
import { RING_SLOTS } from "../../src/structs/notice-board.ts";
import type { Notice } from "../../src/wire/notifications.ts";
import { everyState } from "./board-explorer.ts";
import {
  ALL,
  BY_WORKER,
  begin,
  checkHeard,
  checkOrder,
  consumer,
  DONE,
  each,
  FAR,
  LENGTH,
  messenger,
  note,
  producer,
  type Scenario,
  tagsOf,
  tell,
  WRAPS,
  worker,
} from "./notice-parties.ts";

/** Where the cause is looked at after the effect, and before it. */
const LANES = [
  [1, 0],
  [0, 1],
] as const;
const CAUSALITIES = LANES.flatMap((lanes) => WRAPS.map((clock) => ({ lanes, clock })));

export const twoProducers: Scenario = (parts) =>
  everyState({
    prepare: (memory) => begin(parts, memory, { clock: 0x7fff_fffe, number: -1 }),
    parties: [
      producer(parts, { party: 0, tags: [1, 2] }),
      producer(parts, { party: 1, tags: [3, 4] }),
      consumer(parts, { polls: 1, until: [0, 1] }),
    ],
    check: (_, results) => {
      const heard = results[2] as Notice[];
      checkHeard(heard, { 1: 0, 2: 0, 3: 1, 4: 1 });
      checkOrder(heard, 1, 2);
      checkOrder(heard, 3, 4);
      for (const { sequence, tag } of heard) assert.equal(sequence | 0, tag % 2 === 1 ? -1 : 0);
    },
  });

export const causes: Scenario = (parts) =>
  each(CAUSALITIES, ({ lanes: [cause, effect], clock }) => ({
    prepare: (memory) => begin(parts, memory, { clock, number: 0x7fff_ffff }),
    parties: [
      producer(parts, { party: 0, lane: cause, tags: [1] }),
      producer(parts, { party: 1, lane: effect, tags: [2], after: DONE }),
      consumer(parts, { polls: 2, until: [0, 1] }),
    ],
    check: (_, results) => {
      checkHeard(results[2] as Notice[], { 1: cause, 2: effect });
      checkOrder(results[2] as Notice[], 1, 2);
    },
  }));

/** With somebody who has to do with neither. */
export const causesAmongOthers: Scenario = (parts) =>
  each(LANES, ([cause, effect]) => ({
    prepare: (memory) => begin(parts, memory),
    parties: [
      producer(parts, { party: 0, lane: cause, tags: [1] }),
      producer(parts, { party: 1, lane: effect, tags: [2], after: DONE }),
      producer(parts, { party: 2, tags: [3] }),
      consumer(parts, { polls: 1, until: [0, 1, 2] }),
    ],
    check: (_, results) => {
      checkHeard(results[3] as Notice[], { 1: cause, 2: effect, 3: 2 });
      checkOrder(results[3] as Notice[], 1, 2);
    },
  }));

export const workerFirst: Scenario = (parts) =>
  each(WRAPS, (clock) => ({
    prepare: (memory) => begin(parts, memory, { clock }),
    parties: [
      worker(parts, { party: 0, tags: [1] }),
      producer(parts, { party: 1, lane: 0, tags: [2], after: DONE }),
      messenger(1),
      consumer(parts, { polls: 2, until: [0, 1], told: 1 }),
    ],
    check: (_, results) => {
      checkHeard(results[3] as Notice[], { 1: BY_WORKER, 2: 0 });
      checkOrder(results[3] as Notice[], 1, 2);
    },
  }));

export const workerSecond: Scenario = (parts) =>
  each(WRAPS, (clock) => ({
    prepare: (memory) => begin(parts, memory, { clock }),
    parties: [
      producer(parts, { party: 0, tags: [1] }),
      worker(parts, { party: 1, tags: [2], after: DONE }),
      messenger(1),
      consumer(parts, { polls: 2, until: [0, 1], told: 1 }),
    ],
    check: (_, results) => {
      checkHeard(results[3] as Notice[], { 1: 0, 2: BY_WORKER });
      checkOrder(results[3] as Notice[], 1, 2);
    },
  }));

export const workerBetween: Scenario = (parts) =>
  each(LANES, ([first, last]) => ({
    prepare: (memory) => begin(parts, memory, { clock: -2 }),
    parties: [
      producer(parts, { party: 0, lane: first, tags: [1] }),
      worker(parts, { party: 1, tags: [2], after: DONE }),
      producer(parts, { party: 2, lane: last, tags: [3], after: DONE + 1 }),
      messenger(1),
      consumer(parts, { polls: 2, until: [0, 1, 2], told: 1 }),
    ],
    check: (_, results) => {
      checkHeard(results[4] as Notice[], { 1: first, 2: BY_WORKER, 3: last });
      checkOrder(results[4] as Notice[], 1, 2, 3);
    },
  }));

/** The worker tells of two, and who tells in between is told of between them. */
export const betweenTheWorkers: Scenario = (parts) =>
  everyState({
    prepare: (memory) => begin(parts, memory),
    parties: [
      worker(parts, { party: 0, tags: [1] }),
      producer(parts, { party: 1, lane: 0, tags: [2], after: DONE }),
      worker(parts, { party: 2, tags: [3], after: DONE + 1 }),
      messenger(2),
      consumer(parts, { polls: 2, until: [0, 1, 2], told: 2 }),
    ],
    check: (_, results) => {
      checkHeard(results[4] as Notice[], { 1: BY_WORKER, 2: 0, 3: BY_WORKER });
      checkOrder(results[4] as Notice[], 1, 2, 3);
    },
  });

/** One place is left; the reader makes others. */
export const fullRing: Scenario = (parts) => {
  const taken = DONE + 7;
  return everyState({
    prepare: (memory) => {
      begin(parts, memory, { number: -40 });
      const writer = new parts.Writer(memory.i32, 0);
      for (let tag = 1; tag < RING_SLOTS; tag += 1) assert.ok(tell(writer, tag), `${tag} has room`);
    },
    parties: [
      (memory, waitFor) => {
        const writer = new parts.Writer(memory.i32, 0);
        const isTold = [64, 65, 66].map((tag) => tell(writer, tag));
        waitFor(taken, 1);
        isTold.push(tell(writer, 67));
        return isTold;
      },
      (memory) => {
        const reader = new parts.Reader(() => memory, 0, ALL);
        const heard = [reader.next(), reader.next()];
        note(memory, taken);
        return heard;
      },
    ],
    check: (memory, results) => {
      const isTold = results[0] as boolean[];
      const heard = results[1] as Notice[];
      // Two were taken: all of the first three had room where that was early.
      const hadRoom = isTold[0] && (isTold[3] || (isTold[1] && isTold[2]));
      assert.ok(hadRoom, "there is room when nobody has taken anything, and when somebody has");
      const reader = new parts.Reader(() => memory, 0, ALL);
      for (let notice = reader.next(); notice !== undefined; notice = reader.next()) heard.push(notice);
      const told = [64, 65, 66, 67].filter((_, i) => isTold[i]);
      const expected = [...Array.from({ length: RING_SLOTS - 1 }, (_, i) => i + 1), ...told];
      assert.deepEqual(tagsOf(heard), expected, "nothing is overwritten");
    },
  });
};

export const asleep: Scenario = (parts) => {
  const { board } = parts;
  return everyState({
    prepare: (memory) => begin(parts, memory),
    parties: [
      ({ i32: words }) => {
        board.publishAsleep(words, 1);
        return board.hasUntaken(words, 0);
      },
      ({ i32: words }) => {
        const writer = new parts.Writer(words, 0);
        const route = writer.route(FAR, LENGTH, 1);
        assert.equal(writer.tell(route, FAR, LENGTH, 0, 1), true);
        return writer.isAsleep(route);
      },
    ],
    check: (_, [isSeen, isWoken]) =>
      assert.ok(isSeen === true || isWoken === true, "nobody wakes the reader"),
  });
};
