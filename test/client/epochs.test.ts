import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DidafsWindow, EpochAccess, EpochOptions } from "../../src/client/api.ts";
import { connect, embedded, isDidafsError } from "../../src/index.ts";
import { type Stream, WOULD_BLOCK } from "../../src/ports/network.ts";
import { scratch } from "../runtime/scratch.ts";
import { A, B, C, SIZE, startEpochCluster, UNIT } from "./epoch-cluster.ts";

const CONFLICT = { code: "ERR_EPOCH_CONFLICT", applied: "no" } as const;
const UNVALIDATED: EpochOptions = { isolation: "none" };

/** @returns a gate that somebody waits at, and how it is opened */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: resolve };
}

describe("an epoch with the default guarantees", () => {
  for (const transport of ["direct", "tcp"] as const) {
    it(`takes effect at all targets when it closes, and not before (${transport})`, async () => {
      const { run, words, windows } = await startEpochCluster([transport]);
      const [window] = windows;
      const result = await run(
        window.epoch(async (e) => {
          await e.store(A, 1);
          await e.put(B, new BigInt64Array([2n, 3n]));
          assert.equal(await e.fetchAdd(B, 10n), 2n);
          assert.deepEqual(await Promise.all([window.load(A), window.load(B)]), [0, 0]);
          assert.deepEqual(await Promise.all([e.load(A), e.load(B), e.load(B + 8)]), [1, 12, 3]);
          return "result";
        }),
      );
      assert.equal(result, "result");
      assert.deepEqual(await words(A, B, B + 8), [1, 12, 3]);
    });
  }

  it("has no effect where its body fails, whose error is passed on", async () => {
    const { run, words, windows } = await startEpochCluster();
    const failed = windows[0].epoch(async (e) => {
      await e.store(A, 1);
      throw new Error("changed its mind");
    });
    await assert.rejects(run(failed), /changed its mind/);
    assert.deepEqual(await words(A), [0]);
    await run(windows[0].epoch((e) => e.store(A, 2)));
    assert.deepEqual(await words(A), [2]);
  });

  it("whose body fails over what was not there any more says that, and is run again where asked", async () => {
    const { run, windows } = await startEpochCluster(["tcp", "direct"]);
    const [mine, other] = windows as unknown as [DidafsWindow, DidafsWindow];
    let runs = 0;
    const body = async (e: EpochAccess) => {
      const a = await e.load(A);
      runs += 1;
      if (runs === 1) await other.store(A, 7);
      await e.store(B, 1);
      throw new Error(`read ${a}`);
    };
    await assert.rejects(run(mine.epoch(body)), CONFLICT);
    await assert.rejects(run(mine.epoch(body)), /read 7/);
    runs = 0;
    await run(other.store(A, 6));
    await assert.rejects(run(mine.epoch({ retries: 1 }, body)), /read 7/);
    assert.equal(runs, 2);
    runs = 0;
    await run(other.store(A, 6));
    await assert.rejects(run(mine.epoch(UNVALIDATED, body)), /read 6/);
    assert.equal(await run(mine.load(B)), 0);
  });

  it("has no effect where somebody wrote what it had read, by an epoch or not", async () => {
    const { run, words, windows } = await startEpochCluster(["tcp", "direct"]);
    const [mine, other] = windows as unknown as [DidafsWindow, DidafsWindow];
    const other1 = other.epoch.bind(other, UNVALIDATED);
    for (const write of [() => other.store(A, 5), () => other1((e) => e.store(A, 6))]) {
      const reached = gate();
      const goesOn = gate();
      const lost = mine.epoch(async (e) => {
        await e.load(A);
        reached.open();
        await goesOn.passed;
        await e.store(B, 1);
      });
      lost.catch(() => {});
      await run(reached.passed);
      await run(write());
      goesOn.open();
      await assert.rejects(run(lost), CONFLICT);
      assert.deepEqual(await words(B), [0]);
    }
  });

  it("that only reads is refused what was never there together", async () => {
    const { run, windows } = await startEpochCluster();
    const [window] = windows;
    const torn = window.epoch(async (e) => {
      const a = await e.load(A);
      await Promise.all([window.store(A, 1), window.store(B, 1)]);
      return [a, await e.load(B)];
    });
    await assert.rejects(run(torn), CONFLICT);
    const whole = window.epoch(async (e) => [await e.load(A), await e.load(B)]);
    assert.deepEqual(await run(whole), [1, 1]);
  });

  it("passes on the conflict, and not what its body made of what it had read", async () => {
    const { run, windows } = await startEpochCluster();
    const [window] = windows;
    const confused = window.epoch(async (e) => {
      await e.load(A);
      await window.store(A, 1);
      await e.load(A).catch(() => {});
      throw new Error("one and one is three");
    });
    await assert.rejects(run(confused), CONFLICT);
  });

  it("runs again after a conflict as often as was asked for", async () => {
    const { run, words, windows } = await startEpochCluster();
    const [window] = windows;
    let runs = 0;
    const meets = (until: number) => async (e: EpochAccess) => {
      runs += 1;
      await e.fetchAdd(A, 100);
      if (runs <= until) await window.fetchAdd(A, 1);
    };
    await run(window.epoch({ retries: 2 }, meets(2)));
    assert.equal(runs, 3);
    assert.deepEqual(await words(A), [102]);
    runs = 0;
    await assert.rejects(run(window.epoch({ retries: 1 }, meets(2))), CONFLICT);
    assert.equal(runs, 2);
    assert.deepEqual(await words(A), [104]);
  });

  it("loses no increment, whoever else increments", async () => {
    const { run, words, windows } = await startEpochCluster(["direct", "tcp", "tcp"]);
    const each = 6;
    const body = async (e: EpochAccess): Promise<void> => {
      await e.store(A, (await e.load(A)) + 1);
      await e.fetchAdd(B, 2);
    };
    const all = windows.flatMap((window) =>
      Array.from({ length: each }, () => window.epoch({ retries: 1000, durability: "memory" }, body)),
    );
    await run(Promise.all(all));
    const count = windows.length * each;
    assert.deepEqual(await words(A, B), [count, 2 * count]);
  });

  it("admits no write skew, which one that is not validated does", async () => {
    for (const isolation of ["serializable", "none"] as const) {
      const { run, words, windows } = await startEpochCluster(["tcp", "tcp"]);
      const together = gate();
      let reached = 0;
      const doctors = windows.map((window, i) =>
        window.epoch({ isolation }, async (e) => {
          const [a, b] = await Promise.all([e.load(A), e.load(B)]);
          reached += 1;
          if (reached === 2) together.open();
          await together.passed;
          // At most one of them may leave.
          if (a + b === 0) await e.store(i === 0 ? A : B, 1);
        }),
      );
      const outcomes = await run(Promise.allSettled(doctors));
      const [a, b] = await words(A, B);
      const left = (a as number) + (b as number);
      const failed = outcomes.filter(({ status }) => status === "rejected");
      if (isolation === "none") assert.deepEqual([left, failed.length], [2, 0]);
      else {
        assert.ok(left <= 1, "both have left");
        for (const { reason } of failed as PromiseRejectedResult[])
          assert.ok(isDidafsError(reason, "ERR_EPOCH_CONFLICT"), String(reason));
      }
    }
  });

  it("takes its accesses in the order in which they were made, also without waiting for them", async () => {
    const { run, windows } = await startEpochCluster();
    const seen = await run(
      windows[0].epoch(async (e) =>
        Promise.all([e.load(A), e.fetchAdd(A, 1), e.store(A, 10), e.fetchAdd(A, 1), e.load(A)]),
      ),
    );
    assert.deepEqual(seen, [0, 0, undefined, 10, 11]);
  });

  it("waits for accesses that its body has left behind, and takes none when it is over", async () => {
    const { run, words, windows } = await startEpochCluster();
    let kept: EpochAccess | undefined;
    await run(
      windows[0].epoch(async (e) => {
        kept = e;
        void e.fetchAdd(A, 1);
      }),
    );
    assert.deepEqual(await words(A), [1]);
    await assert.rejects(run((kept as EpochAccess).store(A, 2)), { code: "ERR_CLOSED" });
    await assert.rejects(run((kept as EpochAccess).load(A)), { code: "ERR_CLOSED" });
  });

  it("checks ranges, alignment and rights like its window", async () => {
    const { run, clients } = await startEpochCluster();
    const file = await run(clients[0].open("/epochs"));
    const window = await run(file.window({ rights: "r", at: 100 }));
    const codes: string[] = [];
    await run(
      window.epoch(async (e) => {
        for (const access of [
          () => e.load(0),
          () => e.get(SIZE - 100, new Uint8Array(1)),
          () => e.store(4, 1),
          () => e.put(0, new Uint8Array(1)),
        ])
          await access().catch((error) => codes.push(error.code));
        await e.load(4);
      }),
    );
    assert.deepEqual(codes, ["ERR_ALIGNMENT", "ERR_RANGE", "ERR_RIGHTS", "ERR_RIGHTS"]);
  });

  it("on a window that begins somewhere on a line is in conflict with one on all of the file", async () => {
    const { run, windows, clients } = await startEpochCluster();
    const file = await run(clients[0].open("/epochs"));
    const inner = await run(file.window({ rights: "rw", at: 2 * UNIT + 1000, length: 5 * UNIT }));
    for (const [at, fails] of [
      [2 * UNIT + 8, true],
      [7 * UNIT, true],
      [8 * UNIT, false],
    ] as const) {
      const read = inner.epoch(async (e) => {
        const before = await e.get(0, new Uint8Array(5 * UNIT));
        await windows[0].fetchAdd(at, 1);
        return before.length;
      });
      if (fails) await assert.rejects(run(read), CONFLICT);
      else assert.equal(await run(read), 5 * UNIT);
    }
  });
});

