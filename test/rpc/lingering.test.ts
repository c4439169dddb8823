/** Who is turned away while he still sends is told why. On real sockets, where an early close would reset the connection. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Memory } from "../../src/ports/memory.ts";
import { ENDED, type Stream, WOULD_BLOCK } from "../../src/ports/network.ts";
import { RpcChannel } from "../../src/rpc/channel.ts";
import { commandFrame } from "../../src/rpc/frame.ts";
import { LINGER_BYTES_MAX, LINGER_MS } from "../../src/rpc/limits.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { SimNetwork } from "../../src/sim/network.ts";
import { codeOf, DidafsError } from "../../src/std/errors.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { answerStatus, HEADER_BYTES } from "../../src/wire/header.ts";
import { connectedPair, until } from "../system/support.ts";

const refusal = new DidafsError("ERR_AUTH", "no");

/** Refuses whoever says hello. */
function refusing(stream: Stream, memory: SimMemory | typeof systemMemory, clock = new SimClock()) {
  const channel: RpcChannel = new RpcChannel({
    stream,
    memory,
    clock,
    peer: "them",
    handlers: {
      hello: () => {
        channel.closeWhenSent(refusal);
        throw refusal;
      },
    },
  });
  return { channel, clock };
}

const hello = commandFrame(1, { method: "hello", params: { role: "origin", nonce: "ab".repeat(32) } });
const more = new Uint8Array(64 << 10);

for (const kind of ["tcp", "unix"] as const) {
  test(`${kind}: the reason reaches a caller that goes on sending`, (t) => {
    const address =
      kind === "tcp"
        ? ({ kind, host: "127.0.0.1", port: 0 } as const)
        : ({ kind, name: `didafs-lingering-${process.pid}` } as const);
    const { client, server } = connectedPair(t, address);
    const { channel } = refusing(server, systemMemory);
    client.send(systemMemory.borrow(hello as Uint8Array<ArrayBuffer>), 0, hello?.byteLength as number);
    until("the refusal", () => channel.doWork(0) > 0);
    const junk = systemMemory.borrow(more);
    for (let turn = 0; turn < 10; turn += 1) {
      const sent = client.send(junk, 0, more.byteLength);
      assert.notEqual(sent, ENDED, `turn ${turn}`);
      channel.doWork(0);
    }
    const into: Memory = systemMemory.allocate(4096);
    const count = until("the answer", () => {
      const received = client.recv(into, 0, 4096);
      return received !== WOULD_BLOCK && received;
    });
    assert.ok(count >= HEADER_BYTES);
    assert.equal(codeOf(answerStatus(into.i32, 0)), "ERR_AUTH");
    until("the end", () => client.recv(into, 0, 4096) === ENDED);
    assert.equal(channel.ended, undefined);
    client.close();
    until("the channel's end", () => {
      channel.doWork(0);
      return channel.ended === refusal;
    });
  });
}

describe("a peer that does not leave is left", () => {
  async function turnedAway() {
    const memory = new SimMemory();
    const [stream, raw] = new SimNetwork({ bufferBytes: 4 << 20 }).pair("tcp");
    const { channel, clock } = refusing(stream, memory);
    raw.send(memory.borrow(hello as Uint8Array<ArrayBuffer>), 0, hello?.byteLength as number);
    channel.doWork(0);
    channel.doWork(0);
    assert.equal(channel.ended, undefined);
    return { memory, channel, clock, raw };
  }

  test("after a time", async () => {
    const { channel } = await turnedAway();
    assert.equal(channel.dueMs, LINGER_MS);
    channel.doWork(LINGER_MS);
    assert.equal(channel.ended, refusal);
  });

  test("after what it sends in vain", async () => {
    const { memory, channel, raw } = await turnedAway();
    let sent = 0;
    while (channel.ended === undefined) {
      assert.ok(sent <= 2 * LINGER_BYTES_MAX);
      sent += raw.send(memory.borrow(more), 0, more.byteLength);
      for (let step = 0; step < 10; step += 1) channel.doWork(0);
    }
    assert.equal(channel.ended, refusal);
    assert.ok(sent > LINGER_BYTES_MAX);
  });
});
