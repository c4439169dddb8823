/**
 * The anomalies that classes of epochs differ in, one by one: under the weaker class each really happens, and both epochs are
 * committed; one level up it cannot. Bodies meet at gates, so no time decides.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DidafsWindow, EpochAccess, EpochOptions } from "../../src/client/api.ts";
import { allClasses, judge } from "../../src/epoch/epoch-class.ts";
import { isDidafsError } from "../../src/index.ts";
import { type Stream, WOULD_BLOCK } from "../../src/ports/network.ts";
import { A, B, type EpochCluster, startEpochCluster, UNIT } from "./epoch-cluster.ts";

/** How an attempt at an anomaly ends: it is there, or one epoch was refused, or had to wait, or saw or left nothing of it. */
type Ending = "it happens" | "conflict" | "waits" | "refused" | "not there";

/** Far more than an epoch takes that nobody is in the way of. */
const ROUNDS = 1000;
const RANGES = [{ at: 0, length: 2 * UNIT }];

type Isolation = Exclude<EpochOptions["isolation"], undefined>;

function isolated(isolation: Isolation): EpochOptions {
  const ranges = isolation === "shared" || isolation === "exclusive" ? RANGES : undefined;
  return { isolation, ranges, durability: "memory" };
}

function withAtomicity(atomicity: "all" | "none"): EpochOptions {
  return { atomicity, isolation: "none", durability: "memory" };
}

/** Two clients, one of each kind, and how often somebody has come to where all are to be at once. */
class Play {
  readonly cluster: EpochCluster;
  readonly #goesOn = Promise.withResolvers<void>();
  #waiting = 0;

  private constructor(cluster: EpochCluster) {
    this.cluster = cluster;
  }

  static async begin(): Promise<Play> {
    return new Play(await startEpochCluster(["tcp", "direct"]));
  }

  epoch<T>(client: 0 | 1, options: EpochOptions, body: (access: EpochAccess) => Promise<T>): Promise<T> {
    const done = (this.cluster.windows[client] as DidafsWindow).epoch(options, body);
    done.catch(() => {});
    return done;
  }

  /** In a body: waits until the test lets everybody go on. */
  meet(): Promise<void> {
    this.#waiting += 1;
    return this.#goesOn.promise;
  }

