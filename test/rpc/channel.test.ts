import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DESCRIPTOR_LOST } from "../../src/ports/network.ts";
import { CALLS_IN_FLIGHT_MAX, CALLS_WAITING_MAX } from "../../src/rpc/limits.ts";
import { DidafsError, isDidafsError } from "../../src/std/errors.ts";
import type { Params } from "../../src/wire/control.ts";
import { failureOf, Pair, pathOf, STAT } from "./harness.ts";

const timeoutMs = 1000;

describe("calls and answers", () => {
  test("a call comes back with its result, in both directions", async () => {
    const pair = new Pair(
      { "meta.stat": (params) => ({ ...STAT, size: pathOf(params).length }) },
      { nearHandlers: { "region.remove": async () => ({}) } },
    );
    const there = pair.near.call("meta.stat", { path: "/abc", follow: true }, { timeoutMs });
    const back = pair.far.call("region.remove", { inode: 7, index: 0 }, { timeoutMs });
    await pair.settle();
    assert.equal((await there).size, 4);
    assert.deepEqual(await back, {});
  });

  test("an answer that lies there when its caller comes back late is taken", async () => {
    const pair = new Pair({ "meta.stat": () => STAT });
    const call = pair.near.call("meta.stat", { path: "/", follow: true }, { timeoutMs });
    pair.near.doWork(pair.clock.nowMs());
    pair.far.doWork(pair.clock.nowMs());
    // The caller's thread was blocked, or its process stopped.
    pair.clock.advance(2 * timeoutMs);
    await pair.settle();
    assert.deepEqual(await call, STAT);
  });

  test("answers overtake each other and find their calls, whatever the stream cuts", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const held: (() => void)[] = [];
      const pair = new Pair(
        {
          "meta.stat": (params) =>
            new Promise((resolve) => held.unshift(() => resolve({ ...STAT, size: Number(pathOf(params)) }))),
        },
        { network: { seed, bufferBytes: 300 } },
      );
      const calls = Array.from({ length: 40 }, (_, i) =>
        pair.near.call("meta.stat", { path: String(i), follow: true }, { timeoutMs }),
      );
      await pair.settle();
      for (const answer of held) answer();
      await pair.settle();
      assert.deepEqual(
        (await Promise.all(calls)).map(({ size }) => size),
        calls.map((_, i) => i),
        `seed ${seed}`,
      );
    }
  });

  test("a long payload passes, a longer one than a message may be is refused on either side", async () => {
    const long = "x".repeat(900_000);
    const pair = new Pair({
      "meta.stat": (params) => ({ ...STAT, size: pathOf(params).length }),
      "meta.readdir": () => ({
        inode: 1,
        entries: [{ name: "y".repeat(1_100_000), type: "file" }],
        more: false,
      }),
    });
    const passed = pair.near.call("meta.stat", { path: long, follow: true }, { timeoutMs });
    const tooLong = failureOf(
      pair.near.call("meta.stat", { path: `${long}${long}`, follow: true }, { timeoutMs }),
    );
    const answerTooLong = failureOf(
      pair.near.call("meta.readdir", { directory: { path: "/" } }, { timeoutMs }),
    );
    await pair.settle();
    assert.equal((await passed).size, long.length);
    assert.equal((await tooLong).code, "ERR_INVALID_ARGUMENT");
    assert.equal((await answerTooLong).code, "ERR_INTERNAL");
    assert.equal(pair.near.ended, undefined);
  });
});

describe("errors of a handler", () => {
  test("a raised error arrives with code, message, applied, path and target", async () => {
    const pair = new Pair({
      "meta.mkdir": () => {
        throw new DidafsError("ERR_NO_SPACE", "the drive is full", {
          applied: "yes",
          path: "/a",
          target: "t",
        });
      },
    });
    const failed = failureOf(pair.near.call("meta.mkdir", { path: "/a", recursive: false }, { timeoutMs }));
    await pair.settle();
    const error = await failed;
    assert.ok(isDidafsError(error, "ERR_NO_SPACE"));
    assert.equal(error.message, "the drive is full");
    assert.deepEqual([error.applied, error.path, error.target], ["yes", "/a", "t"]);
  });

  test("a fault is answered ERR_INTERNAL without its stack, and reported here", async () => {
    const faults: unknown[] = [];
    const pair = new Pair(
      { "meta.mkdir": () => Promise.reject(new TypeError("boom")) },
      { far: { onFault: (error, method) => faults.push([(error as Error).message, method]) } },
    );
    const failed = failureOf(pair.near.call("meta.mkdir", { path: "/a", recursive: false }, { timeoutMs }));
    await pair.settle();
    const error = await failed;
    assert.equal(error.code, "ERR_INTERNAL");
    assert.equal(error.applied, "unknown");
    assert.equal(error.message, "internal error: boom");
    assert.deepEqual(faults, [["boom", "meta.mkdir"]]);
  });

  test("wrong parameters name the field; unknown calls are refused; the channel lives on", async () => {
    const pair = new Pair({ "meta.stat": () => STAT });
    const wrong = { path: "/a", create: "yes", size: -1 } as Params<"meta.open">;
    const handlerless = failureOf(pair.near.call("meta.open", wrong, { timeoutMs }));
    const wrongField = failureOf(
      pair.near.call("meta.stat", { path: 5, follow: true } as unknown as Params<"meta.stat">, { timeoutMs }),
    );
    await pair.settle();
    assert.equal((await handlerless).code, "ERR_NOT_SUPPORTED");
    const error = await wrongField;
    assert.equal(error.code, "ERR_INVALID_ARGUMENT");
    assert.match(String(error.message), /meta\.stat: "path"/);
    assert.equal(pair.far.ended, undefined);
  });
});