describe("an epoch with other guarantees", () => {
  it("that is not validated meets lines that are held, and is committed nevertheless", async () => {
    const { run, words, windows } = await startEpochCluster(["tcp", "direct"]);
    const all = Array.from({ length: 10 }, (_, i) =>
      (windows[i % 2] as DidafsWindow).epoch(UNVALIDATED, async (e) => {
        await e.store(A, i);
        await e.store(B, i);
      }),
    );
    await run(Promise.all(all));
    const [a, b] = await words(A, B);
    assert.equal(a, b);
  });

  for (const isolation of ["none", "serializable"] as const) {
    it(`whose writes are in place at one target only is not seen in part (isolation ${isolation})`, async () => {
      const { sim, run, windows } = await startEpochCluster(["tcp", "tcp"]);
      const [reader, writer] = windows as unknown as [DidafsWindow, DidafsWindow];
      const streams = sim.recordDataStreams();
      await run(
        writer.epoch(UNVALIDATED, async (e) => void (await Promise.all([e.store(A, 0), e.store(B, 0)]))),
      );
      const [, atB] = streams as [Stream, Stream];
      const { send, sendSegments, recv } = atB;
      // It hears that it is prepared there, and what it says then does not arrive.
      let isPrepared = false;
      let isHeldUp = false;
      let isOpen = false;
      const passes = (): boolean => {
        isHeldUp ||= isPrepared;
        return isOpen || !isPrepared;
      };
      atB.recv = (...args) => {
        const count = recv.apply(atB, args);
        isPrepared ||= count > 0;
        return count;
      };
      atB.send = (...args) => (passes() ? send.apply(atB, args) : WOULD_BLOCK);
      atB.sendSegments = (...args) => (passes() ? sendSegments.apply(atB, args) : WOULD_BLOCK);
      const writing = writer.epoch(UNVALIDATED, async (e) => {
        await e.store(A, 1);
        await e.store(B, 1);
      });
      await sim.until(() => isHeldUp);
      assert.deepEqual(await run(Promise.all([reader.load(A), reader.load(B)])), [1, 0]);
      let seen: number[] | undefined;
      const reading = reader
        .epoch({ isolation }, async (e) => [await e.load(A), await e.load(B)])
        .then((both) => {
          seen = both;
        });
      let rounds = 1000;
      await sim.until(() => rounds-- === 0);
      assert.equal(seen, undefined, "it has read in part");
      isOpen = true;
      await run(Promise.all([writing, reading]));
      assert.deepEqual(seen, [1, 1]);
    });
  }

  it("that locks its range excludes others that do, and needs no retries", async () => {
    const { run, words, windows } = await startEpochCluster(["tcp", "direct"]);
    const options = { isolation: "exclusive", ranges: [{ at: 0, length: 2 * UNIT }] } as const;
    let inside = 0;
    const all = Array.from({ length: 8 }, (_, i) =>
      (windows[i % 2] as DidafsWindow).epoch(options, async (e) => {
        inside += 1;
        assert.equal(inside, 1, "two are inside");
        await e.store(A, (await e.load(A)) + 1);
        await e.store(B, (await e.load(B)) + 1);
        inside -= 1;
      }),
    );
    await run(Promise.all(all));
    assert.deepEqual(await words(A, B), [8, 8]);
    const whole = { at: 0, length: SIZE, mode: "exclusive" } as const;
    await run((await run((windows[1] as DidafsWindow).lock(whole))).release());
  });

  it("locks all of its window by default, and lets it go when its body fails", async () => {
    const { run, windows } = await startEpochCluster(["tcp", "tcp"]);
    const [mine, other] = windows as unknown as [DidafsWindow, DidafsWindow];
    const range = { at: SIZE - 1, length: 1, mode: "shared" } as const;
    for (const atomicity of ["all", "none"] as const) {
      const failed = mine.epoch({ atomicity, isolation: "exclusive" }, async () => {
        assert.equal(await other.tryLock(range), undefined);
        throw new Error("over");
      });
      await assert.rejects(run(failed), /over/);
      await run((await run(other.lock(range))).release());
    }
  });

  it("without atomicity takes effect as it goes, in order where that was asked for", async () => {
    const { run, words, windows } = await startEpochCluster(["tcp", "direct"]);
    const [mine, other] = windows as unknown as [DidafsWindow, DidafsWindow];
    for (const consistency of ["relaxed", "release", "sequential"] as const) {
      const failed = mine.epoch({ atomicity: "none", isolation: "none", consistency }, async (e) => {
        await e.store(A, 4);
        assert.equal(await other.load(A), 4);
        const seen = await Promise.all([e.fetchAdd(A, 1), e.store(B, 5), e.fetchAdd(A, 1)]);
        assert.deepEqual(seen, [4, undefined, 5]);
        throw new Error("too late");
      });
      await assert.rejects(run(failed), /too late/);
      assert.deepEqual(await words(A, B), [6, 5]);
    }
  });

  it("sequential: the next access is issued when the one before is in place everywhere", async () => {
    const { run, windows } = await startEpochCluster();
    const [window] = windows;
    const order: string[] = [];
    const options = { atomicity: "none", isolation: "none", consistency: "sequential" } as const;
    const flush = window.flush.bind(window);
    window.flush = async (...args) => {
      order.push(`flush ${args[0]}`);
      await flush(...args);
    };
    const store = window.store.bind(window);
    window.store = async (...args) => {
      order.push(`store ${args[1]}`);
      await store(...args);
      order.push(`stored ${args[1]}`);
    };
    await run(window.epoch(options, async (e) => void (await Promise.all([e.store(A, 1), e.store(B, 2)]))));
    assert.deepEqual(order, [
      "store 1",
      "stored 1",
      "flush stable",
      "store 2",
      "stored 2",
      "flush stable",
      "flush stable",
    ]);
  });

  it("whose guarantees exclude each other is refused, with the reason", async () => {
    const { run, clients, windows } = await startEpochCluster();
    const [window] = windows;
    const body = async (): Promise<void> => assert.fail("it runs");
    for (const [options, code, why] of [
      [{ atomicity: "none" }, "ERR_INVALID_EPOCH", /a conflict is found when it closes/],
      [{ consistency: "sequential" }, "ERR_INVALID_EPOCH", /take effect together/],
      [{ durability: "replicated" }, "ERR_NOT_SUPPORTED", /copies/],
      [{ retries: -1 }, "ERR_INVALID_ARGUMENT", /retries/],
      [{ isolation: "weak" }, "ERR_INVALID_ARGUMENT", /isolation/],
      [{ ranges: [{ at: 0, length: 8 }] }, "ERR_INVALID_ARGUMENT", /ranges/],
    ] as const) {
      const refused = (error: Error & { code: string }): boolean =>
        error.code === code && why.test(error.message);
      await assert.rejects(run(window.epoch(options as EpochOptions, body)), refused);
      await assert.rejects(run(clients[0].beginEpoch(options as EpochOptions)), refused);
    }
    // What comes to another class runs as that one.
    await run(window.epoch({ consistency: "relaxed", durability: "none" }, (e) => e.store(A, 1)));
  });

  it("that is atomic is refused on a raw window, where one that is not runs", async () => {
    const { run, clients } = await startEpochCluster();
    const file = await run(clients[0].open("/raw", { create: true, size: UNIT }));
    const window = await run(file.window({ rights: "rw", sharing: "raw" }));
    const raw = { code: "ERR_REGION_RAW" };
    await assert.rejects(run(window.epoch(async () => assert.fail("it runs"))), raw);
    const epoch = await run(clients[0].beginEpoch());
    assert.throws(() => epoch.on(window), raw);
    await run(window.epoch({ atomicity: "none", isolation: "exclusive" }, (e) => e.store(0, 3)));
    assert.equal(await run(window.load(0)), 3);
  });
});