  /** @returns whether that many bodies have come to `meet`, or wait for something else */
  async met(count: number): Promise<boolean> {
    let rounds = ROUNDS;
    await this.cluster.sim.until(() => this.#waiting >= count || rounds-- === 0);
    return this.#waiting >= count;
  }

  goOn(): void {
    this.#goesOn.resolve();
  }

  /** @param happened where all were committed: whether the anomaly is there @param met nobody waited for anybody */
  async ending(
    epochs: readonly Promise<unknown>[],
    met: boolean,
    happened: () => Promise<boolean>,
  ): Promise<Ending> {
    const outcomes = await this.cluster.run(Promise.allSettled(epochs));
    const failed = outcomes.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
    const isRefused = failed.some(({ reason }) => isDidafsError(reason, "ERR_RIGHTS"));
    for (const { reason } of isRefused ? [] : failed) {
      assert.ok(isDidafsError(reason, "ERR_EPOCH_CONFLICT") && reason.applied === "no", String(reason));
    }
    const isThere = await happened();
    assert.ok(!isThere || failed.length === 0, "it is there though one was refused");
    if (isThere) return "it happens";
    if (isRefused) return "refused";
    if (failed.length > 0) return "conflict";
    return met ? "not there" : "waits";
  }
}

/** Both add one to what they have read. */
async function lostUpdate(options: EpochOptions): Promise<Ending> {
  const play = await Play.begin();
  const epochs = ([0, 1] as const).map((client) =>
    play.epoch(client, options, async (e) => {
      const before = await e.load(A);
      await play.meet();
      await e.store(A, before + 1);
    }),
  );
  const met = await play.met(2);
  play.goOn();
  return play.ending(epochs, met, async () => {
    const committed = await Promise.allSettled(epochs);
    const [sum] = await play.cluster.words(A);
    const count = committed.filter(({ status }) => status === "fulfilled").length;
    assert.ok((sum as number) <= count);
    return (sum as number) < count;
  });
}

/** Adds one to what it has read, while somebody who does not lock stores something else. */
async function intrusion(options: EpochOptions): Promise<Ending> {
  const play = await Play.begin();
  const adding = play.epoch(0, options, async (e) => {
    const before = await e.load(A);
    await play.meet();
    await e.store(A, before + 1);
  });
  assert.ok(await play.met(1));
  const storing = play.epoch(1, isolated("none"), (e) => e.store(A, 10));
  assert.ok(await settles(play.cluster.sim, storing), "it waits for nobody");
  play.goOn();
  return play.ending([adding, storing], true, async () => {
    const [left] = await play.cluster.words(A);
    return left === 1;
  });
}

/** Two doctors leave if the other one is still there. */
async function writeSkew(options: EpochOptions): Promise<Ending> {
  const play = await Play.begin();
  const epochs = ([0, 1] as const).map((client) =>
    play.epoch(client, options, async (e) => {
      const [a, b] = await Promise.all([e.load(A), e.load(B)]);
      await play.meet();
      if (a + b === 0) await e.store(client === 0 ? A : B, 1);
    }),
  );
  const met = await play.met(2);
  play.goOn();
  return play.ending(epochs, met, async () => {
    const left = await play.cluster.words(A, B);
    return left.every((one) => one === 1);
  });
}

/** Reads two words, or one of them twice, while another epoch writes both. */
async function readBetween(options: EpochOptions, writer: EpochOptions, second: number): Promise<Ending> {
  const play = await Play.begin();
  const reader = play.epoch(0, options, async (e) => {
    const first = await e.load(A);
    await play.meet();
    return [first, await e.load(second)];
  });
  assert.ok(await play.met(1));
  const writing = play.epoch(1, writer, async (e) => {
    await e.store(A, 1);
    await e.store(B, 1);
  });
  const met = await settles(play.cluster.sim, writing);
  play.goOn();
  return play.ending([reader, writing], met, async () => {
    const [first, last] = await reader.catch(() => [0, 0]);
    return first !== last;
  });
}

/** Sees what an epoch has written that fails in the end, or writes something else in the end. */
async function earlyRead(options: EpochOptions, ending: "fails" | "goes on"): Promise<Ending> {
  const play = await Play.begin();
  const failure = new Error("it changed its mind");
  const writer = play.epoch(0, options, async (e) => {
    await e.store(A, 1);
    await play.meet();
    if (ending === "fails") throw failure;
    await e.store(A, 2);
  });
  assert.ok(await play.met(1));
  const seen = await play.cluster.run(play.epoch(1, options, (e) => e.load(A)));
  play.goOn();
  if (ending === "fails") await assert.rejects(play.cluster.run(writer), failure);
  else await play.cluster.run(writer);
  const [left] = await play.cluster.words(A);
  if (ending === "goes on") assert.equal(left, 2);
  else assert.equal(left, seen, "what failed is there from then on, or never was");
  return seen === 1 ? "it happens" : "not there";
}

/** Both write both words, in opposite orders. */
async function dirtyWrite(options: EpochOptions): Promise<Ending> {
  const play = await Play.begin();
  const epochs = ([0, 1] as const).map((client) =>
    play.epoch(client, options, async (e) => {
      const [first, second] = client === 0 ? [A, B] : [B, A];
      await e.store(first, client + 1);
      await play.meet();
      await e.store(second, client + 1);
    }),
  );
  const met = await play.met(2);
  play.goOn();
  return play.ending(epochs, met, async () => {
    const [a, b] = await play.cluster.words(A, B);
    return a !== b;
  });
}

/** Sees one of an epoch's writes to two targets, and not the other. */
async function tornWrites(options: EpochOptions): Promise<Ending> {
  const play = await Play.begin();
  const writer = play.epoch(0, options, async (e) => {
    await e.store(A, 1);
    await play.meet();
    await e.store(B, 1);
  });
  assert.ok(await play.met(1));
  const read = () => play.cluster.run(play.epoch(1, options, (e) => Promise.all([e.load(A), e.load(B)])));
  const before = await read();
  play.goOn();
  await play.cluster.run(writer);
  assert.deepEqual(await read(), [1, 1]);
  return before[0] === before[1] ? "not there" : "it happens";
}

describe("isolation", () => {
  const expected: Record<
    string,
    [attempt: (isolation: Isolation) => Promise<Ending>, Record<Isolation, Ending>]
  > = {
    "a lost update": [
      (isolation) => lostUpdate(isolated(isolation)),
      { none: "it happens", shared: "refused", exclusive: "waits", serializable: "conflict" },
    ],
    "a lost update of somebody who does not lock": [
      (isolation) => intrusion(isolated(isolation)),
      { none: "it happens", shared: "refused", exclusive: "it happens", serializable: "conflict" },
    ],
    "write skew": [
      (isolation) => writeSkew(isolated(isolation)),
      { none: "it happens", shared: "refused", exclusive: "waits", serializable: "conflict" },
    ],
    "read skew": [
      (isolation) => readBetween(isolated(isolation), writerBeside(isolation), B),
      { none: "it happens", shared: "waits", exclusive: "waits", serializable: "conflict" },
    ],
    "a read that cannot be repeated": [
      (isolation) => readBetween(isolated(isolation), writerBeside(isolation), A),
      { none: "it happens", shared: "waits", exclusive: "waits", serializable: "conflict" },
    ],
  };
  /** Who reads under locks is isolated from who writes under locks. */
  function writerBeside(isolation: Isolation): EpochOptions {
    return isolated(isolation === "shared" ? "exclusive" : isolation);
  }
  for (const [isolation, count] of [
    ["none", 2],
    ["shared", 2],
    ["exclusive", 1],
    ["serializable", 2],
  ] as const) {
    it(`${isolation}: of two that read the same, ${count} may be in their bodies at a time`, async () => {
      const play = await Play.begin();
      const epochs = ([0, 1] as const).map((client) =>
        play.epoch(client, isolated(isolation), async (e) => {
          await play.meet();
          return e.load(A);
        }),
      );
      assert.equal(await play.met(2), count === 2);
      play.goOn();
      assert.deepEqual(await play.cluster.run(Promise.all(epochs)), [0, 0]);
    });
  }
  for (const [anomaly, [attempt, endings]] of Object.entries(expected)) {
    for (const [isolation, ending] of Object.entries(endings) as [Isolation, Ending][]) {
      it(`${isolation}, ${anomaly}: ${ending}`, async () => {
        assert.equal(await attempt(isolation), ending);
      });
    }
  }
});

describe("atomicity", () => {
  const attempts = {
    "a dirty read, of what fails in the end": (options: EpochOptions) => earlyRead(options, "fails"),
    "an intermediate read": (options: EpochOptions) => earlyRead(options, "goes on"),
    "a dirty write": dirtyWrite,
    "half of what an epoch writes": tornWrites,
  };
  for (const [anomaly, attempt] of Object.entries(attempts)) {
    it(`none, ${anomaly}: it happens`, async () => {
      assert.equal(await attempt(withAtomicity("none")), "it happens");
    });
    it(`all, ${anomaly}: not there`, async () => {
      assert.equal(await attempt(withAtomicity("all")), "not there");
    });
  }
});

/** Of what is sent by it only so many bytes leave from now on. */
interface Valve {
  bytesLeft: number;
}

function valveOf(stream: Stream): Valve {
  const valve = { bytesLeft: Number.POSITIVE_INFINITY };
  const { send, sendSegments } = stream;
  const through = (length: number, sending: (length: number) => number): number => {
    if (valve.bytesLeft === 0) return WOULD_BLOCK;
    const sent = sending(Math.min(length, valve.bytesLeft));
    if (sent > 0) valve.bytesLeft -= sent;
    return sent;
  };
  stream.send = (memory, at, length) => through(length, (most) => send.call(stream, memory, at, most));
  stream.sendSegments = (segments, byteMax) =>
    through(byteMax, (most) => sendSegments.call(stream, segments, most));
  return valve;
}

/** A client over TCP whose stream to the target of word A may be held up, and one that looks by its own mapping. */
async function startHeldUp() {
  const { sim, run, windows } = await startEpochCluster(["direct"]);
  const streams = sim.recordDataStreams();
  const client = await sim.connect("tcp");
  const file = await run(client.open("/epochs"));
  const window = await run(file.window({ rights: "rw" }));
  await run(window.load(A));
  const valves = streams.map(valveOf);
  assert.equal(valves.length, 2, "one for each target");
  for (const valve of valves) valve.bytesLeft = 0;
  const probe = window.store(A, 1);
  const [first, second] = valves as [Valve, Valve];
  first.bytesLeft = Number.POSITIVE_INFINITY;
  const valve = (await settles(sim, probe)) ? first : second;
  second.bytesLeft = Number.POSITIVE_INFINITY;
  await run(probe);
  return { sim, run, window, other: windows[0], valve };
}

describe("consistency", () => {
  for (const consistency of ["relaxed", "release"] as const) {
    const says = consistency === "relaxed" ? "may not be" : "is";
    it(`${consistency}: what an epoch wrote ${says} in place at another target once it is closed`, async () => {
      const { run, windows } = await startEpochCluster(["tcp", "direct"]);
      const [mine, other] = windows as unknown as [DidafsWindow, DidafsWindow];
      await run(other.load(A));
      await run(other.load(B));
      await run(
        mine.epoch({ consistency, isolation: "none", durability: "memory" }, async (e) => {
          await e.store(A, 1);
          await e.store(B, 1);
        }),
      );
      // Its own mapping: nobody is stepped for it.
      const seen = [other.loadSync(A), other.loadSync(B)];
      assert.deepEqual(seen, consistency === "relaxed" ? [1, 0] : [1, 1]);
      // Whoever reads in an epoch waits for the rest.
      assert.deepEqual(await run(other.epoch((e) => Promise.all([e.load(A), e.load(B)]))), [1, 1]);
    });
  }

  for (const consistency of ["release", "sequential"] as const) {
    const says = consistency === "release" ? "may overtake" : "does not overtake";
    it(`${consistency}: an access to one target ${says} the one to another target before it`, async () => {
      const { sim, run, window, other, valve } = await startHeldUp();
      valve.bytesLeft = 0;
      const epoch = window.epoch({ atomicity: "none", isolation: "none", consistency }, async (e) => {
        await Promise.all([e.store(A, 2), e.store(B, 2)]);
      });
      assert.equal(await settles(sim, epoch), false);
      const seen = [other.loadSync(A), other.loadSync(B)];
      assert.deepEqual(seen, consistency === "release" ? [1, 2] : [1, 0]);
      valve.bytesLeft = Number.POSITIVE_INFINITY;
      await run(epoch);
      assert.deepEqual(await run(Promise.all([other.load(A), other.load(B)])), [2, 2]);
    });
  }

  for (const [consistency, durability] of [
    ["relaxed", "none"],
    ["relaxed", "memory"],
    ["release", "memory"],
  ] as const) {
    const leaves = durability === "none";
    it(`${consistency}, durability ${durability}: what nobody waited for ${leaves ? "may come" : "never comes"} after the close`, async () => {
      const { sim, run, window, other, valve } = await startHeldUp();
      // A part of the store has left, so it is not taken back when its time is over.
      valve.bytesLeft = 16;
      const asked = { atomicity: "none", isolation: "none", consistency, durability } as const;
      let code: string | undefined;
      const epoch = window.epoch(asked, async (e) => {
        await e.store(A, 2, "i64", { timeoutMs: 100 }).catch((error) => {
          code = error.code;
        });
      });
      await sim.pass(1000);
      assert.equal(code, "ERR_TIMEOUT");
      assert.equal(await settles(sim, epoch), leaves);
      assert.equal(other.loadSync(A), 1);
      valve.bytesLeft = Number.POSITIVE_INFINITY;
      if (leaves) {
        assert.equal(await settles(sim, window.load(A)), true);
      } else await run(epoch);
      assert.equal(other.loadSync(A), 2);
    });
  }
});

/** @returns whether it does; else it waits for something */
async function settles(sim: EpochCluster["sim"], promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const settled = (): void => {
    isSettled = true;
  };
  promise.then(settled, settled);
  let rounds = ROUNDS;
  await sim.until(() => isSettled || rounds-- === 0);
  return isSettled;
}

describe("all 96 combinations", () => {
  it("run, or are refused before their bodies run, as docs/epochs.md says", async () => {
    const { run, windows } = await startEpochCluster();
    let [ran, stored] = [0, 0];
    for (const asked of allClasses()) {
      const { kind } = judge(asked);
      const refusal =
        kind === "invalid"
          ? "ERR_INVALID_EPOCH"
          : asked.durability === "replicated"
            ? "ERR_NOT_SUPPORTED"
            : undefined;
      if (refusal !== undefined) {
        const never = windows[0].epoch(asked, async () => assert.fail("it runs"));
        await assert.rejects(run(never), { code: refusal }, JSON.stringify(asked));
        continue;
      }
      ran += 1;
      if (asked.isolation === "shared") {
        assert.equal(await run(windows[0].epoch(asked, (e) => e.load(A))), stored, JSON.stringify(asked));
        continue;
      }
      stored += 1;
      await run(windows[0].epoch(asked, (e) => e.store(A, stored)));
      assert.equal(await run(windows[0].load(A)), stored, JSON.stringify(asked));
    }
    assert.equal(ran, 51);
  });
});
