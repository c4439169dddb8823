/** Worlds where queues, or lanes, come and go. */
import assert from "node:assert/strict";
import { SimMemory } from "../../src/sim/memory.ts";
import { BOARD_BYTES, type BoardQueue, RING_SLOTS } from "../../src/structs/notice-board.ts";
import { NOBODY, WORKER } from "../../src/transport/notice-writer.ts";
import type { Notice } from "../../src/wire/notifications.ts";
import { everyState } from "./board-explorer.ts";
import {
  ALL,
  atOf,
  BYTES,
  beforeOf,
  begin,
  checkHeard,
  consumer,
  DONE,
  each,
  FAR,
  LENGTH,
  note,
  type Scenario,
  sourceOf,
  tagsOf,
  tell,
} from "./notice-parties.ts";

/** The opener reads bytes when his queue is open, on the board or not, then hears of what comes. */
export const opening: Scenario = (parts) => {
  const { board } = parts;
  const opened = DONE;
  const cases = [false, true].flatMap((knows) => [false, true].map((onBoard) => ({ knows, onBoard })));
  return each(cases, ({ knows, onBoard }) => ({
    prepare: (memory) => begin(parts, memory, { queue: undefined }),
    parties: [
      (memory) => {
        const { i32: words } = memory;
        if (onBoard) board.skipUntaken(words, 0);
        board.changeQueues(words, () => {
          if (onBoard) board.setBoardQueue(words, 0, ALL);
          else board.setOtherQueues(words, 1);
        });
        note(memory, opened);
      },
      (memory, waitFor) => {
        waitFor(opened, 1);
        const seen = Atomics.load(memory.i32, BYTES);
        return [seen, onBoard ? consumer(parts, { polls: 1, until: [1] })(memory, waitFor) : []];
      },
      (memory) => {
        const { i32: words } = memory;
        const writer = new parts.Writer(words, 0);
        // Then it knows that there is no queue.
        if (knows) writer.route(FAR, LENGTH, 1);
        const route = writer.route(FAR, LENGTH, 1);
        if (route !== WORKER) Atomics.store(words, BYTES, 1);
        const isTold = route !== WORKER && writer.tell(route, FAR, LENGTH, 0, 1);
        note(memory, DONE + 1);
        return isTold;
      },
    ],
    check: (_, [, found, isTold]) => {
      const [seen, heard] = found as [number, Notice[]];
      assert.ok(
        isTold === false || seen === 1 || heard.length === 1,
        "the opener neither finds it nor hears of it",
      );
    },
  }));
};

const HERE: BoardQueue = { at: 0, end: 2 * FAR, tag: undefined, room: 64 };
const ELSEWHERE: BoardQueue = { at: 4 * FAR, end: 5 * FAR, tag: undefined, room: 64 };
const OTHER_TAG: BoardQueue = { ...HERE, tag: 7 };

/** The queue that is meant goes, and another one comes to its place. What was told before it came is not for it. */
export const staleRoute: Scenario = (parts) => {
  const { board } = parts;
  const closed = DONE + 2;
  return each([OTHER_TAG, ELSEWHERE, HERE], (next) => ({
    prepare: (memory) => {
      begin(parts, memory, { queue: HERE });
      assert.ok(tell(new parts.Writer(memory.i32, 0), 1));
      board.countTold(memory.i32, 0);
    },
    parties: [
      (memory) => {
        const { i32: words } = memory;
        board.changeQueues(words, () => board.setBoardQueue(words, 0, undefined));
        note(memory, closed);
        board.skipUntaken(words, 0);
        board.changeQueues(words, () => board.setBoardQueue(words, 0, next));
        note(memory, DONE);
      },
      (memory) => {
        const writer = new parts.Writer(memory.i32, 0);
        const route = writer.route(atOf(2), LENGTH, 2);
        const wasClosed = Atomics.load(memory.i32, closed) === 1;
        const isTold = route >= 0 && writer.tell(route, atOf(2), LENGTH, beforeOf(2), 2);
        note(memory, DONE + 1);
        return { wasClosed, isTold };
      },
      (memory, waitFor) => {
        waitFor(DONE, 1);
        const reader = new parts.Reader(() => memory, 0, next);
        const heard = [reader.next()];
        waitFor(DONE + 1, 1);
        const writer = new parts.Writer(memory.i32, 1);
        const route = writer.route(next.at, LENGTH, 7);
        assert.ok(route === 0 && writer.tell(route, next.at, LENGTH, 0, 7), "the new one is found");
        for (let i = 0; i < 4; i += 1) heard.push(reader.next());
        return heard.filter((notice) => notice !== undefined);
      },
    ],
    check: (_, results) => {
      const { wasClosed, isTold } = results[1] as { wasClosed: boolean; isTold: boolean };
      const tags = tagsOf(results[2] as Notice[]);
      assert.equal(tags.includes(1), false, "what was told to the queue before is told to this one");
      assert.equal(tags.filter((tag) => tag === 7).length, 1, "what is told to this one is told once");
      assert.equal(tags.includes(2) && (next !== HERE || !isTold), false, "what does not match is told");
      assert.equal(wasClosed && isTold && next !== HERE, false, "who is told has gone before");
    },
  }));
};

/** The one that the route is to has gone for good before anything is told. */
export const goneRoute: Scenario = (parts) => {
  const { board } = parts;
  return everyState({
    prepare: (memory) => begin(parts, memory),
    parties: [
      (memory, waitFor) => {
        const writer = new parts.Writer(memory.i32, 0);
        const route = writer.route(FAR, LENGTH, 1);
        waitFor(DONE, 1);
        const isTold = route >= 0 && writer.tell(route, FAR, LENGTH, 0, 1);
        return [isTold, writer.route(FAR, LENGTH, 1)];
      },
      (memory) => {
        const { i32: words } = memory;
        board.changeQueues(words, () => board.setBoardQueue(words, 0, undefined));
        note(memory, DONE);
      },
    ],
    check: (_, [ends]) => assert.deepEqual(ends, [false, NOBODY]),
  });
};

