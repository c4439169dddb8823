import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DidafsWindow, Lock, Range } from "../../src/index.ts";
import { isCode } from "./access-contract.ts";

/** Opens a new file, and windows of two origins on it that may write. */
export interface LockSubject {
  open(size: number): Promise<{
    readonly one: DidafsWindow;
    readonly other: DidafsWindow;
    /** A further window of the first origin. */
    again(rights: "r" | "rw"): Promise<DidafsWindow>;
  }>;
}

const SIZE = 64 << 10;

const exclusive = (at: number, length: number): Range => ({ at, length, mode: "exclusive" });
const shared = (at: number, length: number): Range => ({ at, length, mode: "shared" });

/** Generous: no test waits for it to pass. */
const LONG = { timeoutMs: 60_000 };

/** What locks must do alike, whichever way their holders reach the bytes. */
export function lockContract(name: string, subject: () => LockSubject): void {
  describe(`lock contract: ${name}`, () => {
    it("lets one in at a time where it is exclusive, and many where it is shared", async () => {
      const { one, other } = await subject().open(SIZE);
      const first = await one.lock(exclusive(0, 100));
      assert.deepEqual(first.range, exclusive(0, 100));
      assert.equal(await other.tryLock(shared(99, 1)), undefined);
      assert.equal(await one.tryLock(exclusive(0, 1)), undefined, "nor another task of its own");
      const beside = await other.lock(exclusive(100, 100));
      await first.release();
      const readers = [await one.lock(shared(0, 100)), await other.lock(shared(50, 50))];
      assert.equal(await one.tryLock(exclusive(60, 1)), undefined);
      for (const lock of [...readers, beside]) await lock.release();
      await (await one.tryLock(exclusive(0, SIZE)))?.release();
      assert.ok(await other.tryLock(exclusive(0, SIZE)), "all of it is free in the end");
      await Promise.all([one.close(), other.close()]);
    });

    it("hands over in the order of asking: later readers do not overtake a writer", async () => {
      const { one, other } = await subject().open(SIZE);
      const order: string[] = [];
      const holds = await one.lock(shared(0, 10));
      const take = async (window: DidafsWindow, range: Range, as: string): Promise<void> => {
        await using _ = await window.lock(range, LONG);
        order.push(as);
      };
      const writer = take(other, exclusive(0, SIZE), "writer");
      await waits(one, shared(5, 1));
      const reader = take(one, shared(0, 10), "reader");
      assert.deepEqual(order, []);
      await holds.release();
      await Promise.all([writer, reader]);
      assert.deepEqual(order, ["writer", "reader"]);
      await Promise.all([one.close(), other.close()]);
    });

    it("counts as one what many tasks of both origins do under it", async () => {
      const { one, other } = await subject().open(SIZE);
      const add = async (window: DidafsWindow): Promise<void> => {
        for (let i = 0; i < 5; i += 1) {
          await using _ = await window.lock(exclusive(0, 16), LONG);
          const before = await window.load(0);
          await window.load(8);
          await window.store(0, before + 1);
          await window.flush();
        }
      };
      await Promise.all([one, other, one, other].map(add));
      assert.equal(await one.load(0), 20);
      await Promise.all([one.close(), other.close()]);
    });

    it("gives up in time, and leaves nothing behind", async () => {
      const { one, other } = await subject().open(SIZE);
      const held = await one.lock(exclusive(0, SIZE));
      await assert.rejects(
        other.lock(exclusive(5, 1), { timeoutMs: 30 }),
        (error: Error & { applied?: string }) => {
          assert.ok(isCode("ERR_TIMEOUT")(error), String(error));
          assert.match(error.message, /exclusive lock on 1 bytes at 5 was not free within 30 ms/);
          return error.applied === "no";
        },
      );
      const controller = new AbortController();
      const waiting = other.lock(exclusive(0, SIZE), { signal: controller.signal });
      await one.load(0);
      controller.abort();
      await assert.rejects(waiting, (error: Error & { applied?: string }) => {
        return isCode("ERR_ABORTED")(error) && error.applied === "no";
      });
      await assert.rejects(
        other.lock(exclusive(0, 1), { signal: AbortSignal.abort() }),
        isCode("ERR_ABORTED"),
      );
      await held.release();
      await (await one.lock(exclusive(0, SIZE), LONG)).release();
      await Promise.all([one.close(), other.close()]);
    });

    it("releases as often as one likes, by await using, and with the window", async () => {
      const { one, other, again } = await subject().open(SIZE);
      let inner: Lock;
      {
        await using lock = await one.lock(exclusive(0, 10));
        inner = lock;
        assert.equal(await other.tryLock(shared(0, 10)), undefined);
      }
      const next = await other.lock(exclusive(0, 10), LONG);
      await inner.release();
      assert.equal(
        await one.tryLock(shared(0, 1)),
        undefined,
        "a late release takes nothing from the next one",
      );
      assert.ok(!inner.lost.aborted && !next.lost.aborted);
      await next.release();
      const passing = await again("rw");
      await passing.lock(exclusive(0, 10));
      const waiting = other.lock(exclusive(0, 10), LONG);
      await waits(one, shared(0, 1));
      await passing.close();
      await (await waiting).release();
      await Promise.all([one.close(), other.close()]);
    });

    it("ends the waits of a window that is closed", async () => {
      const { one, other } = await subject().open(SIZE);
      await one.lock(exclusive(0, 10));
      const waiting = other.lock(exclusive(0, 10), LONG);
      waiting.catch(() => {});
      await waits(one, shared(0, 1));
      await other.close();
      await assert.rejects(waiting, isCode("ERR_CLOSED"));
      await assert.rejects(other.lock(exclusive(50, 1)), isCode("ERR_CLOSED"));
      await one.close();
    });

    it("refuses what is no range, and an exclusive lock to who may only read", async () => {
      const { one, other, again } = await subject().open(SIZE);
      await assert.rejects(one.lock(exclusive(0, 0)), isCode("ERR_INVALID_ARGUMENT"));
      await assert.rejects(one.lock(exclusive(0, 1.5)), isCode("ERR_INVALID_ARGUMENT"));
      await assert.rejects(one.lock(exclusive(SIZE, 1)), isCode("ERR_RANGE"));
      await assert.rejects(one.tryLock(shared(-1, 2)), isCode("ERR_RANGE"));
      await assert.rejects(
        one.lock({ at: 0, length: 1, mode: "mine" as "shared" }),
        isCode("ERR_INVALID_ARGUMENT"),
      );
      const reader = await again("r");
      await assert.rejects(reader.lock(exclusive(0, 1)), isCode("ERR_RIGHTS"));
      await using _ = await reader.lock(shared(0, 1));
      assert.equal(await other.tryLock(exclusive(0, 1)), undefined);
      await Promise.all([reader.close(), one.close(), other.close()]);
    });

    it("ends one wait of a circle, and says who waits for whom", async () => {
      const { one, other } = await subject().open(SIZE);
      // On two targets, where there are several.
      const [left, right] = [exclusive(0, 10), exclusive(4096, 10)];
      const held = [await one.lock(left), await other.lock(right)] as const;
      const waits = [one.lock(right, LONG), other.lock(left, LONG)] as const;
      const first = await Promise.race(
        waits.map((wait, i) =>
          wait.then(
            () => assert.fail("nobody lets go"),
            (error: unknown) => ({ i, error: error as Error & { applied?: string } }),
          ),
        ),
      );
      assert.ok(isCode("ERR_DEADLOCK")(first.error), String(first.error));
      assert.equal(first.error.applied, "no");
      assert.match(
        first.error.message,
        /this origin \(\w{8}\) waits for .* behind origin \w{8}; origin \w{8} waits for/,
      );
      await (held[first.i] as Lock).release();
      await ((await waits[1 - first.i]) as Lock).release();
      await (held[1 - first.i] as Lock).release();
      await Promise.all([one.close(), other.close()]);
    });
  });
}

/** Until somebody waits whom a request of `probe` would have to wait for. */
async function waits(window: DidafsWindow, probe: Range): Promise<void> {
  for (let lock = await window.tryLock(probe); lock !== undefined; lock = await window.tryLock(probe)) {
    await lock.release();
  }
}