describe("epochs of a cluster", () => {
  it("cover several windows, which see each other's writes where they overlap", async () => {
    const { run, clients, windows } = await startEpochCluster();
    const [cluster] = clients;
    const other = await run(cluster.open("/other", { create: true, size: UNIT }));
    const second = await run(other.window({ rights: "rw" }));
    const same = await run(
      (await run(cluster.open("/epochs"))).window({ rights: "rw", at: UNIT, length: UNIT }),
    );
    const seen = await run(
      cluster.epoch([windows[0], second, same], { durability: "memory" }, async (one, two, three) => {
        await one.store(B, 1);
        await two.store(0, 2);
        const through = await three.fetchAdd(0, 10);
        return [through, await one.load(B)];
      }),
    );
    assert.deepEqual(seen, [1, 11]);
    assert.deepEqual(await run(Promise.all([windows[0].load(B), second.load(0)])), [11, 2]);
  });

  it("refuse windows of others", async () => {
    const { run, clients, windows } = await startEpochCluster(["tcp", "tcp"]);
    const refused = { code: "ERR_INVALID_ARGUMENT" };
    await assert.rejects(run(clients[0].epoch([windows[1] as DidafsWindow], {}, async () => {})), refused);
  });

  it("do not begin in the body of another one, of whatever cluster, and may run beside each other", async () => {
    const { run, clients, windows } = await startEpochCluster(["tcp", "tcp"]);
    const [mine, other] = windows as unknown as [DidafsWindow, DidafsWindow];
    const nested = { code: "ERR_INVALID_EPOCH" };
    await run(
      mine.epoch(async (e) => {
        await e.load(A);
        await assert.rejects(
          mine.epoch((inner) => inner.store(A, 1)),
          nested,
        );
        await assert.rejects(
          other.epoch((inner) => inner.store(A, 1)),
          nested,
        );
        await assert.rejects(clients[0].beginEpoch(), nested);
      }),
    );
    const beside = [mine.epoch((e) => e.store(A, 1)), mine.epoch((e) => e.store(C, 2))];
    await run(Promise.all(beside));
    await run(mine.epoch((e) => e.load(A)).then(() => mine.epoch((e) => e.load(A))));
  });

  it("may begin in what the body of another one has left behind", async () => {
    const { run, words, windows } = await startEpochCluster();
    const [over, left] = [gate(), gate()];
    await run(
      windows[0].epoch(async (e) => {
        await e.store(A, 1);
        void over.passed.then(() => windows[0].epoch((inner) => inner.store(B, 2))).then(left.open);
      }),
    );
    over.open();
    await run(left.passed);
    assert.deepEqual(await words(A, B), [1, 2]);
  });

  it("without a body are committed, aborted, or disposed of", async () => {
    const { run, words, clients, windows } = await startEpochCluster();
    const [[cluster], [window]] = [clients, windows];
    const committed = await run(cluster.beginEpoch());
    await run(committed.on(window).store(A, 1));
    assert.equal(committed.on(window), committed.on(window));
    await run(committed.commit());
    await run(committed.abort());
    const aborted = await run(cluster.beginEpoch());
    await run(aborted.on(window).store(B, 1));
    await run(aborted.abort());
    const disposed = await run(cluster.beginEpoch());
    await run(disposed.on(window).store(C, 1));
    await run(Promise.resolve(disposed[Symbol.asyncDispose]()));
    assert.deepEqual(await words(A, B, C), [1, 0, 0]);
    for (const over of [committed, aborted, disposed]) {
      assert.throws(() => over.on(window), { code: "ERR_CLOSED" });
      await assert.rejects(run(over.commit()), { code: "ERR_CLOSED" });
    }
  });

  it("without a body lock the ranges that they name", async () => {
    const { run, clients, windows } = await startEpochCluster(["tcp", "tcp"]);
    const [mine, other] = windows as unknown as [DidafsWindow, DidafsWindow];
    const bare = clients[0].beginEpoch({ isolation: "shared" });
    await assert.rejects(run(bare), { code: "ERR_INVALID_ARGUMENT" });
    const ranges = [
      { window: mine, at: 0, length: 8 },
      { window: mine, at: 4, length: 8 },
    ];
    const epoch = await run(clients[0].beginEpoch({ isolation: "exclusive", ranges }));
    assert.equal(await run(other.tryLock({ at: 11, length: 1, mode: "shared" })), undefined);
    await run(epoch.on(mine).store(A, 1));
    await run(epoch.commit());
    assert.notEqual(await run(other.tryLock({ at: 11, length: 1, mode: "shared" })), undefined);
  });
});

