import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Budget } from "../../src/cli/copy/budget.ts";
import { CHUNK_BYTES, passBytes } from "../../src/cli/copy/chunks.ts";
import { copyFile } from "../../src/cli/copy/copy-file.ts";
import type { Sink, Source } from "../../src/cli/copy/ends.ts";
import { localTree } from "../../src/cli/copy/local-tree.ts";
import { readAhead } from "../../src/cli/copy/read-ahead.ts";
import { mapInOrder } from "../../src/cli/map-in-order.ts";
import { scratch } from "../runtime/scratch.ts";

const signal = new AbortController().signal;
const random = (): number => Math.floor(Math.random() * 3);

const SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 9 * CHUNK_BYTES + 17];
const SAMPLE = new Uint8Array(Math.max(...SIZES));
for (let at = 0; at < SAMPLE.length; at += 1) SAMPLE[at] = at * 31 + (at >>> 12);

const bytesOf = (size: number): Uint8Array => SAMPLE.subarray(0, size);

function memorySource(bytes: Uint8Array) {
  let closed = 0;
  const source: Source = {
    size: bytes.byteLength,
    mode: 0o640,
    read: async (at, into) => {
      await sleep(random());
      into.set(bytes.subarray(at, at + into.byteLength));
    },
    close: async () => {
      closed += 1;
    },
  };
  return { source, closed: () => closed };
}

function memorySink(size: number, inOrder: boolean) {
  const bytes = new Uint8Array(size);
  const ends: string[] = [];
  let next = 0;
  const sink: Sink = {
    inOrder,
    write: async (at, from) => {
      if (inOrder) assert.equal(at, next, "chunks come in order");
      await sleep(random());
      bytes.set(from, at);
      next = at + from.byteLength;
    },
    read: async (at, into) => into.set(bytes.subarray(at, at + into.byteLength)),
    commit: async () => void ends.push("commit"),
    discard: async () => void ends.push("discard"),
  };
  return { sink, bytes, ends };
}

for (const inOrder of [false, true]) {
  for (const verify of [false, true]) {
    test(`files of every size arrive whole (in order: ${inOrder}, verify: ${verify})`, async () => {
      for (const size of SIZES) {
        const { source, closed } = memorySource(bytesOf(size));
        const { sink, bytes, ends } = memorySink(size, inOrder);
        let told = 0;
        const onBytes = (count: number): void => {
          told += count;
        };
        const options = { verify, signal, budget: new Budget(1 << 20), onBytes };
        const copied = await copyFile(
          async () => source,
          async () => sink,
          options,
        );
        assert.deepEqual([copied, told, closed(), ends], [size, size, 1, ["commit"]]);
        assert.ok(Buffer.from(bytes).equals(bytesOf(size)), `size ${size}`);
      }
    });
  }
}

test("verify finds one wrong bit, and the copy does not get its name", async () => {
  const { source } = memorySource(bytesOf(3 * CHUNK_BYTES));
  const { sink, ends } = memorySink(source.size, false);
  const spoiled: Sink = {
    ...sink,
    read: async (at, into) => {
      await sink.read?.(at, into);
      if (at === CHUNK_BYTES) into[7] = (into[7] as number) ^ 1;
    },
  };
  const options = { verify: true, signal, budget: new Budget(1), onBytes() {} };
  await assert.rejects(
    copyFile(
      async () => source,
      async () => spoiled,
      options,
    ),
    { code: "ERR_CORRUPT" },
  );
  assert.deepEqual(ends, ["discard"]);
});

test("a failure on either side discards the copy, closes the source and gives the memory back", async () => {
  const fail = async (): Promise<never> => {
    await sleep(1);
    throw new Error("broken");
  };
  for (const broken of ["read", "write", "commit"]) {
    const { source, closed } = memorySource(bytesOf(6 * CHUNK_BYTES));
    const { sink, ends } = memorySink(source.size, false);
    const budget = new Budget(100);
    const options = { verify: false, signal, budget, onBytes() {} };
    const from = broken === "read" ? { ...source, read: fail } : source;
    const to = broken === "read" ? sink : { ...sink, [broken]: fail };
    await assert.rejects(
      copyFile(
        async () => from,
        async () => to,
        options,
      ),
      /broken/,
    );
    assert.deepEqual([ends, closed()], [["discard"], 1], broken);
    (await budget.take(100))();
  }
});

