/** What epochs lock, and what those may do that share their locks. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DidafsWindow, EpochAccess, WindowOptions } from "../../src/client/api.ts";
import { A, type EpochCluster, SIZE, startEpochCluster, UNIT } from "./epoch-cluster.ts";

const RANGES = [{ at: 0, length: UNIT }];

const WRITES: Readonly<Record<string, (e: EpochAccess) => Promise<unknown>>> = {
  put: (e) => e.put(A, new Uint8Array(8)),
  store: (e) => e.store(A, 1),
  fetchAdd: (e) => e.fetchAdd(A, 1),
  fetchOp: (e) => e.fetchOp("or", A, 1),
  compareAndSwap: (e) => e.compareAndSwap(A, 0, 1),
  accumulate: (e) => e.accumulate("add", A, new Float64Array(1)),
};

describe("an epoch that shares its locks", () => {
  for (const atomicity of ["all", "none"] as const) {
    const shared = { atomicity, isolation: "shared", ranges: RANGES } as const;
    it(`reads, and is refused what writes; it ends as its body says (atomicity ${atomicity})`, async () => {
      const { run, words, windows } = await startEpochCluster();
      await run(windows[0].store(A, 7));
      const seen = await run(
        windows[0].epoch(shared, async (e) => {
          for (const [what, write] of Object.entries(WRITES)) {
            await assert.rejects(write(e), { code: "ERR_RIGHTS", applied: "no", message: /shared/ }, what);
          }
          const bytes = await e.get(A, new Uint8Array(1));
          return [bytes[0], await e.load(A)];
        }),
      );
      assert.deepEqual(seen, [7, 7]);
      assert.deepEqual(await words(A), [7]);
      const failing = windows[0].epoch(shared, (e) => e.store(A, 1));
      await assert.rejects(run(failing), { code: "ERR_RIGHTS" });
      await run(windows[0].epoch({ ...shared, isolation: "exclusive" }, (e) => e.store(A, 8)));
      assert.deepEqual(await words(A), [8]);
    });
  }

  it("is refused it without a body, too", async () => {
    const { run, clients, windows } = await startEpochCluster();
    const [window] = windows;
    const ranges = RANGES.map((range) => ({ ...range, window }));
    const epoch = await run(clients[0].beginEpoch({ isolation: "shared", ranges }));
    await assert.rejects(epoch.on(window).store(A, 1), { code: "ERR_RIGHTS" });
    assert.equal(await run(epoch.on(window).load(A)), 0);
    await run(epoch.commit());
  });
});

describe("the locks of an epoch", () => {
  /** Further windows on the same file, through other openings of it. */
  function more({ run, clients }: EpochCluster, ...options: WindowOptions[]): Promise<DidafsWindow[]> {
    return Promise.all(
      options.map(async (one) => {
        const file = await run(clients[0].open("/epochs"));
        return run(file.window({ rights: "rw", ...one }));
      }),
    );
  }

  for (const isolation of ["exclusive", "shared"] as const) {
    it(`cover what several windows have of one file once (${isolation})`, async () => {
      const cluster = await startEpochCluster(["tcp", "tcp"]);
      const { run, clients } = cluster;
      const other = cluster.windows[1] as DidafsWindow;
      const windows = await more(
        cluster,
        { at: 3 * UNIT, length: 4 * UNIT },
        { at: UNIT, length: 4 * UNIT },
        { at: 2 * UNIT, length: UNIT },
        { at: 10 * UNIT, length: UNIT },
      );
      const free = async (at: number): Promise<boolean> => {
        const lock = await run(other.tryLock({ at, length: 1, mode: "exclusive" }));
        if (lock !== undefined) await run(lock.release());
        return lock !== undefined;
      };
      const locked: boolean[] = [];
      let go = (): void => {};
      const seen = new Promise<void>((resolve) => {
        go = resolve;
      });
      let isIn = false;
      const epoch = clients[0].epoch(windows, { isolation }, async () => {
        isIn = true;
        await seen;
      });
      await cluster.sim.until(() => isIn);
      for (let unit = 0; unit < SIZE / UNIT; unit += 1) locked.push(!(await free(unit * UNIT)));
      go();
      await run(epoch);
      const expected = locked.map((_, unit) => (unit >= 1 && unit < 7) || unit === 10);
      assert.deepEqual(locked, expected);
      for (let unit = 0; unit < SIZE / UNIT; unit += 1)
        assert.ok(await free(unit * UNIT), "all are released");
    });
  }

  it("cover ranges of several windows that overlap in their file, to the byte", async () => {
    const cluster = await startEpochCluster(["tcp", "tcp"]);
    const { run, clients } = cluster;
    const other = cluster.windows[1] as DidafsWindow;
    const [one, two] = (await more(cluster, { at: 0, length: 8 * UNIT }, { at: 4096, length: UNIT })) as [
      DidafsWindow,
      DidafsWindow,
    ];
    const ranges = [
      { window: two, at: 100, length: 100 },
      { window: one, at: 4096 + 50, length: 100 },
      { window: one, at: 4096 + 120, length: 10 },
    ];
    const epoch = await run(clients[0].beginEpoch({ isolation: "exclusive", ranges }));
    const isFree = async (at: number): Promise<boolean> => {
      const lock = await run(other.tryLock({ at, length: 1, mode: "shared" }));
      if (lock !== undefined) await run(lock.release());
      return lock !== undefined;
    };
    for (const [at, free] of [
      [49, true],
      [50, false],
      [125, false],
      [149, false],
      [199, false],
      [200, true],
    ] as const) {
      assert.equal(await isFree(4096 + at), free, `byte ${at}`);
    }
    await run(epoch.on(one).store(4096 + 56, 1));
    await run(epoch.commit());
    assert.ok(await isFree(4096 + 125));
  });

  it("are of ranges that there are", async () => {
    const { run, windows } = await startEpochCluster(["tcp", "tcp"]);
    for (const [range, code] of [
      [{ at: 0, length: 0 }, "ERR_INVALID_ARGUMENT"],
      [{ at: 0, length: Number.NaN }, "ERR_INVALID_ARGUMENT"],
      [{ at: -1, length: 8 }, "ERR_RANGE"],
      [{ at: SIZE, length: 1 }, "ERR_RANGE"],
      [{ at: 0.5, length: 1 }, "ERR_RANGE"],
    ] as const) {
      const never = windows[0].epoch({ isolation: "exclusive", ranges: [range] }, async () =>
        assert.fail("it runs"),
      );
      await assert.rejects(run(never), { code }, JSON.stringify(range));
    }
  });
});