describe("what ends an epoch", () => {
  it("a window that is closed: what closes already is waited for, the rest has no effect", async () => {
    const { run, words, clients } = await startEpochCluster();
    const file = await run(clients[0].open("/epochs"));
    const window = await run(file.window({ rights: "rw" }));
    const open = await run(clients[0].beginEpoch());
    await run(open.on(window).store(C, 1));
    let isCommitted = false;
    const closing = window
      .epoch(async (e) => {
        await e.store(A, 1);
        await e.store(B, 1);
      })
      .then(() => {
        isCommitted = true;
      });
    // Nobody has answered it: nothing else is stepped.
    for (let i = 0; i < 50; i += 1) await Promise.resolve();
    await run(window.close());
    assert.equal(isCommitted, true, "the window went while it was closing");
    await run(closing);
    await assert.rejects(run(open.commit()), { code: "ERR_CLOSED" });
    assert.deepEqual(await words(A, B, C), [1, 1, 0]);
  });

  for (const consistency of ["release", "sequential"] as const) {
    it(`without atomicity, a window that is closed: nobody says that nothing took effect (${consistency})`, async () => {
      const { run, clients, words } = await startEpochCluster();
      const file = await run(clients[0].open("/epochs"));
      const window = await run(file.window({ rights: "rw" }));
      const unknown = { code: "ERR_CLOSED", applied: "unknown" };
      let failure: unknown;
      const epoch = window.epoch({ atomicity: "none", isolation: "none", consistency }, async (e) => {
        const storing = e.store(A, 1).catch((error) => {
          failure = error;
        });
        // It has left, and nobody is stepped meanwhile who could answer.
        for (let i = 0; i < 50; i += 1) await Promise.resolve();
        const closing = window.close();
        await storing;
        await closing;
      });
      await assert.rejects(run(epoch), unknown);
      assert.deepEqual(await words(A), [1]);
      if (consistency === "release") assert.equal(failure, undefined);
      else await assert.rejects(Promise.reject(failure), unknown);
    });
  }

  it("its signal, also before it begins", async () => {
    const { run, words, windows } = await startEpochCluster();
    const controller = new AbortController();
    const aborted = windows[0].epoch({ signal: controller.signal }, async (e) => {
      await e.store(A, 1);
      controller.abort();
    });
    await assert.rejects(run(aborted), { code: "ERR_ABORTED", applied: "no" });
    const late = windows[0].epoch({ signal: controller.signal }, async () => assert.fail("it runs"));
    await assert.rejects(run(late), { code: "ERR_ABORTED" });
    assert.deepEqual(await words(A), [0]);
  });

  it("a connection that breaks: nothing hangs, and a new window goes on", async () => {
    const { sim, run } = await startEpochCluster();
    const streams = sim.recordDataStreams();
    const client = await sim.connect("tcp");
    const file = await run(client.open("/epochs"));
    const window = await run(file.window({ rights: "rw" }));
    await run(window.epoch((e) => e.store(A, 1)));
    const reached = gate();
    const goesOn = gate();
    const broken = window.epoch(async (e) => {
      await e.load(B);
      reached.open();
      await goesOn.passed;
      await e.store(B, 1);
    });
    await run(reached.passed);
    for (const stream of streams) stream.close();
    goesOn.open();
    await assert.rejects(run(broken), { code: "ERR_SESSION_LOST" });
    await assert.rejects(run(window.load(A)), { code: "ERR_SESSION_LOST" });
    const again = await run(file.window({ rights: "rw" }));
    await run(again.epoch((e) => e.store(B, 2)));
    assert.deepEqual(await run(Promise.all([again.load(A), again.load(B)])), [1, 2]);
  });

  it("a session that is lost: who waits for an answer learns that nobody here knows", async () => {
    const { sim, run } = await startEpochCluster();
    const streams = sim.recordDataStreams();
    const client = await sim.connect("tcp", 600_000);
    const file = await run(client.open("/epochs"));
    const window = await run(file.window({ rights: "rw", length: UNIT }));
    await run(window.epoch((e) => e.store(A, 1)));
    const [, epochStream] = streams as [Stream, Stream];
    epochStream.recv = () => WOULD_BLOCK;
    const waiting = window.epoch((e) => e.store(A, 2));
    const lost = assert.rejects(waiting, { code: "ERR_SESSION_LOST", applied: "unknown" });
    let rounds = 100;
    await sim.until(() => rounds-- === 0);
    sim.pause(client, true);
    await sim.pass(60_000);
    sim.pause(client, false);
    await run(lost);
  });
});

