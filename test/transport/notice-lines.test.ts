/** Which cache lines a notification on a board costs, and what is allocated for it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import {
  BOARD_BYTES,
  BOARD_LANES,
  changeQueues,
  giveLane,
  RING_SLOTS,
  setBoardQueue,
} from "../../src/structs/notice-board.ts";
import { NoticeReader } from "../../src/transport/notice-reader.ts";
import { NoticeWriter } from "../../src/transport/notice-writer.ts";
import { type AccessKind, WatchedWords } from "./watched-words.ts";

const LINE_WORDS = 16;
const LINE_BYTES = 64;
const QUEUE = 2;
const RANGE = { at: 0, end: 2 ** 40, tag: undefined };
const NOTIFICATIONS = 4 * RING_SLOTS;

const CLOCK_LINE = 0;
const TOLD_LINE = 64;
const laneLine = (lane: number): number => 1024 + lane * LINE_BYTES;
const takenLine = (lane: number): number => 4096 + (QUEUE * BOARD_LANES + lane) * LINE_BYTES;
const slotLine = (lane: number, number: number): number =>
  12_288 + ((QUEUE * BOARD_LANES + lane) * RING_SLOTS + (number % RING_SLOTS)) * LINE_BYTES;

/** Of one side, for one notification: lines by the byte where they begin. */
class Lines {
  readonly loaded = new Set<number>();
  readonly stored = new Set<number>();

  add(kind: AccessKind, at: number): void {
    const line = Math.floor(at / LINE_WORDS) * LINE_BYTES;
    if (kind !== "store" && kind !== "plain store") this.loaded.add(line);
    if (kind !== "load" && kind !== "plain load") this.stored.add(line);
  }

  get touched(): Set<number> {
    return this.loaded.union(this.stored);
  }
}

/** Both sides poll, and the ring has room: what each notification touches. */
function touchedBy(lane: number): { producer: Lines; consumer: Lines }[] {
  const words = new WatchedWords(BOARD_BYTES);
  const { i32, u8 } = words.memory;
  giveLane(i32, u8, lane, new Uint8Array(32).fill(1));
  changeQueues(i32, () => setBoardQueue(i32, QUEUE, { ...RANGE, room: RING_SLOTS }));
  const during = (body: () => void): Lines => {
    const lines = new Lines();
    words.onAccess = (kind, at, perform) => {
      lines.add(kind, at);
      return perform();
    };
    body();
    return lines;
  };
  return words.watch(() => {
    const writer = new NoticeWriter(words.watched.i32, lane);
    const reader = new NoticeReader(() => words.watched, QUEUE, RANGE);
    return Array.from({ length: NOTIFICATIONS + 1 }, (_, number) => {
      const producer = during(() => {
        const route = writer.route(number * 8, 8, number);
        assert.equal(route, QUEUE);
        assert.equal(writer.tell(route, number * 8, 8, 0, number), true);
        assert.equal(writer.isAsleep(route), false);
      });
      const consumer = during(() => assert.equal(reader.next()?.tag, number));
      return { producer, consumer };
    });
  });
}

const sorted = (lines: Set<number>): number[] => [...lines].sort((a, b) => a - b);

describe("a notification that both sides poll for", () => {
  for (const lane of [0, 7, BOARD_LANES - 1]) {
    it(`moves two lines, in lane ${lane}`, (context) => {
      // The first one finds out which queues there are.
      const [, ...notifications] = touchedBy(lane);
      let looks = 0;
      for (const [i, { producer, consumer }] of notifications.entries()) {
        const slot = slotLine(lane, i + 1);
        assert.deepEqual(sorted(producer.stored), [CLOCK_LINE, slot]);
        assert.deepEqual(sorted(consumer.stored), [takenLine(lane)]);
        const written = producer.stored.union(consumer.stored);
        const { touched } = producer;
        if (touched.delete(takenLine(lane))) looks += 1;
        assert.deepEqual(sorted(touched), [CLOCK_LINE, slot], "nothing else but, at times, what was taken");
        assert.deepEqual(sorted(touched.intersection(written)), [CLOCK_LINE, slot]);
        // Of what is written for each notification the consumer reads the slot alone; `taken` is its own.
        const read = consumer.loaded;
        assert.deepEqual(sorted(read.intersection(producer.stored)), [slot]);
        // The rest nobody writes while this goes on, so each side keeps it: the slots that other lanes fill next, whose lane
        // it is, and what the worker has told.
        const shared = sorted(read.difference(new Set([slot])));
        const others = Array.from({ length: lane }, (_, other) => slotLine(other, 0));
        const kept = [TOLD_LINE, laneLine(lane), ...others];
        assert.deepEqual(
          shared,
          kept.sort((a, b) => a - b),
        );
        assert.equal(read.has(CLOCK_LINE), false, "what all producers write");
      }
      assert.equal(
        looks,
        NOTIFICATIONS / RING_SLOTS,
        "a look at what was taken in as many as there are slots",
      );
      const last = notifications.at(-2) as (typeof notifications)[number];
      for (const [side, lines] of Object.entries(last)) {
        context.diagnostic(`${side} stores to lines at ${sorted(lines.stored).join(", ")}`);
        context.diagnostic(`${side} loads from lines at ${sorted(lines.loaded).join(", ")}`);
      }
    });
  }
});

const MILLION = 1_000_000;
/** Of noise: what the measuring itself allocates, over more than a hundred thousand notifications. */
const NOTHING = 0.5;
/** Bytes, by load. */
const MOST: Readonly<Record<string, number>> = {
  "who tells": NOTHING,
  // An offset of more than 31 bits is boxed where it is handed over: at up to four calls, by what the engine has put in line.
  "who tells of what is far away": 64.5,
  "who tells of nobody's": NOTHING,
  "who is refused": NOTHING,
  "who looks, and finds nothing": NOTHING,
};

interface Measured {
  readonly name: string;
  readonly notifications: number;
  readonly bytes: number;
}

async function measured(): Promise<Measured[]> {
  const child = new URL("notice-hot-path-child.ts", import.meta.url).pathname;
  const flags = ["--max-semi-space-size=512", "--min-semi-space-size=512"];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, child, `${MILLION}`], {
    timeout: 100_000,
  });
  return JSON.parse(stdout);
}

it("a million notifications allocate nothing but what the reader hands out", async (context) => {
  const runs = [await measured(), await measured(), await measured()];
  const [first = []] = runs;
  assert.ok(first.reduce((sum, { notifications }) => sum + notifications, 0) >= MILLION);
  const bytesOf = (name: string): number => {
    const same = runs.flat().filter((result) => result.name === name);
    // When the engine compiles differs, and what it needs for that lies on the heap, too.
    return Math.min(...same.map(({ bytes, notifications }) => bytes / notifications));
  };
  for (const { name } of first) context.diagnostic(`${name}: ${bytesOf(name).toFixed(2)} bytes`);
  const object = bytesOf("an object like a notice");
  assert.ok(object > 50, "what is allocated is seen");
  for (const [name, most] of Object.entries(MOST)) assert.ok(bytesOf(name) <= most, name);
  assert.ok(bytesOf("who tells, and who is told") <= object + NOTHING, "a notice, and nothing else");
});
