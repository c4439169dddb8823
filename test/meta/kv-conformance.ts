import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { KEY_BYTES_MAX, type Key, type KvEngine, type KvReader } from "../../src/ports/kv.ts";
import type { EngineHome } from "./engine-homes.ts";

/** Of the home that is made to be full. */
export const SMALL_BYTES = 4 << 20;

const key = (...bytes: number[]): Key => Uint8Array.from(bytes);
const text = (value: Uint8Array | undefined) => value && Buffer.from(value).toString();
const END = key(255, 255);

function listed(reader: KvReader, start = key(0), end = END, limit = 10_000): [number[], string][] {
  return [...reader.scan(start, end, limit)].map(([at, value]) => [[...at], Buffer.from(value).toString()]);
}

/**
 * What every engine must do. `make` gives an empty home.
 * @param makeSmall one whose drive has SMALL_BYTES; undefined where this machine cannot make one
 */
export function kvConformance(
  name: string,
  make: () => EngineHome,
  makeSmall: (() => EngineHome) | undefined,
): void {
  const on = (
    title: string,
    body: (engine: KvEngine, home: EngineHome) => Promise<void>,
    makeHome: () => EngineHome = make,
  ) =>
    test(title, async () => {
      const home = makeHome();
      try {
        await body(home.open(), home);
      } finally {
        await home.close();
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

    on("what a read returned belongs to the caller", async (engine) => {
      await put(engine, [key(1), "mine"]);
      engine.read((reader) => reader.get(key(1))?.fill(0));
      engine.read((reader) => {
        for (const [at, value] of reader.scan(key(0), END, 10)) {
          at.fill(9);
          value.fill(9);
        }
      });
      assert.deepEqual(
        engine.read((reader) => listed(reader)),
        [[[1], "mine"]],
      );
    });

    on("a read sees one state: what is durable when it begins", async (engine) => {
      await put(engine, [key(1), "old"], [key(2), "old"]);
      const both = (reader: KvReader) => [
        text(reader.get(key(1))),
        ...listed(reader).map(([, value]) => value),
      ];
      let writing: Promise<void> | undefined;
      const during = engine.read((reader) => {
        writing = put(engine, [key(1), "new"], [key(2), "new"]);
        return both(reader);
      });
      assert.deepEqual(during, ["old", "old", "old"]);
      assert.deepEqual(engine.read(both), ["old", "old", "old"], "asked for, but not durable yet");
      await writing;
      assert.deepEqual(engine.read(both), ["new", "new", "new"]);
    });

    on("reads between transactions see all of each or nothing", async (engine) => {
      const writes = Array.from({ length: 20 }, async (_, i) => {
        for (let round = 0; round < i % 4; round += 1) await Promise.resolve();
        await put(engine, [key(1), `${i}`], [key(2), `${i}`], [key(3), `${i}`]);
        return new Set(engine.read((reader) => listed(reader).map(([, value]) => value))).size;
      });
      assert.deepEqual(
        await Promise.all(writes),
        writes.map(() => 1),
      );
    });

    on(
      "a scan inside of a transaction skips what it deleted, and goes on to its limit behind it",
      async (engine) => {
        await put(engine, ...[1, 2, 3, 4, 5].map((at): [Key, string] => [key(at), `${at}`]));
        const seen = await engine.transact((transaction) => {
          for (const at of [1, 3]) transaction.delete(key(at));
          transaction.set(key(3, 0), Buffer.from("3.0"));
          const first = listed(transaction, key(0), END, 2);
          for (const [at] of first) transaction.delete(key(...at));
          transaction.set(key(1), Buffer.from("again"));
          return [first, listed(transaction, key(0), END, 2), listed(transaction)].map((entries) =>
            entries.map(([, value]) => value),
          );
        });
        assert.deepEqual(seen, [
          ["2", "3.0"],
          ["again", "4"],
          ["again", "4", "5"],
        ]);
      },
    );

    on("scans end where they are told to, whatever the limit", async (engine) => {
      await put(engine, ...[1, 2, 3].map((at): [Key, string] => [key(at), ""]));
      const count = (start: Key, end: Key, limit: number) =>
        engine.read((reader) => listed(reader, start, end, limit).length);
      assert.deepEqual(
        [0, 1, 3, 4, 1e6].map((limit) => count(key(0), END, limit)),
        [0, 1, 3, 3, 3],
      );
      assert.equal(count(key(1), key(3), 10), 2);
      assert.equal(count(key(3), key(1), 10), 0, "an end before the start");
      assert.equal(count(key(3, 0), END, 10), 0);
    });

    on("a big transaction is one", async (engine, home) => {
      const count = 20_000;
      const numbered = (number: number): Key => key(number >> 16, (number >> 8) & 255, number & 255);
      await engine.transact((transaction) => {
        for (let i = 0; i < count; i += 1) transaction.set(numbered((i * 7919) % count), Buffer.from(`${i}`));
      });
      const undone = engine.transact((transaction) => {
        for (let i = 0; i < count; i += 1) transaction.delete(numbered(i));
        throw new Error("undo");
      });
      await assert.rejects(undone, /undo/);
      await home.crash();
      const again = home.open();
      const all = again.read((reader) => [...reader.scan(key(0), END, count + 1)]);
      assert.equal(all.length, count);
      assert.ok(all.every(([at], i) => Buffer.compare(at, numbered(i)) === 0));
    });

    on("what resolved is there after the engine was closed and opened anew", async (engine, home) => {
      await put(engine, [key(7), "kept"]);
      await engine.close();
      const again = home.open();
      assert.equal(
        again.read((reader) => text(reader.get(key(7)))),
        "kept",
      );
    });

    on(
      "after a crash: what resolved, all of it, and of what was under way whole transactions",
      async (engine, home) => {
        let opened = engine;
        for (let round = 0; round < 10; round += 1) {
          await put(opened, [key(1), `${round}`]);
          for (let i = 0; i < 4; i += 1) void put(opened, [key(2, i), `${round}`], [key(3, i), `${round}`]);
          await home.crash();
          opened = home.open();
          const found = opened.read((reader) => listed(reader));
          assert.deepEqual(found[0], [[1], `${round}`]);
          const valuesOf = (letter: number) =>
            found.filter(([at]) => at[0] === letter).map(([, value]) => value);
          assert.deepEqual(valuesOf(2), valuesOf(3));
        }
      },
    );

    on("keys from 1 to 1,900 bytes; others are refused, and the transaction with them", async (engine) => {
      const longest = new Uint8Array(KEY_BYTES_MAX).fill(200);
      await put(engine, [key(0), "shortest"], [longest, "longest"]);
      const found = engine.read((reader) => [...reader.scan(key(0), END, 10)]);
      assert.deepEqual(
        found.map(([at, value]) => [at.byteLength, text(value)]),
        [
          [1, "shortest"],
          [KEY_BYTES_MAX, "longest"],
        ],
      );
      const refusal = { code: "ERR_INVALID_ARGUMENT" };
      for (const wrong of [new Uint8Array(0), new Uint8Array(KEY_BYTES_MAX + 1).fill(200)]) {
        assert.throws(() => engine.read((reader) => reader.get(wrong)), refusal);
        assert.throws(() => engine.read((reader) => listed(reader, wrong)), refusal);
        assert.throws(() => engine.read((reader) => listed(reader, key(0), wrong)), refusal);
        await assert.rejects(put(engine, [key(5), "never"], [wrong, "never"]), refusal);
        await assert.rejects(
          engine.transact((transaction) => transaction.delete(wrong)),
          refusal,
        );
      }
      assert.equal(
        engine.read((reader) => reader.get(key(5))),
        undefined,
      );
    });

    on("values from nothing to several MiB", async (engine) => {
      const lengths = [0, 1, 4095, 4096, 4097, 100_000, 3 << 20];
      const filled = (length: number) => Buffer.alloc(length, length % 251);
      await engine.transact((transaction) => {
        for (const [at, length] of lengths.entries()) transaction.set(key(at), filled(length));
      });
      const values = engine.read((reader) => lengths.map((_, at) => reader.get(key(at))));
      for (const [at, length] of lengths.entries()) {
        assert.equal(Buffer.compare(values[at] ?? Buffer.of(1), filled(length)), 0, `${length} bytes`);
      }
    });

    on("a closed engine refuses", async (engine) => {
      await engine.close();
      await assert.rejects(
        engine.transact(() => 1),
        { code: "ERR_CLOSED" },
      );
      assert.throws(() => engine.read(() => 1), { code: "ERR_CLOSED" });
    });

    if (makeSmall !== undefined) {
      on(
        "a full drive is ERR_NO_SPACE for what needs space; the rest goes on",
        async (engine) => {
          const fill = async (count: number) => {
            for (let i = 0; i < count; i++) {
              await engine.transact((kv) => {
                for (let j = 0; j < 10; j++) kv.set(key(1, i, j), Buffer.alloc(3000));
              });
            }
          };
          await assert.rejects(fill(255), { code: "ERR_NO_SPACE" });
          const counted = () => engine.read((reader) => [...reader.scan(key(0), key(9), 10_000)].length);
          const before = counted();
          const tooMuch = engine.transact((kv) => {
            for (let j = 0; j < 250; j++) kv.set(key(2, j), Buffer.alloc(3000));
          });
          const neighbour = engine.transact((kv) => kv.delete(key(1, 0, 0)));
          await assert.rejects(tooMuch, { code: "ERR_NO_SPACE", applied: "no" });
          await neighbour;
          assert.equal(counted(), before - 1);
        },
        makeSmall,
      );
    }

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