test("an interrupted copy is discarded", async () => {
  const stop = new AbortController();
  const { source, closed } = memorySource(bytesOf(9 * CHUNK_BYTES));
  const { sink, ends } = memorySink(source.size, false);
  const options = {
    verify: false,
    signal: stop.signal,
    budget: new Budget(1),
    onBytes: () => stop.abort(new Error("enough")),
  };
  await assert.rejects(
    copyFile(
      async () => source,
      async () => sink,
      options,
    ),
    /enough/,
  );
  assert.deepEqual([ends, closed()], [["discard"], 1]);
});

test("when passing fails, nothing is in flight any more", async () => {
  let inFlight = 0;
  const read = async (at: number): Promise<void> => {
    inFlight += 1;
    await sleep(at === 0 ? 1 : 20);
    inFlight -= 1;
    if (at === 0) throw new Error("first");
  };
  const inTurn = (): void => assert.fail("no chunk before the first can be seen");
  await assert.rejects(passBytes({ size: 4 * CHUNK_BYTES, read, inTurn, signal }), /first/);
  assert.equal(inFlight, 0);
});

test("a budget is never exceeded, serves in order, and lets one that is too big through alone", async () => {
  const budget = new Budget(10);
  let used = 0;
  const order: number[] = [];
  const worker = async (amount: number): Promise<void> => {
    const give = await budget.take(amount);
    order.push(amount);
    used += Math.min(amount, 10);
    assert.ok(used <= 10);
    await sleep(random());
    used -= Math.min(amount, 10);
    give();
  };
  const amounts = [4, 5, 3, 99, 1, 10, 2];
  await Promise.all(amounts.map(worker));
  assert.deepEqual(order, amounts);
});

async function* numbers(count: number, produced: { count: number }): AsyncGenerator<number> {
  for (let at = 0; at < count; at += 1) {
    produced.count += 1;
    yield at;
  }
}

test("reading ahead keeps order and bound, passes the failure on after the items before it, and ends early", async () => {
  const produced = { count: 0 };
  const seen: number[] = [];
  for await (const item of readAhead(numbers(50, produced), 5)) {
    seen.push(item);
    await sleep(1);
    assert.ok(produced.count <= seen.length + 6, `${produced.count} after ${seen.length}`);
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 50 }, (_, at) => at),
  );

  async function* failing(): AsyncGenerator<number> {
    yield* numbers(3, produced);
    throw new Error("end");
  }
  const before: number[] = [];
  await assert.rejects(async () => {
    for await (const item of readAhead(failing(), 5)) before.push(item);
  }, /end/);
  assert.deepEqual(before, [0, 1, 2]);

  for await (const item of readAhead(numbers(1000, { count: 0 }), 5)) if (item === 3) break;
});

test("results come in order with a bounded number under way", async () => {
  let underWay = 0;
  const body = async (item: number): Promise<number> => {
    underWay += 1;
    assert.ok(underWay <= 4);
    await sleep(random());
    underWay -= 1;
    return item * 2;
  };
  const results: number[] = [];
  for await (const result of mapInOrder(numbers(30, { count: 0 }), 4, body)) results.push(result);
  assert.deepEqual(
    results,
    Array.from({ length: 30 }, (_, at) => at * 2),
  );
});

test("a local file that cannot be made is told by its name, not by its draft's", async () => {
  using place = scratch();
  const nowhere = path.join(place.dir, "nowhere");
  await assert.rejects(localTree.openSink(path.join(nowhere, "file"), { size: 1, mode: 0o600 }), {
    code: "ENOENT",
    message: `there is no directory ${nowhere}`,
    path: nowhere,
  });
});
