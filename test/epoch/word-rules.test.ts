import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WORD_ACTION } from "../../src/epoch/word-actions.ts";
import { WORD_LIMITS, type WordClaim } from "../../src/epoch/word-wait.ts";
import { WordWaits } from "../../src/epoch/word-waits.ts";

const KINDS = Object.keys(WORD_ACTION);
const AT = 16;

/** The waits, and 64 bytes that each region shares. */
class Words extends WordWaits<string> {
  readonly memory: DataView;
  /** How often a word was looked at. */
  looks: number;

  constructor() {
    const memory = new DataView(new ArrayBuffer(64));
    super((_, at, bytes, into) => {
      this.looks += 1;
      into[0] = memory.getInt32(at, true);
      into[1] = bytes === 8 ? memory.getInt32(at + 4, true) : 0;
    });
    this.memory = memory;
    this.looks = 0;
  }

  waits(name: string, claim: Partial<WordClaim> = {}, waitMs = 1000, nowMs = 0): string[] {
    const word = { session: 1, handle: 1, region: "5.0", at: AT, bytes: 8, low: 0, high: 0 } as const;
    this.wait({ ...word, ...claim }, waitMs, name, nowMs);
    return this.said();
  }

  writes(value: number, at: number = AT): string[] {
    this.memory.setUint32(at, value, true);
    this.touched("5.0", at, 4);
    return this.said();
  }

  said(): string[] {
    const { count, kinds, waiters, lows, highs } = this.actions;
    const lines = Array.from({ length: count }, (_, i) => {
      const kind = KINDS[kinds[i] as number] as string;
      const value = kind === "CHANGED" ? ` ${(highs[i] as number) >>> 0}:${(lows[i] as number) >>> 0}` : "";
      return `${waiters[i]} ${kind}${value}`;
    });
    this.actions.clear();
    return lines;
  }
}

describe("waits for words", () => {
  it("are answered at once where the word is another one already, also where no wait has room", () => {
    const words = new Words();
    for (let i = 0; i < WORD_LIMITS.sessionWaitsMax; i += 1) assert.deepEqual(words.waits("a"), []);
    assert.deepEqual(words.waits("more"), ["more REFUSED"]);
    assert.deepEqual(words.waits("another", { low: 1 }), ["another CHANGED 0:0"]);
    assert.deepEqual(words.waits("a try", {}, 0), ["a try TIMED_OUT"]);
    assert.deepEqual(words.waits("somebody", { session: 2 }), []);
  });

  it("are answered with what the word is, both halves of it, however they are signed", () => {
    const words = new Words();
    words.memory.setUint32(AT + 4, 0xffff_fffe, true);
    assert.deepEqual(words.waits("signed", { high: -2 }), []);
    assert.deepEqual(words.waits("unsigned", { high: 0xffff_fffe }), []);
    assert.deepEqual(words.writes(0xffff_fffe, AT + 4), []);
    assert.deepEqual(words.writes(0xffff_ffff, AT + 4), [
      "signed CHANGED 4294967295:0",
      "unsigned CHANGED 4294967295:0",
    ]);
  });

  it("compare no more of a short word than it has", () => {
    const words = new Words();
    assert.deepEqual(words.waits("short", { bytes: 4, high: 5 }), []);
    assert.deepEqual(words.writes(1, AT + 4), []);
    assert.deepEqual(words.writes(7), ["short CHANGED 0:7"]);
  });

  it("look at the words that a write has touched, and at no others", () => {
    const words = new Words();
    words.waits("a");
    words.waits("b", { at: AT + 8, bytes: 4 });
    words.looks = 0;
    for (const [at, length] of [
      [AT - 8, 8],
      [AT + 12, 4],
      [AT, 0],
    ] as const)
      words.touched("5.0", at, length);
    words.touched("6.0", AT, 8);
    assert.equal(words.looks, 0);
    words.touched("5.0", AT + 7, 2);
    assert.equal(words.looks, 2);
  });

  it("miss no word that is changed back by a later write, but one that is changed back before anybody is told", () => {
    const words = new Words();
    words.waits("a");
    assert.deepEqual(words.writes(1), ["a CHANGED 0:1"]);
    assert.deepEqual(words.writes(0), []);
    words.waits("b");
    words.memory.setUint32(AT, 1, true);
    assert.deepEqual(words.writes(0), []);
    assert.equal(words.count, 1);
  });

  it("end in time, and see what nobody has told of", () => {
    const words = new Words();
    words.waits("a", {}, 100);
    words.waits("b", { at: AT + 8 }, 300);
    words.waits("c", { at: AT + 16 }, 100);
    words.memory.setUint32(AT + 16, 5, true);
    assert.equal(words.dueMs, 100);
    words.expire(99);
    assert.deepEqual(words.said(), []);
    words.expire(100);
    assert.deepEqual(words.said(), ["a TIMED_OUT", "c CHANGED 0:5"]);
    assert.equal(words.dueMs, 300);
  });

  it("end with their window and their session, and leave nothing watched", () => {
    const words = new Words();
    words.waits("a", { handle: 1 });
    words.waits("b", { handle: 2 });
    words.waits("c", { handle: 1, session: 2, region: "6.0" });
    words.closeHandle(1, 1);
    assert.deepEqual(words.said(), ["a CANCELLED"]);
    assert.ok(words.isWatched("5.0"));
    words.endWaits(1);
    assert.deepEqual(words.said(), ["b CANCELLED"]);
    assert.ok(!words.isWatched("5.0") && words.isWatched("6.0"));
    assert.deepEqual([words.count, words.sessionCount], [1, 1]);
  });

  it("are so many at most, in a region and in all, and a write wakes all of them", () => {
    const { regionWaitsMax, waitsMax } = WORD_LIMITS;
    const words = new Words();
    for (let i = 0; i < waitsMax; i += 1)
      assert.deepEqual(
        words.waits("a", { session: 10 + i, region: `${Math.floor(i / regionWaitsMax)}` }),
        [],
      );
    assert.deepEqual(words.waits("more", { region: "0" }), ["more REFUSED"]);
    assert.deepEqual(words.waits("more", { region: "more" }), ["more REFUSED"]);
    words.memory.setUint32(AT, 1, true);
    words.touched("0", AT, 8);
    assert.equal(words.said().length, regionWaitsMax);
    assert.equal(words.count, waitsMax - regionWaitsMax);
    words.expire(1000);
    assert.ok(words.said().every((one) => one === "a CHANGED 0:1"));
    assert.equal(words.count + words.sessionCount, 0);
  });
});
