/** Reading ahead and writing behind, on a window that counts. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Bytes, DidafsWindow } from "../../src/client/api.ts";
import { fileReadable } from "../../src/client/file-readable.ts";
import { WriteBehind } from "../../src/client/write-behind.ts";

/** Bytes in memory, behind gets and puts that last until they are let go, and counted while they do. */
class CountedWindow {
  readonly bytes: Uint8Array;
  readonly locality: string;
  inFlight = 0;
  inFlightMax = 0;
  started = 0;
  closed = 0;
  #held: Promise<void> | undefined;
  #letGo = (): void => {};

  constructor(byteLength: number, locality = "tcp") {
    this.bytes = Uint8Array.from({ length: byteLength }, (_, at) => at * 31 + (at >>> 8));
    this.locality = locality;
  }

  hold(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    this.#letGo = resolve;
  }

  letGo(): void {
    this.#held = undefined;
    this.#letGo();
  }

  async get<B extends Bytes>(at: number, into: B): Promise<B> {
    await this.#access();
    (into as unknown as Uint8Array).set(this.bytes.subarray(at, at + into.byteLength));
    return into;
  }

  async put(at: number, from: Bytes): Promise<void> {
    await this.#access();
    this.bytes.set(from as Uint8Array, at);
  }

  async close(): Promise<void> {
    this.closed += 1;
  }

  async #access(): Promise<void> {
    this.started += 1;
    this.inFlight += 1;
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight);
    await (this.#held ?? Promise.resolve());
    this.inFlight -= 1;
  }
}

const PACE = { chunkBytes: 10, depth: 3 };

function readableOf(window: CountedWindow, at = 0, end = window.bytes.byteLength) {
  const open = async (): Promise<DidafsWindow> => window as unknown as DidafsWindow;
  return fileReadable({ open, at, end, turn, timeoutMs: undefined, signal: undefined }, PACE);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Everything that could go on by itself has gone on. */
const quiet = (): Promise<void> => turn().then(turn).then(turn);

describe("a readable", () => {
  it("gives the same bytes to readers of any kind and buffer, from mapped windows and others", async () => {
    const buffers = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
    const property = fc.asyncProperty(
      fc.constantFrom("direct", "tcp"),
      fc.nat(120),
      fc.nat(120),
      fc.option(buffers),
      async (locality, a, b, sizes) => {
        const [at, end] = [Math.min(a, b), Math.max(a, b)];
        const window = new CountedWindow(120, locality);
        const seen = await readAll(readableOf(window, at, end), sizes ?? undefined);
        assert.deepEqual(seen, window.bytes.slice(at, end));
        assert.deepEqual([window.inFlight, window.closed], [0, at === end ? 0 : 1]);
        assert.ok(window.inFlightMax <= PACE.depth);
      },
    );
    await fc.assert(property);
  });

  it("has nothing in flight before it is read, and no more than its depth while its reader pauses", async () => {
    const window = new CountedWindow(1000);
    const stream = readableOf(window);
    await quiet();
    assert.equal(window.started, 0);
    const reader = stream.getReader();
    for (let taken = 1; taken <= 20; taken += 1) {
      await reader.read();
      await quiet();
      assert.ok(window.started <= taken + PACE.depth - 1, `${window.started} begun, ${taken} taken`);
    }
    assert.equal(window.inFlightMax, PACE.depth, "and it does read ahead");
    await reader.cancel();
    assert.equal(window.closed, 1);
  });

  it("that is cancelled while it waits lets go of the window when nothing is in flight", async () => {
    const window = new CountedWindow(1000);
    window.hold();
    const reader = readableOf(window).getReader();
    const read = reader.read();
    await quiet();
    assert.equal(window.inFlight, PACE.depth);
    const cancelled = reader.cancel();
    await quiet();
    assert.equal(window.closed, 0);
    window.letGo();
    await cancelled;
    assert.deepEqual([window.closed, (await read).done], [1, true]);
  });
});

async function readAll(stream: ReadableStream<Uint8Array>, sizes: number[] | undefined): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  if (sizes === undefined) for await (const part of stream) parts.push(part.slice());
  else {
    const reader = stream.getReader({ mode: "byob" });
    for (let turn = 0; ; turn += 1) {
      const { value, done } = await reader.read(new Uint8Array(sizes[turn % sizes.length] as number));
      if (done) break;
      parts.push(value);
    }
  }
  return new Uint8Array(Buffer.concat(parts));
}

describe("writing behind", () => {
  const none = (): never => assert.fail("nothing fails here");

  it("puts the same bytes however they are cut, and whatever becomes of the writer's buffer", async () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 12 });
    const property = fc.asyncProperty(chunks, fc.nat(20), async (parts, at) => {
      const window = new CountedWindow(1000);
      const expected = window.bytes.slice();
      const whole = Buffer.concat(parts);
      expected.set(whole, at);
      const ends: number[] = [];
      const reach = async (end: number): Promise<CountedWindow> => {
        ends.push(end);
        return window;
      };
      const behind = new WriteBehind(reach, at, {}, none, PACE);
      for (const part of parts) {
        const reused = part.slice();
        await behind.write(reused);
        reused.fill(255);
      }
      await behind.finish();
      assert.deepEqual(window.bytes, expected);
      assert.equal(window.started, Math.ceil(whole.byteLength / PACE.chunkBytes), "chunks are full");
      assert.equal(ends.at(-1) ?? at, at + whole.byteLength);
      assert.ok(window.inFlightMax <= PACE.depth);
    });
    await fc.assert(property);
  });

  it("keeps its writer waiting once its depth is in flight", async () => {
    const window = new CountedWindow(1000);
    window.hold();
    const behind = new WriteBehind(async () => window, 0, {}, none, PACE);
    let written = 0;
    const writing = (async () => {
      for (; written < 10; written += 1) await behind.write(new Uint8Array(10));
      await behind.finish();
    })();
    await quiet();
    assert.deepEqual([written, window.inFlight], [PACE.depth, PACE.depth]);
    window.letGo();
    await writing;
    assert.deepEqual([written, window.started, window.inFlightMax], [10, 10, PACE.depth]);
  });

  it("fails with the first put that fails, and tells it at once", async () => {
    const told: unknown[] = [];
    const failing = { put: () => Promise.reject(new Error("broken")) };
    const behind = new WriteBehind(
      async () => failing,
      0,
      {},
      (error) => told.push(error),
      PACE,
    );
    await behind.write(new Uint8Array(10));
    await quiet();
    assert.match(String(told[0]), /broken/);
    await assert.rejects(behind.finish(), /broken/);
  });
});
