/** Queues that are read from boards, with homes that answer when the test says so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { WindowQueue } from "../../src/client/notification-queue.ts";
import type { QueueHome } from "../../src/client/queue-answers.ts";
import { Stripes } from "../../src/client/stripes.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import {
  BOARD_BYTES,
  changeQueues,
  countTold,
  giveLane,
  RING_SLOTS,
  setBoardQueue,
} from "../../src/structs/notice-board.ts";
import { NoticeReader } from "../../src/transport/notice-reader.ts";
import { NoticeWriter } from "../../src/transport/notice-writer.ts";
import type { Landing } from "../../src/transport/pump.ts";

const RANGE = { at: 0, end: 1e6, tag: undefined };
const NOTHING = { count: 0, notices: new Uint8Array(0) };

/** A board with one queue, and who tells it. */
class Board {
  readonly memory = new SimMemory().allocate(BOARD_BYTES);
  readonly reader: NoticeReader;
  readonly #writer: NoticeWriter;

  constructor() {
    const { i32, u8 } = this.memory;
    giveLane(i32, u8, 0, new Uint8Array(32).fill(7));
    changeQueues(i32, () => setBoardQueue(i32, 0, { ...RANGE, room: RING_SLOTS }));
    this.reader = new NoticeReader(() => this.memory, 0, RANGE);
    this.#writer = new NoticeWriter(i32, 0);
  }

  tell(tag: number): void {
    assert.equal(this.#writer.route(0, 8, tag), 0);
    assert.equal(this.#writer.tell(0, 0, 8, 0, tag), true);
  }
}

/** A home that is asked, and answers when it is told to. */
class Home {
  asked = 0;
  readonly #waiting: ((answer: typeof NOTHING) => void)[] = [];
  readonly home: QueueHome;

  constructor(index: number, reader: NoticeReader | undefined) {
    const link = {
      pump: {
        land: (landing: Landing) =>
          new Promise<void>((resolve) => {
            if (landing.settled) resolve();
            else landing.onSettled = resolve;
          }),
        turn: () => new Promise<void>((resolve) => setImmediate(resolve)),
      },
      clock: { nowMs: () => performance.now() },
      session: { target: "target" },
    };
    const next = (): Promise<typeof NOTHING> => {
      this.asked += 1;
      return new Promise((resolve) => this.#waiting.push(resolve));
    };
    const access = { link, notified: { next, checkOpen: () => {} } };
    this.home = { index, number: index + 1, reader, access } as unknown as QueueHome;
  }

  /** With nothing: whoever waits is to look himself. */
  answer(): void {
    this.#waiting.shift()?.(NOTHING);
  }
}

function queueOf(homes: readonly Home[]): WindowQueue {
  const stripes = new Stripes(0, 1 << 20, 4096, homes.length);
  const all = homes.map(({ home }) => home);
  return new WindowQueue({ path: "/f", homes: all, stripes, timeoutMs: 60_000, release: async () => {} });
}

for (const [what, second] of [
  ["that is not on a board", () => new Home(1, undefined)],
  [
    "whose worker has told of more",
    () => {
      const other = new Board();
      countTold(other.memory.i32, 0);
      return new Home(1, other.reader);
    },
  ],
] as const) {
  for (const way of ["next", "tryNext"] as const) {
    test(`${way}: a home ${what} is asked though the board of another one is never empty`, async () => {
      const board = new Board();
      const other = second();
      const queue = queueOf([new Home(0, board.reader), other]);
      for (let i = 0; i < 1000; i += 1) {
        board.tell(i);
        assert.equal((await queue[way]())?.tag, i);
      }
      assert.equal(other.asked, 1);
    });
  }
}

test("who comes while somebody waits is behind him", async () => {
  const board = new Board();
  const home = new Home(0, board.reader);
  const queue = queueOf([home]);
  const told: string[] = [];
  const call = (name: string): Promise<void> =>
    queue.next().then(({ tag }) => void told.push(`${name} is told of ${tag}`));
  const calls = [call("first")];
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(home.asked, 1);
  for (const tag of [1, 2]) board.tell(tag);
  calls.push(call("second"));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(told, []);
  home.answer();
  await Promise.all(calls);
  assert.deepEqual(told, ["first is told of 1", "second is told of 2"]);
});

test("who comes while another one has the event loop turn first is behind him", async () => {
  for (let before = 60; before < 68; before += 1) {
    const board = new Board();
    const home = new Home(0, board.reader);
    const queue = queueOf([home]);
    for (let i = 0; i < before; i += 1) {
      board.tell(i);
      assert.equal((await queue.next()).tag, i);
    }
    const told: string[] = [];
    for (const tag of [1, 2]) board.tell(tag);
    const calls = ["first", "second"].map((name) =>
      queue.next().then(({ tag }) => void told.push(`${name} ${tag}`)),
    );
    await calls[0];
    // As the worker does where something lies in a ring.
    home.answer();
    await calls[1];
    assert.deepEqual(told, ["first 1", "second 2"]);
  }
});

test("what somebody else has written into the worker's count holds nothing up once the worker has answered", async () => {
  const board = new Board();
  const home = new Home(0, board.reader);
  const queue = queueOf([home]);
  for (let i = 0; i < 5; i += 1) countTold(board.memory.i32, 0);
  board.tell(7);
  const next = queue.next();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(home.asked, 1);
  home.answer();
  assert.equal((await next).tag, 7);
});

test("the event loop turns while there is always something to take", async () => {
  const board = new Board();
  const queue = queueOf([new Home(0, board.reader)]);
  let turned = false;
  setImmediate(() => {
    turned = true;
  });
  for (let i = 0; i < 1000 && !turned; i += 1) {
    board.tell(i);
    await queue.next();
  }
  assert.ok(turned);
});
