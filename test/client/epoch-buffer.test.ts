import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { DidafsWindow, EpochAccess, Op } from "../../src/client/api.ts";
import { BufferedAccess } from "../../src/client/buffered-access.ts";
import { EpochBuffer } from "../../src/client/epoch-buffer.ts";
import { epochTerms } from "../../src/client/epoch-terms.ts";
import type { EpochRegion, EpochWindow } from "../../src/client/epoch-window.ts";
import type { Origin } from "../../src/client/origin.ts";
import { SeenLines } from "../../src/client/seen-lines.ts";
import { Stripes } from "../../src/client/stripes.ts";
import { WrittenBytes } from "../../src/client/written-bytes.ts";
import { LINE_BYTES } from "../../src/wire/epoch-message.ts";

const REGIONS = 3;
const UNIT = 32;
const START = 8;
const BYTES = 160;

/** A window on bytes whose reads take as many turns as a test says. */
class Bytes {
  readonly bytes = Uint8Array.from({ length: BYTES }, (_, i) => (i * 37) & 255);
  /** Of every line of a region. */
  version = 0;
  readonly stripes = new Stripes(START, BYTES, UNIT, REGIONS);
  readonly buffer: EpochBuffer;
  readonly access: EpochAccess;
  readonly epochWindow: EpochWindow;
  readonly #delays: readonly number[];
  #reads = 0;
  #nowMs = 0;
  /** How many reads find an epoch about to write there. */
  takenReads = 0;

  constructor(serializable: boolean, delays: readonly number[]) {
    this.#delays = delays;
    const regions = this.stripes.bindings.map(({ index, at }) => {
      const bound = { session: 1, handle: index, home: { target: "", worker: index } };
      return { bound, key: String(index), at, drive: "file", binding: { handle: index } };
    });
    const check = (at: number, length: number): void => assert.ok(at >= 0 && at + length <= BYTES);
    this.epochWindow = {
      window: {} as DidafsWindow,
      path: "/bytes",
      timeoutMs: 1000,
      stripes: this.stripes,
      regions: regions as unknown as EpochRegion[],
      volatileDrive: false,
      checkOpen: () => {},
      checkRead: check,
      checkWrite: check,
      checkWord: () => {},
      changed: () => {},
      comes: () => {},
      holdOpen: () => {},
    };
    const origin = {
      nowMs: () => this.#nowMs,
      sleep: async (ms: number) => {
        this.#nowMs += ms;
      },
      versionReader: () => undefined,
      epochLink: async (_: number, worker: number) => ({
        read: async (_binding: unknown, at: number, regionAt: number, into: Uint8Array) => {
          assert.equal(regionAt - at, regions[worker]?.at);
          for (let i = 0; i < BYTES; i += 1) {
            const offset = this.stripes.offsetOf(i) - at;
            if (this.stripes.indexOf(i) === worker && offset >= 0 && offset < into.length)
              into[offset] = this.bytes[i] as number;
          }
          await this.#pass();
          this.takenReads -= 1;
          if (this.takenReads < 0) return [this.version];
          into.fill(255);
          return undefined;
        },
      }),
    } as unknown as Origin;
    this.buffer = new EpochBuffer(origin, serializable);
    this.access = new BufferedAccess(this.buffer, this.epochWindow, epochTerms({}, 1000), () => {});
  }

  async #pass(): Promise<void> {
    const turns = this.#delays[this.#reads % this.#delays.length] ?? 0;
    this.#reads += 1;
    for (let i = 0; i < turns; i += 1) await Promise.resolve();
  }

  /** What the bytes are once all that was written takes effect. */
  outcome(): Uint8Array {
    const after = this.bytes.slice();
    for (const { region, written } of this.buffer.parts) {
      for (const { at, bytes } of written.pieces) {
        for (let i = 0; i < BYTES; i += 1) {
          const offset = this.stripes.offsetOf(i) + region.at - at;
          const isThere = this.stripes.indexOf(i) === region.bound.handle && offset >= 0;
          if (isThere && offset < bytes.length) after[i] = bytes[offset] as number;
        }
      }
    }
    return after;
  }
}

type Step =
  | { readonly kind: "get" | "put"; readonly at: number; readonly length: number; readonly fill: number }
  | {
      readonly kind: "store" | "swap" | "add" | "max" | "replace";
      readonly at: number;
      readonly value: number;
    }
  | { readonly kind: "accumulate"; readonly at: number; readonly values: number[] };

const word = fc.nat(BYTES / 4 - 1).map((index) => index * 4);
const value = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const run = fc
  .record({ at: fc.nat(BYTES), length: fc.nat(BYTES), fill: fc.nat(255) })
  .map(({ at, length, fill }) => ({ at, length: Math.min(length, BYTES - at), fill }));
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constantFrom("get", "put"), run).map(([kind, rest]) => ({ kind, ...rest }) as Step),
  fc
    .tuple(fc.constantFrom("store", "swap", "add", "max", "replace"), word, value)
    .map(([kind, at, operand]) => ({ kind, at, value: operand }) as Step),
  fc.tuple(word, fc.array(value, { maxLength: 5 })).map(([at, values]) => ({
    kind: "accumulate" as const,
    at,
    values: values.slice(0, (BYTES - at) / 4),
  })),
);