describe("deadlines and limits", () => {
  test("a call without an answer expires; its late answer harms nobody", async () => {
    let answer = (): void => {};
    const pair = new Pair({
      "meta.stat": () => new Promise((resolve) => (answer = () => resolve(STAT))),
    });
    const late = failureOf(pair.near.call("meta.stat", { path: "/", follow: true }, { timeoutMs: 100 }));
    await pair.settle();
    await pair.settle(100);
    const error = await late;
    assert.deepEqual([error.code, error.applied], ["ERR_TIMEOUT", "unknown"]);
    answer();
    await pair.settle();
    assert.equal(pair.near.ended, undefined);
  });

  test("an aborted call rejects at once; one that had not left is taken back", async () => {
    const seen: string[] = [];
    const pair = new Pair({
      "meta.stat": (params) => {
        seen.push(pathOf(params));
        return STAT;
      },
    });
    const abort = new AbortController();
    const unsent = failureOf(
      pair.near.call("meta.stat", { path: "/1", follow: true }, { timeoutMs, signal: abort.signal }),
    );
    abort.abort();
    const dead = failureOf(
      pair.near.call("meta.stat", { path: "/2", follow: true }, { timeoutMs, signal: abort.signal }),
    );
    assert.deepEqual([(await unsent).code, (await unsent).applied], ["ERR_ABORTED", "no"]);
    assert.equal((await dead).code, "ERR_ABORTED");
    await pair.settle();
    assert.deepEqual(seen, []);
  });

  test("no more calls are in flight than the peer takes; the rest waits, and past a limit is refused", async () => {
    let open = 0;
    let most = 0;
    const held: (() => void)[] = [];
    const pair = new Pair({
      "meta.stat": async () => {
        most = Math.max(most, ++open);
        await new Promise<void>((resolve) => held.push(resolve));
        open -= 1;
        return STAT;
      },
    });
    const many = CALLS_IN_FLIGHT_MAX + CALLS_WAITING_MAX;
    const calls = Array.from({ length: many }, () =>
      pair.near.call("meta.stat", { path: "/", follow: true }, { timeoutMs }),
    );
    assert.equal(
      (await failureOf(pair.near.call("meta.stat", { path: "/", follow: true }, { timeoutMs }))).code,
      "ERR_TOO_MANY",
    );
    for (let answered = 0; answered < many; ) {
      await pair.settle();
      answered += held.length;
      for (const answer of held.splice(0)) answer();
    }
    await pair.settle();
    assert.equal((await Promise.all(calls)).length, many);
    assert.equal(most, CALLS_IN_FLIGHT_MAX);
  });

  test("two sides that flood each other over a narrow stream both get their answers", async () => {
    const handlers = { "meta.stat": () => ({ ...STAT, size: 1 }) };
    const pair = new Pair(handlers, { nearHandlers: handlers, network: { seed: 3, bufferBytes: 100 } });
    const path = "p".repeat(5000);
    const calls = [pair.near, pair.far].flatMap((channel) =>
      Array.from({ length: 200 }, () => channel.call("meta.stat", { path, follow: true }, { timeoutMs })),
    );
    await pair.settle();
    assert.equal((await Promise.all(calls)).length, 400);
  });
});

describe("the end", () => {
  test("pending calls reject naming the peer; what was never sent was not applied", async () => {
    const ends: string[] = [];
    const pair = new Pair(
      { "meta.stat": () => new Promise(() => {}) },
      { near: { onEnd: (reason) => ends.push(reason.code) } },
    );
    const sent = failureOf(pair.near.call("meta.stat", { path: "/", follow: true }, { timeoutMs }));
    await pair.settle();
    const unsent = failureOf(pair.near.call("meta.stat", { path: "/", follow: true }, { timeoutMs }));
    pair.far.close();
    await pair.settle();
    assert.deepEqual([(await sent).code, (await sent).applied], ["ERR_UNREACHABLE", "unknown"]);
    assert.deepEqual([(await unsent).code, (await unsent).applied], ["ERR_UNREACHABLE", "no"]);
    assert.match(String((await sent).message), /^far /);
    assert.deepEqual(ends, ["ERR_UNREACHABLE"]);
    const after = await failureOf(pair.near.call("meta.stat", { path: "/", follow: true }, { timeoutMs }));
    assert.deepEqual([after.code, after.applied], ["ERR_UNREACHABLE", "no"]);
  });

  test("an answer that comes after the end is dropped", async () => {
    let answer = (): void => {};
    const pair = new Pair({
      "meta.stat": () => new Promise((resolve) => (answer = () => resolve(STAT))),
    });
    const lost = failureOf(pair.near.call("meta.stat", { path: "/", follow: true }, { timeoutMs }));
    await pair.settle();
    pair.far.close();
    answer();
    await pair.settle();
    assert.equal((await lost).code, "ERR_UNREACHABLE");
  });
});

