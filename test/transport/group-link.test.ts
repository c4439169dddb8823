import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isDidafsError, statusOf } from "../../src/std/errors.ts";
import { type GroupKey, GroupLink } from "../../src/transport/group-link.ts";
import {
  encodeAnswer,
  HEADER_BYTES,
  HEADER_WORDS,
  headerTag,
  OPCODE,
  valueAt,
} from "../../src/wire/header.ts";
import { ScriptedTarget } from "./scripted-target.ts";

const LIMITS = { timeoutMs: 4_000_000_000, signal: undefined };
const KEY: GroupKey = [0x11111111, 0x22222222, 0x33333333, 0x44444444];

/** A target that members of groups speak to. */
class Fixture {
  readonly target = new ScriptedTarget(1000);
  readonly link = new GroupLink(this.target.access.link);

  /** The only command, or the `index`-th, that has come: what of it is not zero, by its byte. */
  async fields(index = 0): Promise<Record<number, number>> {
    await this.target.turn(1);
    assert.equal(this.target.receivedBytes, (index + 1) * HEADER_BYTES);
    const words = this.#words(index);
    return Object.fromEntries(
      [...words.entries()].filter(([, word]) => word !== 0).map(([i, word]) => [4 * i, word >>> 0]),
    );
  }

  #words(index: number): Int32Array {
    const words = new Int32Array(HEADER_WORDS);
    new Uint8Array(words.buffer).set(
      this.target.received.subarray(index * HEADER_BYTES, (index + 1) * HEADER_BYTES),
    );
    return words;
  }

  async answer(opcode: number, status: number, low: number, high: number): Promise<void> {
    await this.target.turn(1);
    const answer = new Int32Array(HEADER_WORDS);
    encodeAnswer(answer, 0, opcode, headerTag(this.#words(0), 0), status, 0);
    answer[valueAt(0)] = low;
    answer[valueAt(0) + 1] = high;
    this.target.say(new Uint8Array(answer.buffer));
    await this.target.turn(5);
  }
}

const refused =
  (code: "ERR_PROTOCOL" | "ERR_GROUP_ENDED" | "ERR_GROUP_TAKEN", value?: bigint) => (error: unknown) =>
    isDidafsError(error, code) && error.value === value && error.applied === "no";

describe("what members of groups say to a worker, golden bytes", () => {
  it("joins, also for longer than a payload is long", async () => {
    const fixture = new Fixture();
    const joining = fixture.link.join(KEY, 5, 3, LIMITS);
    const { 0: begin, 8: tag, ...fields } = await fixture.fields();
    assert.equal(begin, 0x12_01_d1_da);
    assert.ok(tag !== undefined);
    assert.deepEqual(fields, {
      16: 5,
      20: 4,
      24: 4_000_000_000,
      32: KEY[0],
      36: KEY[1],
      40: KEY[2],
      44: KEY[3],
    });
    await fixture.answer(OPCODE.GROUP_JOIN, 0, -2, 0x0007_0003);
    assert.deepEqual(await joining, { number: 7 * 2 ** 32 + 2 ** 32 - 2, rank: 3 });
  });

  it("comes to a barrier of a late round of a late group", async () => {
    const fixture = new Fixture();
    const [number, round] = [7 * 2 ** 32 + 9, 3 * 2 ** 32 + 1];
    const waiting = fixture.link.barrier(KEY, number, round, LIMITS);
    const { 8: _, ...fields } = await fixture.fields();
    assert.deepEqual(fields, { 0: 0x13_01_d1_da, 16: 1, 20: 3, 32: 9, 36: 7, 40: 4_000_000_000 });
    await fixture.answer(OPCODE.GROUP_BARRIER, 0, 0, 0);
    await waiting;
  });

  it("leaves", async () => {
    const fixture = new Fixture();
    const leaving = fixture.link.leave(KEY, LIMITS);
    const { 8: _, ...fields } = await fixture.fields();
    assert.deepEqual(fields, { 0: 0x14_01_d1_da, 32: KEY[0], 36: KEY[1], 40: KEY[2], 44: KEY[3] });
    await fixture.answer(OPCODE.GROUP_LEAVE, 0, 1, 0);
    await leaving;
  });
});

describe("what a target may answer to members of groups", () => {
  it("a rank that cannot be, or that was not asked for, is no place in a group", async () => {
    for (const [rank, given] of [
      [undefined, 5],
      [undefined, 0xffff],
      [3, 2],
    ] as const) {
      const fixture = new Fixture();
      const joining = fixture.link.join(KEY, 5, rank, LIMITS);
      joining.catch(() => {});
      await fixture.answer(OPCODE.GROUP_JOIN, 0, 1, given);
      await assert.rejects(joining, refused("ERR_PROTOCOL"));
      assert.equal((await fixture.fields(1))[0], 0x14_01_d1_da, "what it has by now is left");
    }
  });

  it("a refusal tells why, and of an end the rank", async () => {
    const fixture = new Fixture();
    const waiting = fixture.link.barrier(KEY, 1, 0, LIMITS);
    waiting.catch(() => {});
    await fixture.answer(OPCODE.GROUP_BARRIER, statusOf("ERR_GROUP_ENDED"), 4, 0);
    await assert.rejects(waiting, refused("ERR_GROUP_ENDED", 4n));
    const other = new Fixture();
    const joining = other.link.join(KEY, 2, undefined, LIMITS);
    joining.catch(() => {});
    await other.answer(OPCODE.GROUP_JOIN, statusOf("ERR_GROUP_TAKEN"), 4, 0);
    await assert.rejects(joining, refused("ERR_GROUP_TAKEN"));
  });

  it("silence ends a second after the deadline, and what was asked is taken back", async () => {
    const fixture = new Fixture();
    const waiting = fixture.link.barrier(KEY, 1, 0, { timeoutMs: 100, signal: undefined });
    const errors: unknown[] = [];
    waiting.catch((error) => void errors.push(error));
    await fixture.target.turn(20, 50);
    assert.equal(errors.length, 0, "the target may be about to say who is missing");
    await fixture.target.turn(20, 50);
    const [error] = errors;
    assert.ok(isDidafsError(error, "ERR_TIMEOUT") && error.applied === "unknown", String(error));
    fixture.target.wake();
    assert.equal((await fixture.fields(1))[0], 0x14_01_d1_da);
  });
});
