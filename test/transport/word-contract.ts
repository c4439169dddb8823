import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { DidafsFile, DidafsWindow } from "../../src/index.ts";
import { LOOK_AGAIN_MS } from "../../src/structs/region-waits.ts";
import { isCode } from "./access-contract.ts";
import { writesOf } from "./word-writes.ts";

/** Opens a new file, and a window on it by which words are waited for and one by which they are written. */
export interface WordSubject {
  open(size: number): Promise<{
    readonly file: DidafsFile;
    readonly waiter: DidafsWindow;
    readonly writer: DidafsWindow;
    /** A further window of the one who waits. */
    again(rights: "r" | "rw"): Promise<DidafsWindow>;
    revoke(): Promise<void>;
  }>;
}

const SIZE = 64 << 10;
/** Who waits looks by himself after half a minute at the soonest: whoever is woken by then was woken. */
const woken = (): { timeoutMs: number; signal: AbortSignal } => ({
  timeoutMs: 60_000,
  signal: AbortSignal.timeout(15_000),
});

/** What the window's origin has asked for before has arrived at all targets. */
async function settle(window: DidafsWindow): Promise<void> {
  await (await window.lock({ at: 0, length: 3 * 4096, mode: "shared" })).release();
}

/** What waits for words must do alike, whichever way who waits and who writes reach the bytes. */
export function wordContract(name: string, subject: () => WordSubject): void {
  describe(`word contract: ${name}`, () => {
    it("is woken by every kind of write", async () => {
      const { waiter, writer } = await subject().open(SIZE);
      // At the beginning of the file, and in another region where there are several.
      for (const start of [0, 4096]) {
        const writes = writesOf(writer).map((one, i) => {
          const at = start + 128 * i;
          const waiting = waiter.waitUntil(at, (seen) => seen === 1, "i64", woken());
          waiting.catch(() => {});
          return { ...one, at, waiting };
        });
        await settle(waiter);
        // By then the target looks only at what it is told of.
        await pause(5 * LOOK_AGAIN_MS);
        for (const { what, at, write, waiting } of writes) {
          await write(at, 1);
          assert.equal(await waiting.catch((error) => assert.fail(`${what}: ${error}`)), 1, what);
        }
      }
      await Promise.all([waiter.close(), writer.close()]);
    });

    it("resolves where it is so already, with numbers and bigints of every kind", async () => {
      const { waiter, writer } = await subject().open(SIZE);
      await writer.store(8, -5);
      await writer.store(16, 2n ** 63n, "u64");
      await writer.store(24, 2 ** 31, "u32");
      await writer.store(32, Number.NaN, "f64");
      assert.equal(await waiter.waitUntil(8, (value) => value < 0), -5);
      assert.equal(await waiter.waitUntil(8, (value) => value < 0n, "i64", { bigint: true }), -5n);
      assert.equal(await waiter.waitUntil(16, (value) => value > 5n, "u64", { bigint: true }), 2n ** 63n);
      await assert.rejects(
        waiter.waitUntil(16, () => true, "u64"),
        isCode("ERR_UNSAFE_INTEGER"),
      );
      assert.equal(await waiter.waitUntil(24, (value) => value > 1, "u32"), 2 ** 31);
      assert.ok(Number.isNaN(await waiter.waitUntil(32, Number.isNaN, "f64")));
      const half = waiter.waitUntil(32, (value) => value === 0.5, "f64", woken());
      const third = waiter.waitUntil(24, (value) => value === 3, "u32", woken());
      await settle(waiter);
      await writer.store(32, 0.25, "f64");
      await writer.store(32, 0.5, "f64");
      await writer.store(24, 3, "u32");
      assert.deepEqual(await Promise.all([half, third]), [0.5, 3]);
      await Promise.all([waiter.close(), writer.close()]);
    });

    it("wakes all who wait for it, and asks again until it is what is wanted", async () => {
      const { waiter, writer } = await subject().open(SIZE);
      const shown: number[] = [];
      const same = [1, 2, 3].map((wanted) =>
        waiter.waitUntil(
          0,
          (value) => {
            if (wanted === 3) shown.push(value);
            return value >= wanted;
          },
          "i64",
          woken(),
        ),
      );
      const others = Array.from({ length: 20 }, (_, i) =>
        waiter.waitUntil(4096 + 8 * i, (value) => value > i, "i64", woken()),
      );
      await settle(waiter);
      for (let i = 0; i < 20; i += 1) await writer.store(4096 + 8 * i, i + 1);
      assert.deepEqual(
        await Promise.all(others),
        others.map((_, i) => i + 1),
      );
      for (let value = 1; value <= 3; value += 1) await writer.fetchAdd(0, 1);
      for (const value of await Promise.all(same)) assert.ok(value >= 1 && value <= 3);
      assert.deepEqual(
        [...shown],
        [...shown].sort((a, b) => a - b),
      );
      await Promise.all([waiter.close(), writer.close()]);
    });

    it("gives up in time, or when it is told to, and leaves nothing behind", async () => {
      const { waiter, writer } = await subject().open(SIZE);
      await assert.rejects(waiter.waitUntil(8, Boolean, "i64", { timeoutMs: 30 }), (error: Error) => {
        assert.match(error.message, /the word at 8 was not what is waited for within 30 ms/);
        return isCode("ERR_TIMEOUT")(error);
      });
      // More than may be under way at a time, were those before not taken back.
      for (let round = 0; round < 5; round += 1) {
        const controller = new AbortController();
        const { signal } = controller;
        const waits = Array.from({ length: 40 }, () => waiter.waitUntil(8, Boolean, "i64", { signal }));
        const ended = Promise.allSettled(waits);
        await settle(waiter);
        controller.abort();
        for (const outcome of await ended) {
          assert.equal(outcome.status, "rejected");
          assert.ok(isCode("ERR_ABORTED")((outcome as PromiseRejectedResult).reason));
        }
        await settle(waiter);
      }
      await assert.rejects(
        waiter.waitUntil(8, Boolean, "i64", { signal: AbortSignal.abort() }),
        isCode("ERR_ABORTED"),
      );
      // Who is taken back with somebody else asks again.
      const controller = new AbortController();
      const kept = waiter.waitUntil(8, Boolean, "i64", woken());
      const dropped = waiter.waitUntil(8, Boolean, "i64", { signal: controller.signal });
      await settle(waiter);
      controller.abort();
      await assert.rejects(dropped, isCode("ERR_ABORTED"));
      await settle(waiter);
      await writer.store(8, 1);
      assert.equal(await kept, 1);
      await Promise.all([waiter.close(), writer.close()]);
    });

    it("passes on what the function throws, and refuses what no word is", async () => {
      const { waiter, writer, again } = await subject().open(SIZE);
      const fault = new Error("of the caller");
      await assert.rejects(
        waiter.waitUntil(0, () => {
          throw fault;
        }),
        (error) => error === fault,
      );
      await assert.rejects(waiter.waitUntil(4, Boolean), isCode("ERR_ALIGNMENT"));
      await assert.rejects(waiter.waitUntil(SIZE, Boolean), isCode("ERR_RANGE"));
      await assert.rejects(
        waiter.waitUntil(0, 5 as unknown as () => boolean),
        isCode("ERR_INVALID_ARGUMENT"),
      );
      const float = { word: "f64" as "i64", options: { bigint: true } } as const;
      await assert.rejects(
        waiter.waitUntil(0, () => true, float.word, float.options),
        isCode("ERR_INVALID_ARGUMENT"),
      );
      const reader = await again("r");
      const waiting = reader.waitUntil(0, Boolean, "i64", woken());
      await settle(reader);
      await writer.store(0, 1);
      assert.equal(await waiting, 1, "to wait takes the right to read");
      await Promise.all([reader.close(), waiter.close(), writer.close()]);
    });

    it("refuses more waits than there may be, and takes others once some have ended", async () => {
      const { waiter, writer } = await subject().open(SIZE);
      const waits = Array.from({ length: 64 }, (_, i) => waiter.waitUntil(8 * i, Boolean, "i64", woken()));
      await settle(waiter);
      await assert.rejects(waiter.waitUntil(8, Boolean), (error) => isCode("ERR_TOO_MANY")(error));
      await writer.put(0, new BigInt64Array(64).fill(1n));
      await Promise.all(waits);
      const next = waiter.waitUntil(8, (value) => value === 2, "i64", woken());
      await settle(waiter);
      await writer.store(8, 2);
      assert.equal(await next, 2);
      await Promise.all([waiter.close(), writer.close()]);
    });

    it("ends with its window, with the bytes, and with the right to them", async () => {
      const { file, waiter, writer, again, revoke } = await subject().open(SIZE);
      const third = await again("r");
      const closed = third.waitUntil(0, Boolean, "i64", woken());
      const cut = waiter.waitUntil(SIZE - 8, Boolean, "i64", woken());
      const revoked = waiter.waitUntil(0, Boolean, "i64", woken());
      for (const waiting of [closed, cut, revoked]) waiting.catch(() => {});
      await settle(waiter);
      await third.close();
      await assert.rejects(closed, isCode("ERR_CLOSED"));
      await assert.rejects(third.waitUntil(0, Boolean), isCode("ERR_CLOSED"));
      await file.resize(SIZE - 8);
      await assert.rejects(cut, isCode("ERR_RANGE"));
      await revoke();
      await assert.rejects(revoked, isCode("ERR_REVOKED"));
      await Promise.all([waiter.close(), writer.close()]);
    });
  });
}