describe("passed descriptors", () => {
  const params = {
    capability: "00".repeat(128),
    at: 0,
    byteLength: 1,
    rights: "r",
    sharing: "managed",
    direct: true,
  } as const;
  const bound = {
    handle: 1,
    worker: 0,
    regionBytes: 1,
    dataOffset: 4096,
    direct: true,
    protection: "mmu",
  } as const;

  test("each arrives with its own answer and is released once sent", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const released: number[] = [];
      const answers: (() => void)[] = [];
      const pair = new Pair(
        {
          "window.bind": ({ at }, context) => {
            if (at % 3 !== 0) context.passDescriptor(at + 1000, () => released.push(at));
            return new Promise((resolve) => answers.unshift(() => resolve({ ...bound, handle: at })));
          },
        },
        { kind: "unix", network: { seed, bufferBytes: 200 } },
      );
      const calls = [1, 2, 3, 4, 5, 6].map((at) =>
        pair.near.callWithDescriptor("window.bind", { ...params, at }, { timeoutMs }),
      );
      await pair.settle();
      for (const answer of answers) answer();
      await pair.settle();
      const got = (await Promise.all(calls)).map(({ result, descriptor }) => [result.handle, descriptor]);
      assert.deepEqual(got, [
        [1, 1001],
        [2, 1002],
        [3, undefined],
        [4, 1004],
        [5, 1005],
        [6, undefined],
      ]);
      assert.deepEqual(released.sort(), [1, 2, 4, 5]);
    }
  });

  test("one that was lost on the way keeps its place: no answer gets another's, and the channel lives on", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const pair = new Pair(
        {
          "window.bind": ({ at }, context) => {
            // What the kernel puts in the place of one that it cannot install arrives as this in the simulation.
            context.passDescriptor(at % 2 === 0 ? DESCRIPTOR_LOST : at + 1000, () => {});
            return { ...bound, handle: at };
          },
        },
        { kind: "unix", network: { seed, bufferBytes: 200 } },
      );
      const calls = [1, 2, 3, 4, 5].map((at) =>
        pair.near.callWithDescriptor("window.bind", { ...params, at }, { timeoutMs }),
      );
      await pair.settle();
      const got = (await Promise.all(calls)).map(({ result, descriptor }) => [result.handle, descriptor]);
      assert.deepEqual(got, [
        [1, 1001],
        [2, DESCRIPTOR_LOST],
        [3, 1003],
        [4, DESCRIPTOR_LOST],
        [5, 1005],
      ]);
      assert.equal(pair.near.ended, undefined);
    }
  });

  test("one that nobody waits for is closed; one that is never sent is released", async () => {
    const closed: number[] = [];
    const released: number[] = [];
    const answers: (() => void)[] = [];
    const pair = new Pair(
      {
        "window.bind": ({ at }, context) => {
          context.passDescriptor(at, () => released.push(at));
          if (at === 3) throw new DidafsError("ENOENT", "gone");
          return new Promise((resolve) => answers.push(() => resolve(bound)));
        },
      },
      { kind: "unix", near: { closeDescriptor: (descriptor) => closed.push(descriptor) } },
    );
    const late = failureOf(
      pair.near.callWithDescriptor("window.bind", { ...params, at: 1 }, { timeoutMs: 10 }),
    );
    const ignored = pair.near.call("window.bind", { ...params, at: 2 }, { timeoutMs });
    const failed = failureOf(pair.near.call("window.bind", { ...params, at: 3 }, { timeoutMs }));
    const unsent = failureOf(pair.near.call("window.bind", { ...params, at: 4 }, { timeoutMs }));
    await pair.settle();
    await pair.settle(10);
    for (const answer of answers.splice(0, 2)) answer();
    await pair.settle();
    assert.equal((await late).code, "ERR_TIMEOUT");
    assert.equal((await ignored).handle, 1);
    assert.equal((await failed).code, "ENOENT");
    assert.deepEqual(closed, [1, 2]);
    pair.far.close();
    for (const answer of answers) answer();
    await pair.settle();
    assert.equal((await unsent).code, "ERR_UNREACHABLE");
    assert.deepEqual(released.sort(), [1, 2, 3, 4]);
  });
});
