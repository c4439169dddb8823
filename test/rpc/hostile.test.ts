import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { RpcChannel } from "../../src/rpc/channel.ts";
import { answerFrame, commandFrame } from "../../src/rpc/frame.ts";
import { CALLS_IN_FLIGHT_MAX, STRANGER_PAYLOAD_BYTES_MAX } from "../../src/rpc/limits.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { SimNetwork } from "../../src/sim/network.ts";
import { DidafsError } from "../../src/std/errors.ts";
import { failureOf, pathOf, STAT, settle } from "./harness.ts";

const memory = new SimMemory();

/** A channel that serves meta.stat, one call of its own under way, and the raw stream at its other end. */
function victim(admitted = true) {
  const clock = new SimClock();
  const [stream, raw] = new SimNetwork({ bufferBytes: 4 << 20 }).pair("tcp");
  const faults: unknown[] = [];
  const channel = new RpcChannel({
    stream,
    memory,
    clock,
    peer: "them",
    onFault: (error) => faults.push(error),
  });
  if (admitted) channel.admit({ "meta.stat": () => STAT });
  const call = failureOf(channel.call(admitted ? "meta.stat" : "hello", {} as never, { timeoutMs: 1000 }));
  const receive = () => {
    const parts: Uint8Array[] = [];
    for (;;) {
      const into = memory.borrow(new Uint8Array(4096));
      const count = raw.recv(into, 0, 4096);
      if (count < 0) return Buffer.concat(parts);
      parts.push(into.u8.subarray(0, count));
    }
  };
  const send = async (bytes: Uint8Array) => {
    raw.send(memory.borrow(bytes), 0, bytes.byteLength);
    await settle(clock, [channel]);
  };
  return { clock, channel, call, faults, raw, receive, send };
}

const command = (message: unknown, tag = 9) => commandFrame(tag, message) as Uint8Array<ArrayBuffer>;
const answer = (message: unknown, tag = 1, status = 0) =>
  answerFrame(tag, status, message, false) as Uint8Array<ArrayBuffer>;
const withText = (frame: Uint8Array, text: string) => {
  frame.set(new TextEncoder().encode(text), 64);
  return frame;
};
const withByte = (frame: Uint8Array, at: number, byte: number) => {
  frame[at] = byte;
  return frame;
};

describe("malformed input ends the channel with a typed error", () => {
  const cases: [name: string, frame: Uint8Array, code: string, message: RegExp][] = [
    ["bad magic", new Uint8Array(64).fill(71), "ERR_PROTOCOL", /magic/],
    ["another opcode", withByte(command({}), 3, 2), "ERR_PROTOCOL", /opcode 2/],
    ["a payload past the limit", withByte(command({}), 59, 1), "ERR_PROTOCOL", /payload of/],
    ["no JSON", withText(command({ a: 1 }), "{{{"), "ERR_PROTOCOL", /not JSON/],
    ["no UTF-8", withByte(command("abc"), 65, 0xff), "ERR_PROTOCOL", /not JSON/],
    ["no method", command({ params: {} }), "ERR_PROTOCOL", /no method/],
    ["an unknown tag", answer(STAT, 77), "ERR_PROTOCOL", /never made/],
    ["an answer of another shape", answer({ inode: "x" }), "ERR_PROTOCOL", /"inode"/],
    ["a failure without a message", answer({}, 1, 1), "ERR_PROTOCOL", /without a message/],
    ["a descriptor that did not come", withByte(answer(STAT), 4, 1), "ERR_PROTOCOL", /descriptor/],
    ["an answer of another version", withByte(answer(STAT), 2, 9), "ERR_VERSION", /version 9.*is 1/],
  ];
  for (const [name, frame, code, message] of cases) {
    test(name, async () => {
      const { channel, call, send } = victim();
      await send(frame);
      assert.equal(channel.ended?.code, code);
      assert.match(channel.ended?.message ?? "", message);
      const pending = (await call).code;
      assert.ok(
        ["ERR_PROTOCOL", "ERR_VERSION", "ERR_UNREACHABLE"].includes(String(pending)),
        String(pending),
      );
    });
  }

  test("a command of another version is answered in ours, then the channel ends", async () => {
    const { clock, channel, raw, send, receive } = victim();
    receive();
    await send(withByte(command({ method: "meta.stat", params: {} }), 2, 2));
    const reply = receive();
    raw.close();
    await settle(clock, [channel]);
    assert.equal(channel.ended?.code, "ERR_VERSION");
    const text = new TextDecoder().decode(reply);
    assert.match(text, /wire version 2, this is 1/);
  });

  test("one call more than may be in flight", async () => {
    const { channel, send } = victim();
    channel.admit({ "meta.stat": () => new Promise(() => {}) });
    for (let i = 0; i <= CALLS_IN_FLIGHT_MAX; i++) {
      assert.equal(channel.ended, undefined);
      await send(command({ method: "meta.stat", params: { path: "/", follow: true } }, i));
    }
    assert.equal(channel.ended?.code, "ERR_PROTOCOL");
  });

  test("a stranger's payload is bounded more tightly", async () => {
    const { channel, send } = victim(false);
    await send(command("x".repeat(STRANGER_PAYLOAD_BYTES_MAX)));
    assert.equal(channel.ended?.code, "ERR_PROTOCOL");
  });
});