describe("epochs of a cluster as programs have it", () => {
  for (const transport of ["direct", "tcp"] as const) {
    it(`write more than a message has, and read it back (${transport})`, async () => {
      using place = scratch();
      process.env.XDG_CONFIG_HOME = place.dir;
      await using cluster = await embedded(`${place.dir}/data`, { targets: 2 });
      await using client = await connect(cluster.url, { transport });
      const size = 5 << 20;
      await using file = await client.open("/large", { create: true, size, targets: 2 });
      await using window = await file.window({ rights: "rw" });
      const bytes = Uint8Array.from({ length: size - 5 }, (_, i) => (i * 7) >> 3);
      await window.epoch((e) => e.put(5, bytes));
      assert.deepEqual(await window.get(5, new Uint8Array(bytes.length)), bytes);
      await window.epoch(async (e) => {
        await e.store(8, 1);
        assert.deepEqual(await e.get(16, new Uint8Array(size - 16)), bytes.subarray(11));
      });
    });
  }

  it("that are too large are refused before they are sent, and leave nothing behind", async () => {
    using place = scratch();
    process.env.XDG_CONFIG_HOME = place.dir;
    await using cluster = await embedded(`${place.dir}/data`);
    const size = 17 << 20;
    await using file = await cluster.open("/huge", { create: true, size });
    await using window = await file.window({ rights: "rw" });
    await assert.rejects(
      window.epoch((e) => e.put(0, new Uint8Array(size).fill(1))),
      (error) =>
        isDidafsError(error, "ERR_TOO_MANY") &&
        error.applied === "no" &&
        /less at a time/.test(error.message),
    );
    await window.epoch((e) => e.put(0, new Uint8Array(15 << 20).fill(2)));
    assert.deepEqual([window.loadSync(0, "u32"), window.loadSync(size - 4, "u32")], [0x02020202, 0]);
  });

  it("on memory drives outlast what these do, and promise no more", async () => {
    using place = scratch();
    process.env.XDG_CONFIG_HOME = place.dir;
    await using cluster = await embedded(`${place.dir}/data`, { drive: "memory" });
    await using file = await cluster.open("/memory", { create: true, size: SIZE });
    await using window = await file.window({ rights: "rw" });
    await window.epoch((e) => e.store(A, 1));
    assert.equal(await window.load(A), 1);
    for (const atomicity of ["all", "none"] as const) {
      const asked = { atomicity, isolation: "none", durability: "stable" } as const;
      await assert.rejects(
        window.epoch(asked, async () => assert.fail("it runs")),
        { code: "ERR_NOT_DURABLE" },
      );
    }
    await using epoch = await cluster.beginEpoch({ durability: "stable" });
    assert.throws(() => epoch.on(window), { code: "ERR_NOT_DURABLE" });
  });
});
