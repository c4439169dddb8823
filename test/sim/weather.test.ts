import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ENDED, WOULD_BLOCK } from "../../src/ports/network.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { HostNetwork } from "../../src/sim/host-network.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { SimNetwork } from "../../src/sim/network.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { SimWeather } from "../../src/sim/weather.ts";

const memory = new SimMemory();
/** Longer than any latency in quiet weather. */
const LONG_MS = 1000;

function world(seed = 1) {
  const clock = new SimClock();
  const weather = new SimWeather(clock, new SimRandom(seed), 0);
  const network = new SimNetwork({ weather });
  const [near, far] = [new HostNetwork(network, "a"), new HostNetwork(network, "b")];
  const listener = far.listen({ kind: "tcp", host: "b", port: 1 });
  const connect = () => {
    const stream = near.connect(listener.address);
    clock.advance(LONG_MS);
    const other = listener.accept();
    assert.ok(other);
    return [stream, other] as const;
  };
  const sent = (stream: ReturnType<typeof near.connect>, ...bytes: number[]) =>
    stream.send(memory.borrow(Uint8Array.from(bytes)), 0, bytes.length);
  const received = (stream: ReturnType<typeof near.connect>) => {
    const into = memory.borrow(new Uint8Array(8));
    const count = stream.recv(into, 0, 8);
    return count > 0 ? [...into.u8.subarray(0, count)] : count;
  };
  return { clock, weather, network, near, far, listener, connect, sent, received };
}

describe("bytes between machines", () => {
  it("take their time, in order on one connection, and overtake those of another", () => {
    let overtaken = 0;
    for (let seed = 1; seed <= 20; seed += 1) {
      const { clock, connect, sent, received } = world(seed);
      const pairs = [connect(), connect()] as const;
      for (const [at, [stream]] of pairs.entries()) {
        sent(stream, at);
        sent(stream, at + 10);
      }
      const arrived: number[] = [];
      for (let step = 0; step < 4000 && arrived.length < 4; step += 1) {
        clock.advance(0.001);
        for (const [, other] of pairs) {
          const bytes = received(other);
          if (Array.isArray(bytes)) arrived.push(...bytes);
        }
      }
      assert.deepEqual(
        arrived.filter((byte) => byte % 10 === 0),
        [0, 10],
      );
      if (arrived[0] === 1) overtaken += 1;
    }
    assert.ok(overtaken > 2 && overtaken < 18, `${overtaken} of 20`);
  });

  it("wait while a way is cut, in that direction only, and pass when it is mended", () => {
    const { clock, weather, connect, sent, received } = world();
    const [stream, other] = connect();
    weather.cut("a", "b");
    sent(stream, 1);
    sent(other, 2);
    clock.advance(LONG_MS);
    assert.equal(received(other), WOULD_BLOCK);
    assert.deepEqual(received(stream), [2]);
    stream.close();
    clock.advance(LONG_MS);
    assert.equal(received(other), WOULD_BLOCK, "nor is the end heard of");
    weather.mend("a", "b");
    assert.deepEqual(received(other), [1]);
    assert.equal(received(other), ENDED);
  });

  it("are gone when the connection breaks, and both ends see that", () => {
    const { clock, near, connect, sent, received } = world();
    const [stream, other] = connect();
    sent(stream, 1);
    near.streams[0]?.reset();
    clock.advance(LONG_MS);
    assert.deepEqual([received(stream), received(other)], [ENDED, ENDED]);
  });
});

describe("processes and machines that end", () => {
  it("a process: the kernel tells the other end, and refuses who comes", () => {
    const { clock, near, far, listener, connect, received } = world();
    const [stream] = connect();
    far.end();
    clock.advance(LONG_MS);
    assert.equal(received(stream), ENDED);
    const late = near.connect(listener.address);
    clock.advance(LONG_MS);
    assert.equal(received(late), ENDED);
  });

  it("a machine without power: nobody hears anything until it is back", () => {
    const { clock, network, near, far, listener, connect, sent, received } = world();
    const [stream] = connect();
    network.powerOff("b", far.fall());
    const late = near.connect(listener.address);
    sent(stream, 1);
    clock.advance(60_000);
    assert.deepEqual([received(stream), received(late)], [WOULD_BLOCK, WOULD_BLOCK]);
    network.powerOn("b");
    clock.advance(LONG_MS);
    assert.deepEqual([received(stream), received(late)], [ENDED, ENDED]);
  });
});
