import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { type DidafsWindow, isDidafsError } from "../../src/index.ts";
import { isCode, pattern } from "./access-contract.ts";

/** Opens a new file, and windows of two origins on it: who notifies may write. */
export interface NotifiedSubject {
  /** Of the origin that notifies. */
  readonly source: string;
  open(size: number): Promise<{
    readonly producer: DidafsWindow;
    readonly consumer: DidafsWindow;
    /** A further window of the consumer, on a part of the file. */
    part(at: number, length: number): Promise<DidafsWindow>;
  }>;
}

const SIZE = 64 << 10;
/** Generous: no test waits for it to pass. */
const LONG = { timeoutMs: 60_000 };
/** For what surely comes to nothing. */
const SHORT = { timeoutMs: 20 };

/** What notified access must do alike, whichever way either side reaches the bytes. */
export function notifiedContract(name: string, subject: () => NotifiedSubject): void {
  describe(`notified contract: ${name}`, () => {
    it("tells who waits, of bytes that are there", async () => {
      const { producer, consumer } = await subject().open(SIZE);
      await using queue = await consumer.notifications();
      for (const length of [0, 1, 8, 9, 4000]) {
        const bytes = pattern(length, length);
        const next = queue.next(LONG);
        await producer.putNotify(100, bytes, length, LONG);
        assert.deepEqual(await next, { source: subject().source, tag: length, at: 100, length });
        assert.deepEqual(await consumer.get(100, new Uint8Array(length)), bytes);
      }
      await Promise.all([producer.close(), consumer.close()]);
    });

    it("keeps what came before anybody asked, in order", async () => {
      const { producer, consumer } = await subject().open(SIZE);
      await using queue = await consumer.notifications({ capacity: 200 });
      for (let tag = 0; tag < 150; tag += 1) await producer.putNotify(8 * (tag % 64), pattern(8, tag), tag);
      const told: number[] = [];
      for await (const { tag } of queue) if (told.push(tag) === 150) break;
      assert.deepEqual(
        told,
        told.map((_, tag) => tag),
      );
      assert.equal(queue.tryNext(), undefined);
      await Promise.all([producer.close(), consumer.close()]);
    });

    it("lets in what its filter asks for, and counts the same", async () => {
      const { producer, consumer } = await subject().open(SIZE);
      const { source } = subject();
      await using tagged = await consumer.notifications({ tag: 7 });
      await using own = await consumer.notifications({ source });
      await using others = await consumer.notifications({ source: "0".repeat(64) });
      await using counter = await consumer.countNotifications({ source, tag: 2 ** 32 - 1 });
      for (const tag of [7, 0, 2 ** 32 - 1, 7, 2 ** 32 - 1, 2 ** 32 - 1])
        await producer.putNotify(0, pattern(4, tag), tag);
      assert.equal(await counter.next(LONG), 3);
      assert.equal(counter.take(), 0);
      const tags = async (queue: typeof own, count: number): Promise<number[]> => {
        const found: number[] = [];
        while (found.length < count) found.push((await queue.next(LONG)).tag);
        return found;
      };
      assert.deepEqual(await tags(tagged, 2), [7, 7]);
      assert.deepEqual(await tags(own, 6), [7, 0, 2 ** 32 - 1, 7, 2 ** 32 - 1, 2 ** 32 - 1]);
      for (const queue of [tagged, own, others])
        await assert.rejects(queue.next(SHORT), isCode("ERR_TIMEOUT"));
      await assert.rejects(counter.next(SHORT), isCode("ERR_TIMEOUT"));
      await Promise.all([producer.close(), consumer.close()]);
    });

    it("tells of long accesses once, where they end, when all of them is there", async () => {
      const size = (3 << 20) + 5000;
      const { producer, consumer, part } = await subject().open(size);
      await using queue = await consumer.notifications();
      const bytes = pattern(size - 1000, 3);
      const next = queue.next(LONG);
      await producer.putNotify(700, bytes, 1, LONG);
      assert.deepEqual(await next, { source: subject().source, tag: 1, at: 700, length: size - 1000 });
      assert.ok(Buffer.from(bytes).equals(await consumer.get(700, new Uint8Array(size - 1000))));
      const end = await part(size - 400, 400);
      await using atEnd = await end.notifications();
      await producer.putNotify(700, bytes, 2, LONG);
      const whole = await atEnd.next(LONG);
      assert.deepEqual([whole.at, whole.length], [0, 100], "as far as it is in the window");
      await assert.rejects(atEnd.next(SHORT), isCode("ERR_TIMEOUT"));
      await Promise.all([producer.close(), consumer.close(), end.close()]);
    });

    it("tells that bytes have been read, and are free", async () => {
      const { producer, consumer } = await subject().open(SIZE + (1 << 20));
      await using queue = await consumer.notifications();
      for (const length of [0, 5, 8, 300, 1 << 20]) {
        const bytes = pattern(length, length + 1);
        await consumer.put(10, bytes);
        assert.deepEqual(await producer.getNotify(10, new Uint8Array(length), length, LONG), bytes);
        assert.deepEqual(await queue.next(LONG), { source: subject().source, tag: length, at: 10, length });
      }
      await Promise.all([producer.close(), consumer.close()]);
    });

    it("tells of what is put behind the call that opens a queue, also before that is answered", async () => {
      const { producer, consumer } = await subject().open(SIZE);
      for (const open of [() => producer.notifications(), () => producer.notifications({ capacity: 7 })]) {
        const opening = open();
        const sent = [1, 2, 3].map((tag) => producer.putNotify(0, Uint8Array.of(tag), tag, LONG));
        await using queue = await opening;
        for (const tag of [1, 2, 3]) assert.equal((await queue.next(LONG)).tag, tag);
        await Promise.all(sent);
      }
      await Promise.all([producer.close(), consumer.close()]);
    });

    it("slows down who notifies a reader that is slow, and nobody else", async () => {
      const { producer, consumer } = await subject().open(SIZE);
      await using slow = await consumer.notifications({ tag: 1, capacity: 3 });
      await using other = await consumer.notifications({ tag: 2, capacity: 3 });
      let answered = 0;
      const sent = Array.from({ length: 20 }, async (_, i) => {
        await producer.putNotify(0, Uint32Array.of(i), 1, LONG);
        answered += 1;
      });
      for (let i = 0; i < 10; i += 1) {
        await producer.putNotify(8, Uint32Array.of(i), 2, LONG);
        assert.equal((await other.next(LONG)).tag, 2);
      }
      // Three at home, and as many on the board of a region that both have mapped.
      assert.ok(answered <= 6, `${answered} were answered, of which there is room for six at most`);
      const short = producer.putNotify(0, Uint32Array.of(20), 1, SHORT);
      await assert.rejects(short, isCode("ERR_TIMEOUT"));
      for (let i = 0; i < 21; i += 1) assert.equal((await slow.next(LONG)).at, 0);
      await Promise.all(sent);
      await Promise.all([producer.close(), consumer.close()]);
    });

    it("serves several who wait in their order, and loses nothing that somebody gave up waiting for", async () => {
      const { producer, consumer } = await subject().open(SIZE);
      await using queue = await consumer.notifications();
      await assert.rejects(queue.next(SHORT), isCode("ERR_TIMEOUT"));
      const gone = new AbortController();
      const aborted = assert.rejects(queue.next({ ...LONG, signal: gone.signal }), isCode("ERR_ABORTED"));
      const waiting = [queue.next(LONG), queue.next(LONG)];
      gone.abort();
      await aborted;
      for (const tag of [1, 2, 3]) await producer.putNotify(0, Uint8Array.of(tag), tag);
      const told = [...(await Promise.all(waiting)), await queue.next(LONG)];
      assert.deepEqual(
        told.map(({ tag }) => tag),
        [1, 2, 3],
      );
      await Promise.all([producer.close(), consumer.close()]);
    });

    it("says that a part may be there where the one that notifies was not let in", async () => {
      const size = (1 << 20) + 4096;
      const { producer, consumer } = await subject().open(size);
      await using full = await consumer.notifications({ capacity: 1 });
      // As many as may be under way at once, and more, at the home of the last byte.
      const sent = Array.from({ length: 40 }, () => producer.putNotify(size - 4, Uint32Array.of(1), 1, LONG));
      const bytes = pattern(size, 5);
      const gone = new AbortController();
      const cut = producer.putNotify(0, bytes, 2, { ...LONG, signal: gone.signal });
      const failed = assert.rejects(cut, { code: "ERR_ABORTED", applied: "unknown" });
      const isThere = async (at: number): Promise<boolean> =>
        (await consumer.get(at, new Uint8Array(1)))[0] === bytes[at];
      while (!((await isThere(0)) && (await isThere((1 << 20) - 1)))) await setTimeout(1);
      gone.abort();
      await failed;
      await full.close();
      await Promise.all(sent);
      await Promise.all([producer.close(), consumer.close()]);
    });

    it("keeps the order of issue with other accesses, and flushes and closing cover it", async () => {
      const { producer, consumer } = await subject().open(SIZE + (3 << 20));
      const first = producer.putNotify(0, Uint8Array.of(1), 1, LONG);
      producer.putSync(0, Uint8Array.of(2));
      await first;
      assert.deepEqual(await consumer.get(0, new Uint8Array(1)), Uint8Array.of(2));
      // More than may be under way at a time, and one that is cut.
      const many = Array.from({ length: 100 }, (_, i) =>
        producer.putNotify(i, Uint8Array.of(i + 1), i, LONG),
      );
      const cut = producer.putNotify(SIZE, new Uint8Array(3 << 20).fill(7), 1, LONG);
      await producer.flush("memory", LONG);
      const found = await consumer.get(0, new Uint8Array(100));
      assert.deepEqual(
        found,
        Uint8Array.from({ length: 100 }, (_, i) => i + 1),
      );
      const last = await consumer.get(SIZE + (3 << 20) - 1, new Uint8Array(1));
      assert.deepEqual(last, Uint8Array.of(7), "the last part of what is cut, too");
      await Promise.all([...many, cut]);
      const late = producer.putNotify(SIZE, new Uint8Array(3 << 20).fill(8), 1, LONG);
      await producer.close();
      await late;
      assert.ok((await consumer.get(SIZE, new Uint8Array(3 << 20))).every((byte) => byte === 8));
      await consumer.close();
    });

    it("reads and writes at once while a notification waits for room", async () => {
      const { producer, consumer } = await subject().open(SIZE);
      await using queue = await consumer.notifications({ capacity: 1 });
      await producer.putNotify(0, Uint8Array.of(1), 1);
      const waiting = producer.putNotify(0, Uint8Array.of(2), 2, LONG);
      await producer.put(8, Uint8Array.of(5));
      assert.deepEqual(producer.getSync(0, new Uint8Array(9)), Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 5));
      producer.putSync(0, Uint8Array.of(3));
      assert.equal(producer.loadSync(0), 3);
      assert.deepEqual([(await queue.next(LONG)).tag, (await queue.next(LONG)).tag], [1, 2]);
      await waiting;
      await Promise.all([producer.close(), consumer.close()]);
    });

    it("hears a signal that was given before", async () => {
      const { producer, consumer } = await subject().open(SIZE);
      await using queue = await consumer.notifications({ capacity: 1 });
      const call = { ...LONG, signal: AbortSignal.abort() };
      await assert.rejects(queue.next(call), isCode("ERR_ABORTED"));
      const waiting = Array.from({ length: 33 }, (_, i) => producer.putNotify(0, Uint8Array.of(1), i, LONG));
      await assert.rejects(
        producer.putNotify(0, Uint8Array.of(9), 1, call),
        (error: unknown) => isDidafsError(error, "ERR_ABORTED") && error.applied === "no",
      );
      for (let i = 0; i < 33; i += 1) assert.equal((await queue.next(LONG)).tag, i);
      await Promise.all(waiting);
      await Promise.all([producer.close(), consumer.close()]);
    });

    it("ends with its window, and says so to who waits", async () => {
      const { producer, consumer, part } = await subject().open(SIZE);
      const other = await part(0, SIZE);
      const queue = await other.notifications({ capacity: 1 });
      const closed = await consumer.notifications({ capacity: 1 });
      const waiting = assert.rejects(queue.next(LONG), isCode("ERR_CLOSED"));
      await other.close();
      await waiting;
      await closed.close();
      await closed.close();
      await assert.rejects(closed.next(), isCode("ERR_CLOSED"));
      assert.throws(() => closed.tryNext(), isCode("ERR_CLOSED"));
      const counter = await consumer.countNotifications();
      await counter.close();
      assert.throws(() => counter.take(), isCode("ERR_CLOSED"));
      for await (const _ of closed) assert.fail("nothing comes of a queue that is closed");
      // Nobody's queue is full any more.
      for (let i = 0; i < 5; i += 1) await producer.putNotify(0, Uint8Array.of(i), i);
      await Promise.all([producer.close(), consumer.close()]);
    });

    it("refuses what it cannot do, before anything is done", async () => {
      const { producer, consumer } = await subject().open(SIZE);
      for (const tag of [-1, 0.5, 2 ** 32, Number.NaN]) {
        await assert.rejects(producer.putNotify(0, Uint8Array.of(1), tag), isCode("ERR_INVALID_ARGUMENT"));
        await assert.rejects(consumer.notifications({ tag }), isCode("ERR_INVALID_ARGUMENT"));
      }
      await assert.rejects(producer.putNotify(SIZE, Uint8Array.of(1), 1), isCode("ERR_RANGE"));
      await assert.rejects(producer.getNotify(SIZE, new Uint8Array(1), 1), isCode("ERR_RANGE"));
      for (const capacity of [0, 1.5, 16_385])
        await assert.rejects(consumer.notifications({ capacity }), isCode("ERR_INVALID_ARGUMENT"));
      await assert.rejects(consumer.notifications({ source: "me" }), isCode("ERR_INVALID_ARGUMENT"));
      assert.deepEqual(await consumer.get(0, new Uint8Array(1)), Uint8Array.of(0));
      await Promise.all([producer.close(), consumer.close()]);
    });
  });
}