test("an error about what is nearly as long as a message is answered all the same", async () => {
  const { channel, faults, send, receive } = victim();
  const long = "/".padEnd(1_000_000, "x");
  const refuse = (path: string): never => {
    throw new DidafsError("EINVAL", `${path}: no`, { path, target: path });
  };
  channel.admit({
    "meta.stat": (params) => refuse(pathOf(params)),
    "meta.mkdir": async ({ path }) => refuse(path),
  });
  const asked = [
    { method: "meta.stat", params: { path: long, follow: true } },
    { method: "meta.stat", params: { path: "\0".repeat(170_000), follow: true } },
    { method: "meta.mkdir", params: { path: long, recursive: false } },
    { method: "meta.mkdir", params: { path: "/", recursive: long } },
    { method: long, params: {} },
  ];
  for (const message of asked) {
    receive();
    await send(command(message));
    assert.match(new TextDecoder().decode(receive()), /"message":/);
  }
  assert.equal(channel.ended, undefined);
  assert.deepEqual(faults, []);
});

test("names that every object has are no calls", async () => {
  const { channel, send, receive } = victim();
  for (const method of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
    receive();
    await send(command({ method, params: {} }));
    assert.match(new TextDecoder().decode(receive()), /there is no call/);
  }
  assert.equal(channel.ended, undefined);
});

test("mutated frames never crash the channel, never hang it, and are no fault of ours", async () => {
  const frames = fc.array(
    fc.oneof(
      fc.constant(command({ method: "meta.stat", params: { path: "/a", follow: true } })),
      fc.constant(answer(STAT)),
      fc.constant(answer({ message: "no" }, 1, 1)),
      fc.json().map((text) => command(JSON.parse(text))),
      fc.json().map((text) => answer(JSON.parse(text))),
      fc.uint8Array({ maxLength: 200 }),
    ),
    { minLength: 1, maxLength: 4 },
  );
  const mutations = fc.array(
    fc.record({ at: fc.nat(400), byte: fc.integer({ min: 0, max: 255 }), cut: fc.boolean() }),
    { maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(frames, mutations, async (parts, changes) => {
      let bytes = Buffer.concat(parts);
      for (const { at, byte, cut } of changes) {
        if (cut) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
        else if (at < bytes.byteLength) bytes[at] = byte;
      }
      if (bytes.byteLength === 0) return;
      const { channel, call, clock, faults, raw, send } = victim();
      await send(bytes);
      raw.close();
      await settle(clock, [channel]);
      assert.ok(channel.ended);
      await call;
      assert.deepEqual(faults, []);
    }),
    { numRuns: 400 },
  );
});