/** What is found is so before the change or after it, or is left to the worker. */
export const tornQueues: Scenario = (parts) => {
  const { board } = parts;
  const old: BoardQueue = { at: 0, end: 100, tag: 1, room: 64 };
  const other: BoardQueue = { at: 1000, end: 1100, tag: undefined, room: 64 };
  const places = [50, 500, 1050];
  const cases = [0, -2, 0x7fff_fffe].flatMap((version) =>
    [
      [old, other],
      [other, old],
    ].flatMap(([from, to]) => places.map((at) => ({ version, from, to, at }))),
  );
  return each(cases, ({ version, from, to, at }) => {
    const isIn = (queue: BoardQueue | undefined) =>
      queue !== undefined && at >= queue.at && at < queue.end && (queue.tag ?? 2) === 2;
    return {
      prepare: (memory) => {
        begin(parts, memory, { queue: undefined });
        board.setBoardQueue(memory.i32, 0, from as BoardQueue);
        memory.i32[2] = version;
      },
      parties: [
        ({ i32: words }) => new parts.Writer(words, 0).route(at, LENGTH, 2),
        ({ i32: words }) => board.changeQueues(words, () => board.setBoardQueue(words, 0, to)),
      ],
      check: (_, [route]) => {
        const legal = [WORKER, isIn(from) ? 0 : NOBODY, isIn(to) ? 0 : NOBODY];
        assert.ok(legal.includes(route as number), `the route is ${route}`);
      },
    };
  });
};

/** Who is told: the one queue that the access reaches into and whose tag it has, or whom the worker finds. */
export const routes: Scenario = (parts) => {
  const { board } = parts;
  const { i32: words } = new SimMemory().allocate(BOARD_BYTES);
  const writer = new parts.Writer(words, 0);
  const expect = (
    cases: Readonly<Record<string, readonly [at: number, length: number, tag: number]>>,
  ): void => {
    for (const [found, access] of Object.entries(cases))
      assert.equal(`${writer.route(...access)}`, found, `${access}`);
  };
  const change = (body: () => void): void => board.changeQueues(words, body);
  expect({ [NOBODY]: [100, 8, 1] });
  change(() => {
    board.setBoardQueue(words, 0, { at: 100, end: 200, tag: undefined, room: 64 });
    board.setBoardQueue(words, 7, { at: FAR, end: 2 * FAR, tag: 0xffff_ffff, room: 64 });
  });
  for (const access of [
    [100, 8],
    [93, 8],
    [199, 8],
    [0, 1000],
    [100, 0],
    [199, 0],
  ] as const)
    expect({ 0: [...access, 1] });
  for (const access of [
    [92, 8],
    [200, 8],
    [99, 0],
    [200, 0],
    [FAR - 8, 8],
    [2 * FAR, 8],
  ] as const)
    expect({ [NOBODY]: [...access, 0xffff_ffff] });
  expect({ 7: [FAR, 8, 0xffff_ffff], [NOBODY]: [FAR, 8, 0], [WORKER]: [0, FAR + 1, 0xffff_ffff] });
  expect({ 0: [0, FAR + 1, 0] });
  change(() => {
    expect({ [WORKER]: [100, 8, 1] });
    board.setOtherQueues(words, 1);
  });
  expect({ [WORKER]: [100, 8, 1] });
  expect({ [WORKER]: [0, 8, 1] });
  change(() => {
    board.setOtherQueues(words, 0);
    board.setBoardQueue(words, 0, undefined);
  });
  expect({ [NOBODY]: [100, 8, 1] });
  return { states: 3, interleavings: 1 };
};

/** A lane gets another owner when all of the former one's is taken. */
export const laneChanges: Scenario = (parts) => {
  const { board } = parts;
  const memory = new SimMemory().allocate(BOARD_BYTES);
  begin(parts, memory);
  const reader = new parts.Reader(() => memory, 0, ALL);
  const former = new parts.Writer(memory.i32, 0);
  tell(former, 1);
  const heard = [reader.next()];
  board.giveLane(memory.i32, memory.u8, 0, sourceOf(5));
  const next = new parts.Writer(memory.i32, 0);
  tell(next, 2);
  heard.push(reader.next());
  checkHeard(
    heard.filter((notice) => notice !== undefined),
    { 1: 0, 2: 5 },
  );
  return { states: 2, interleavings: 1 };
};

/** A lane's next owner finds what the former one has left, and leaves it. */
export const laneLeft: Scenario = (parts) => {
  const memory = new SimMemory().allocate(BOARD_BYTES);
  begin(parts, memory, { number: 0x7fff_ffff - 10 });
  const former = new parts.Writer(memory.i32, 0);
  for (let tag = 1; tag <= 20; tag += 1) assert.ok(tell(former, tag));
  const next = new parts.Writer(memory.i32, 0);
  for (let tag = 21; tag <= RING_SLOTS; tag += 1) assert.ok(tell(next, tag));
  assert.equal(new parts.Writer(memory.i32, 0).route(FAR, LENGTH, 0), WORKER);
  const reader = new parts.Reader(() => memory, 0, ALL);
  const heard: Notice[] = [];
  for (let notice = reader.next(); notice !== undefined; notice = reader.next()) heard.push(notice);
  assert.deepEqual(
    tagsOf(heard),
    Array.from({ length: RING_SLOTS }, (_, i) => i + 1),
  );
  return { states: 1, interleavings: 1 };
};
