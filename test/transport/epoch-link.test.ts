import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { statusOf } from "../../src/std/errors.ts";
import { EpochLink } from "../../src/transport/epoch-link.ts";
import { RemoteBinding } from "../../src/transport/transfer.ts";
import { LINE_BYTES } from "../../src/wire/epoch-message.ts";
import {
  commandHandle,
  commandLength,
  commandOffset,
  commandPayloadBytes,
  encodeAnswer,
  HEADER_BYTES,
  HEADER_WORDS,
  headerTag,
  OPCODE,
  operandAt,
  valueAt,
} from "../../src/wire/header.ts";
import { ScriptedTarget } from "./scripted-target.ts";

const LIMITS = { timeoutMs: 1000, signal: undefined };
const OFFSET = 100;

/** A target that is asked by epochs. */
class Fixture {
  readonly target = new ScriptedTarget(1000);
  readonly link = new EpochLink(this.target.access.link);
  readonly binding = new RemoteBinding(9);

  /** The header that begins at `at` bytes of what has arrived. */
  command(at: number): Int32Array {
    const words = new Int32Array(HEADER_WORDS);
    new Uint8Array(words.buffer).set(this.target.received.subarray(at, at + HEADER_BYTES));
    return words;
  }

  answer(words: Int32Array, opcode: number, value: number): void {
    const answer = new Int32Array(HEADER_WORDS);
    encodeAnswer(answer, 0, opcode, headerTag(words, 0), 0, 0);
    answer[valueAt(0)] = value;
    this.target.say(new Uint8Array(answer.buffer));
  }
}

describe("what epochs say to a worker", () => {
  it("reads bytes and the versions of their lines with one command", async () => {
    const fixture = new Fixture();
    const { target, link, binding } = fixture;
    const into = new Uint8Array(LINE_BYTES + 3);
    const reading = link.read(binding, OFFSET, LINE_BYTES - 1, into, LIMITS);
    await target.turn(1);
    const words = fixture.command(0);
    const payload = new Uint8Array(into.length + 3 * 8);
    assert.deepEqual(
      [commandHandle(words, 0), commandOffset(words, 0), commandLength(words, 0), words[operandAt(0)]],
      [9, OFFSET, payload.length, into.length],
    );
    payload.fill(7, 0, into.length);
    const view = new DataView(payload.buffer, into.length);
    [1n, 2n ** 33n, 3n].forEach((version, i) => void view.setBigUint64(8 * i, version, true));
    target.answer(target.command(0), 0, payload);
    await target.turn(5);
    assert.deepEqual(await reading, [1, 2 ** 33, 3]);
    assert.ok(into.every((byte) => byte === 7));
    assert.equal(binding.pending, 0);
  });

  it("gives no versions where an epoch is about to write a line", async () => {
    const { target, link, binding } = new Fixture();
    const reading = link.read(binding, 0, 0, new Uint8Array(LINE_BYTES + 1), LIMITS);
    await target.turn(1);
    const payload = new Uint8Array(LINE_BYTES + 1 + 16);
    payload[payload.length - 1] = 0x80;
    target.answer(target.command(0), 0, payload);
    await target.turn(5);
    assert.equal(await reading, undefined);
  });

  it("ends the connection where an answer has not all that was asked for", async () => {
    const { target, link, binding } = new Fixture();
    const reading = link.read(binding, 0, 0, new Uint8Array(16), LIMITS);
    const lost = assert.rejects(reading, { code: "ERR_SESSION_LOST", applied: "no" });
    await target.turn(1);
    target.answer(target.command(0), 0, new Uint8Array(16));
    await target.turn(5);
    await lost;
    assert.equal(target.connection.ended, true);
  });

  it("passes on what the target refuses a read with", async () => {
    const { target, link, binding } = new Fixture();
    const refused = assert.rejects(link.read(binding, 0, 0, new Uint8Array(16), LIMITS), {
      code: "ERR_RANGE",
      applied: "no",
    });
    await target.turn(1);
    target.answer(target.command(0), statusOf("ERR_RANGE"));
    await target.turn(5);
    await refused;
  });

  it("says a message of any length, also one that fits a header, and gives its answer", async () => {
    const fixture = new Fixture();
    const { target, link } = fixture;
    let at = 0;
    for (const length of [3, 8, 5000]) {
      const payload = new Uint8Array(length).fill(length & 255);
      const telling = link.tell(payload, LIMITS);
      await target.turn(2);
      const words = fixture.command(at);
      assert.equal(target.command(at).opcode, OPCODE.EPOCH);
      assert.equal(commandPayloadBytes(words, 0), length);
      assert.deepEqual(target.received.subarray(at + HEADER_BYTES), Buffer.from(payload));
      at += HEADER_BYTES + length;
      fixture.answer(words, OPCODE.EPOCH, 3);
      await target.turn(5);
      assert.equal(await telling, 3);
    }
  });

  it("gives up a message that was not sent, certain that it had no effect", async () => {
    const { target, link } = new Fixture();
    target.room = 0;
    // The connection sends nothing, and takes so many commands at a time.
    const waits = Array.from({ length: 600 }, () =>
      link.tell(new Uint8Array(100), { ...LIMITS, timeoutMs: 10 }),
    );
    const outcomes = Promise.allSettled(waits);
    await target.turn(500);
    const applied = (await outcomes).map((one) => one.status === "rejected" && one.reason.applied);
    assert.equal(applied.at(0), "unknown");
    assert.equal(applied.at(-1), "no");
  });

  it("sends all of a message that nobody waits for any more: half of one would end the connection", async () => {
    const fixture = new Fixture();
    const { target, link } = fixture;
    const payload = new Uint8Array(1000).fill(5);
    target.room = 500;
    const controller = new AbortController();
    const telling = assert.rejects(link.tell(payload, { timeoutMs: 1000, signal: controller.signal }), {
      code: "ERR_ABORTED",
      applied: "unknown",
    });
    await target.turn(2);
    controller.abort();
    await telling;
    target.room = Number.POSITIVE_INFINITY;
    target.wake();
    await target.turn(5);
    assert.deepEqual(target.received.subarray(HEADER_BYTES), Buffer.from(payload));
    fixture.answer(fixture.command(0), OPCODE.EPOCH, 0);
    target.wake();
    await target.turn(5);
    assert.deepEqual([target.connection.outstanding, target.connection.ended], [0, false]);
  });
});
