import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Key, KvEngine, KvReader } from "../../src/ports/kv.ts";

export interface EngineFixture {
  /** The engine over what was committed before; a second call first closes the first engine. */
  open(): Promise<KvEngine>;
  close(): Promise<void>;
}

const key = (...bytes: number[]): Key => Uint8Array.from(bytes);
const text = (value: Uint8Array | undefined) => value && Buffer.from(value).toString();
const END = key(255, 255);

function listed(reader: KvReader, start = key(0), end = END, limit = 10_000): [number[], string][] {
  return [...reader.scan(start, end, limit)].map(([at, value]) => [[...at], Buffer.from(value).toString()]);
}

/** What every engine must do. `make` gives a fixture with an empty store. */
export function kvConformance(name: string, make: () => Promise<EngineFixture>): void {
  const on = (title: string, body: (engine: KvEngine, fixture: EngineFixture) => Promise<void>) =>
    test(title, async () => {
      const fixture = await make();
      try {
        await body(await fixture.open(), fixture);
      } finally {
        await fixture.close();
      }
    });
  const put = (engine: KvEngine, ...pairs: [Key, string][]) =>
    engine.transact((transaction) => {
      for (const [at, value] of pairs) transaction.set(at, Buffer.from(value));
    });

  describe(`key-value engine: ${name}`, () => {
    on("what was set is read; what was deleted, or never set, is undefined", async (engine) => {
      await put(engine, [key(1), "one"], [key(2), ""]);
      await engine.transact((transaction) => transaction.delete(key(9)));
      assert.equal(
        engine.read((reader) => text(reader.get(key(1)))),
        "one",
      );
      assert.equal(engine.read((reader) => reader.get(key(2)))?.byteLength, 0);
      await engine.transact((transaction) => transaction.delete(key(1)));
      assert.equal(
        engine.read((reader) => reader.get(key(1))),
        undefined,
      );
    });

    on("scans are in the order of bytes, from start to before end, at most limit", async (engine) => {
      const keys = [key(0), key(0, 0), key(0, 1), key(1), key(1, 0), key(127), key(128), key(254, 255)];
      await put(engine, ...keys.toReversed().map((at): [Key, string] => [at, "v"]));
      const all = engine.read((reader) => listed(reader).map(([at]) => at));
      assert.deepEqual(
        all,
        keys.map((at) => [...at]),
      );
      const some = engine.read((reader) => listed(reader, key(0, 1), key(127)).map(([at]) => at));
      assert.deepEqual(some, [[0, 1], [1], [1, 0]]);
      assert.equal(engine.read((reader) => listed(reader, key(0), END, 2)).length, 2);
      assert.deepEqual(
        engine.read((reader) => listed(reader, key(0), END, 0)),
        [],
      );
      assert.deepEqual(
        engine.read((reader) => listed(reader, key(2), key(2))),
        [],
      );
    });

    on("a transaction sees its own writes, in gets and in scans", async (engine) => {
      await put(engine, [key(1), "a"], [key(2), "b"]);
      const seen = await engine.transact((transaction) => {
        transaction.set(key(1), Buffer.from("A"));
        transaction.delete(key(2));
        transaction.set(key(3), Buffer.from("c"));
        return [text(transaction.get(key(1))), transaction.get(key(2)), listed(transaction)];
      });
      assert.deepEqual(seen, [
        "A",
        undefined,
        [
          [[1], "A"],
          [[3], "c"],
        ],
      ]);
    });

    on(
      "a body that throws writes nothing and rejects with its error; its neighbours commit",
      async (engine) => {
        const broken = new Error("no");
        const before = put(engine, [key(1), "before"]);
        const failing = engine.transact((transaction) => {
          transaction.set(key(1), Buffer.from("never"));
          transaction.set(key(2), Buffer.from("never"));
          throw broken;
        });
        const after = engine.transact((transaction) => {
          transaction.set(key(3), Buffer.from(text(transaction.get(key(1))) ?? "nothing"));
          return transaction.get(key(2));
        });
        await assert.rejects(failing, (error) => error === broken);
        await before;
        assert.equal(await after, undefined);
        assert.deepEqual(
          engine.read((reader) => listed(reader)),
          [
            [[1], "before"],
            [[3], "before"],
          ],
        );
      },
    );

    on("transactions asked for together run one after the other", async (engine) => {
      const increments = Array.from({ length: 50 }, () =>
        engine.transact((transaction) => {
          const next = Number(text(transaction.get(key(1))) ?? 0) + 1;
          transaction.set(key(1), Buffer.from(String(next)));
          return next;
        }),
      );
      assert.deepEqual(
        await Promise.all(increments),
        increments.map((_, i) => i + 1),
      );
    });

    on("what a read returned stays as it was", async (engine) => {
      await put(engine, [key(1), "first"], [key(2), "second"]);
      const [one, two] = engine.read((reader) => [reader.get(key(1)), reader.get(key(2))]);
      const scanned = engine.read((reader) => [...reader.scan(key(0), END, 10)]);
      await put(engine, [key(1), "xxxxx"], [key(2), "yyyyyy"]);
      engine.read((reader) => reader.get(key(1)));
      assert.deepEqual([text(one), text(two)], ["first", "second"]);
      assert.deepEqual(
        scanned.map(([, value]) => text(value)),
        ["first", "second"],
      );
    });

    on("the arguments belong to the caller again once the call has returned", async (engine) => {
      const at = key(5);
      const value = Buffer.from("mine");
      await engine.transact((transaction) => {
        transaction.set(at, value);
        at[0] = 6;
        value.fill(0);
      });
      assert.deepEqual(
        engine.read((reader) => listed(reader)),
        [[[5], "mine"]],
      );
    });

    on("what resolved is there after the engine was opened anew", async (engine, fixture) => {
      await put(engine, [key(7), "kept"]);
      const again = await fixture.open();
      assert.equal(
        again.read((reader) => text(reader.get(key(7)))),
        "kept",
      );
    });

    on("long keys and values", async (engine) => {
      const long = new Uint8Array(1900).fill(200);
      const value = Buffer.alloc(100_000, 7);
      await engine.transact((transaction) => transaction.set(long, value));
      assert.deepEqual(
        engine.read((reader) => reader.get(long)),
        value,
      );
    });

    on("a closed engine refuses", async (engine) => {
      await engine.close();
      await assert.rejects(
        engine.transact(() => 1),
        { code: "ERR_CLOSED" },
      );
      assert.throws(() => engine.read(() => 1), { code: "ERR_CLOSED" });
    });

    on("agrees with a sorted map under any transactions", async (engine) => {
      const anyKey = fc.array(fc.constantFrom(0, 1, 2, 127, 128, 255), { minLength: 1, maxLength: 4 });
      const step = fc.oneof(
        fc.record({ set: anyKey, value: fc.string({ maxLength: 20 }) }),
        fc.record({ delete: anyKey }),
        fc.record({ from: anyKey, to: anyKey, limit: fc.nat(10) }),
      );
      const transaction = fc.record({ steps: fc.array(step, { maxLength: 12 }), fails: fc.boolean() });
      const model = new Map<string, string>();
      await fc.assert(
        fc.asyncProperty(fc.array(transaction, { maxLength: 6 }), async (transactions) => {
          const runs = transactions.map(({ steps, fails }) => {
            const draft = new Map(model);
            const expected = steps.map((one) => applyTo(draft, one));
            if (!fails) for (const part of [model]) replace(part, draft);
            const run = engine.transact((kv) => {
              const got = steps.map((one) => {
                if ("set" in one) return kv.set(key(...one.set), Buffer.from(one.value));
                if ("delete" in one) return kv.delete(key(...one.delete));
                return listed(kv, key(...one.from), key(...one.to), one.limit);
              });
              assert.deepEqual(got, expected);
              if (fails) throw new Error("undo");
            });
            return fails ? assert.rejects(run, /undo/) : run;
          });
          await Promise.all(runs);
          assert.deepEqual(
            engine.read((reader) => listed(reader, key(0), key(255, 255, 255, 255, 255))),
            sorted(model),
          );
        }),
        { numRuns: 60 },
      );
    });
  });
}

type Step =
  | { set: number[]; value: string }
  | { delete: number[] }
  | { from: number[]; to: number[]; limit: number };

const nameOf = (bytes: number[]) => Buffer.from(bytes).toString("hex");

function applyTo(draft: Map<string, string>, step: Step): [number[], string][] | undefined {
  if ("set" in step) draft.set(nameOf(step.set), step.value);
  else if ("delete" in step) draft.delete(nameOf(step.delete));
  else {
    const [from, to] = [nameOf(step.from), nameOf(step.to)];
    return sorted(draft)
      .filter(([at]) => nameOf(at) >= from && nameOf(at) < to)
      .slice(0, step.limit);
  }
  return undefined;
}

function sorted(model: Map<string, string>): [number[], string][] {
  return [...model.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([at, value]) => [[...Buffer.from(at, "hex")], value]);
}

function replace(model: Map<string, string>, by: Map<string, string>): void {
  model.clear();
  for (const [at, value] of by) model.set(at, value);
}