/** The same on a plain array, at once. @returns what it gives */
function model(bytes: Uint8Array, one: Step): unknown {
  const view = new DataView(bytes.buffer);
  const change = (op: Op | "swap", at: number, operand: number): number => {
    const before = view.getInt32(at, true);
    const after = { add: before + operand, max: Math.max(before, operand) }[op as "add" | "max"] ?? operand;
    if (op !== "swap" || before === 0) view.setInt32(at, after | 0, true);
    return before;
  };
  switch (one.kind) {
    case "get":
      return bytes.slice(one.at, one.at + one.length);
    case "put":
      return void bytes.fill(one.fill, one.at, one.at + one.length);
    case "store":
      return void view.setInt32(one.at, one.value, true);
    case "accumulate":
      one.values.forEach((operand, i) => void change("add", one.at + 4 * i, operand));
      return undefined;
    default:
      return change(one.kind, one.at, one.value);
  }
}

function make(access: EpochAccess, one: Step): Promise<unknown> {
  switch (one.kind) {
    case "get":
      return access.get(one.at, new Uint8Array(one.length));
    case "put": {
      const from = new Uint8Array(one.length).fill(one.fill);
      const done = access.put(one.at, from);
      from.fill(0);
      return done;
    }
    case "store":
      return access.store(one.at, one.value, "i32");
    case "swap":
      return access.compareAndSwap(one.at, 0, one.value, "i32");
    case "accumulate":
      return access.accumulate("add", one.at, Int32Array.from(one.values));
    default:
      return access.fetchOp(one.kind, one.at, one.value, "i32");
  }
}

describe("what an atomic epoch buffers", () => {
  for (const serializable of [true, false]) {
    it(`reads as a plain array would, in the order of issue (serializable ${serializable})`, async () => {
      const delays = fc.array(fc.nat(6), { minLength: 1, maxLength: 7 });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), delays, async (steps, turns) => {
          const subject = new Bytes(serializable, turns);
          const before = subject.bytes.slice();
          const expected = subject.bytes.slice();
          const given = await Promise.all(steps.map((one) => make(subject.access, one)));
          assert.deepEqual(
            given,
            steps.map((one) => model(expected, one)),
          );
          assert.deepEqual(subject.outcome(), expected);
          assert.deepEqual(subject.bytes, before, "nothing has left it");
        }),
        { numRuns: 300 },
      );
    });
  }

  it("is in conflict once a line that was read has another version, and stays so", async () => {
    const subject = new Bytes(true, [0]);
    await subject.access.load(0, "i32");
    subject.version = 1;
    const conflict = { code: "ERR_EPOCH_CONFLICT", applied: "no" };
    await assert.rejects(subject.access.load(4, "i32"), conflict);
    assert.equal((subject.buffer.conflict as { code?: string } | undefined)?.code, "ERR_EPOCH_CONFLICT");
  });

  it("does not write what a swap leaves alone", async () => {
    const subject = new Bytes(false, [0]);
    await subject.access.compareAndSwap(0, 1, 2, "i32");
    assert.deepEqual(
      [...subject.buffer.parts].flatMap(({ written }) => written.pieces),
      [],
    );
  });

  for (const serializable of [true, false]) {
    it(`asks again while an epoch is about to write what it reads (serializable ${serializable})`, async () => {
      const subject = new Bytes(serializable, [0]);
      subject.takenReads = 5;
      const into = new Uint8Array(8);
      assert.deepEqual(await subject.access.get(0, into), subject.bytes.subarray(0, 8));
      assert.equal(subject.takenReads, -1);
      subject.takenReads = Number.POSITIVE_INFINITY;
      await assert.rejects(subject.access.get(0, into), { code: "ERR_TIMEOUT", applied: "no" });
    });
  }

  it("goes on after an access that failed", async () => {
    const subject = new Bytes(true, [0]);
    subject.takenReads = Number.POSITIVE_INFINITY;
    await assert.rejects(subject.access.load(0, "i32"), { code: "ERR_TIMEOUT" });
    subject.takenReads = 0;
    await subject.access.store(0, 7, "i32");
    await subject.buffer.settled();
    assert.equal(await subject.access.load(0, "i32"), 7);
  });
});

it("written bytes are those of an array, in pieces that do not overlap, through whom they were put last", () => {
  const put = fc.tuple(fc.nat(60), fc.uint8Array({ maxLength: 20 }), fc.constantFrom("one", "two"));
  fc.assert(
    fc.property(fc.array(put, { maxLength: 30 }), fc.nat(60), fc.nat(30), (puts, at, length) => {
      const written = new WrittenBytes<string>();
      const bytes = new Array<number | undefined>(100).fill(undefined);
      const through = new Array<string | undefined>(100).fill(undefined);
      for (const [from, put, who] of puts) {
        written.write(from, put.slice(), who);
        bytes.splice(from, put.length, ...put);
        through.fill(who, from, from + put.length);
      }
      const into = new Uint8Array(length).fill(99);
      written.overlay(at, into);
      assert.deepEqual(
        [...into],
        Array.from(into, (_, i) => bytes[at + i] ?? 99),
      );
      let end = 0;
      const found = new Array<string | undefined>(100).fill(undefined);
      for (const piece of written.pieces) {
        assert.ok(piece.at >= end && piece.bytes.length > 0, "they overlap, or are in no order");
        end = piece.at + piece.bytes.length;
        found.fill(piece.through, piece.at, end);
      }
      assert.deepEqual(found, through);
    }),
  );
});

it("lines that were seen are those of the region, each once, by a byte that the window has", () => {
  const seen = new SeenLines<string>();
  assert.equal(seen.saw(LINE_BYTES - 1, [5, 6], "one"), true);
  assert.equal(seen.saw(LINE_BYTES + 10, [6, 7], "two"), true);
  assert.deepEqual(
    [...seen.lines],
    [
      { at: LINE_BYTES - 1, version: 5, through: "one" },
      { at: LINE_BYTES, version: 6, through: "one" },
      { at: 2 * LINE_BYTES, version: 7, through: "two" },
    ],
  );
  assert.equal(seen.saw(LINE_BYTES, [8], "one"), false);
});
