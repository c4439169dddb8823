import assert from "node:assert/strict";
import { test } from "node:test";
import { type Poller, READABLE, type Source, WRITABLE } from "../../src/ports/poller.ts";
import { RpcChannel } from "../../src/rpc/channel.ts";
import { introduce } from "../../src/rpc/handshake.ts";
import { ACCEPTS_PER_STEP_MAX, ADMISSION_TIMEOUT_MS, STRANGERS_MAX } from "../../src/rpc/limits.ts";
import { RpcServer } from "../../src/rpc/server.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { SimNetwork } from "../../src/sim/network.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { failureOf, pathOf, STAT, settle } from "./harness.ts";

const key = new Uint8Array(32).fill(1);
const id = "0123456789abcdef0123456789abcdef";

/** Remembers what is watched, and for what. */
class SpyPoller implements Poller {
  readonly interests = new Map<number, number>();
  readonly seen: number[] = [];
  readonly ready = new Int32Array(0);
  readonly wakeDescriptor = -1;
  watch(source: Source, interest: number): void {
    this.interests.set(source.descriptor, interest);
    this.seen.push(interest);
  }
  unwatch(source: Source): void {
    assert.ok(this.interests.delete(source.descriptor), "only what is watched is unwatched");
  }
  wait(): number {
    return 0;
  }
  close(): void {}
}

function service(channelsMax = 10, bufferBytes = 1 << 16, until: () => unknown = () => undefined) {
  const network = new SimNetwork({ bufferBytes });
  const memory = new SimMemory();
  const clock = new SimClock();
  const random = new SimRandom(1);
  const poller = new SpyPoller();
  const log: string[] = [];
  const server = new RpcServer({
    network,
    memory,
    clock,
    random,
    poller,
    channelsMax,
    identity: { keys: { origin: key }, service: "meta", id },
    onOpen: (_, { role }) => {
      log.push(`open ${role}`);
      return {
        "meta.stat": async (params) => {
          await until();
          return { ...STAT, size: pathOf(params).length };
        },
      };
    },
    onClose: (_, reason) => log.push(`close ${reason.code}`),
  });
  const address = server.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
  const connect = () =>
    new RpcChannel({ stream: network.connect(address), memory, clock, peer: "the service" });
  const enter = async (channel: RpcChannel) => {
    const introduced = introduce(channel, {
      key,
      random,
      role: "origin",
      expect: { service: "meta" },
      timeoutMs: 9000,
    });
    introduced.catch(() => {});
    await settle(clock, [server, channel]);
    await introduced;
  };
  return { network, memory, clock, poller, log, server, address, connect, enter };
}

test("serves those who prove the key, and tells when they come and go", async () => {
  const { clock, log, server, connect, enter } = service();
  const channel = connect();
  await enter(channel);
  const answer = channel.call("meta.stat", { path: "/ab", follow: true }, { timeoutMs: 1000 });
  await settle(clock, [server, channel]);
  assert.equal((await answer).size, 3);
  channel.close();
  await settle(clock, [server]);
  assert.deepEqual(log, ["open origin", "close ERR_UNREACHABLE"]);
  assert.equal(server.channelCount, 0);
});

test("a stranger is shown out after the deadline, without having been let in", async () => {
  const { clock, log, server, connect } = service();
  const channel = connect();
  await settle(clock, [server, channel]);
  assert.equal(server.channelCount, 1);
  await settle(clock, [server, channel], ADMISSION_TIMEOUT_MS);
  assert.equal(server.channelCount, 0);
  assert.equal(channel.ended?.code, "ERR_UNREACHABLE");
  assert.deepEqual(log, []);
});

test("a peer too many is told so; those that are there go on, and a place that becomes free is given again", async () => {
  const { clock, log, server, connect, enter } = service(2);
  const first = connect();
  await enter(first);
  const second = connect();
  await enter(second);
  const third = connect();
  await assert.rejects(enter(third), {
    code: "ERR_TOO_MANY",
    message: "this meta service has 2 connections, and takes no more",
  });
  await settle(clock, [server, third], 1000);
  assert.equal(server.channelCount, 2);
  const answer = second.call("meta.stat", { path: "/ab", follow: true }, { timeoutMs: 1000 });
  await settle(clock, [server, second]);
  assert.equal((await answer).size, 3);
  first.close();
  await settle(clock, [server]);
  await enter(connect());
  assert.deepEqual(log, ["open origin", "open origin", "close ERR_UNREACHABLE", "open origin"]);
});

test("strangers take no place of those who prove the key, and the oldest make room for those who come", async () => {
  const { clock, server, connect, enter } = service(2);
  const first = connect();
  const second = connect();
  for (let i = 2; i < STRANGERS_MAX; i += 1) connect();
  await settle(clock, [server, first, second]);
  assert.deepEqual([first.ended, second.ended, server.drivenOutCount], [undefined, undefined, 0]);
  const insider = connect();
  await enter(insider);
  await settle(clock, [first, second]);
  assert.deepEqual([first.ended?.code, second.ended], ["ERR_UNREACHABLE", undefined]);
  assert.equal(server.drivenOutCount, 1);
  // However many come meanwhile.
  const another = connect();
  const entering = enter(another);
  for (let i = 0; i < 2 * STRANGERS_MAX; i += 1) connect();
  await entering;
  assert.deepEqual([insider.ended, another.ended], [undefined, undefined]);
  assert.equal(server.channelCount, STRANGERS_MAX + 2);
  await settle(clock, [server], ADMISSION_TIMEOUT_MS);
  assert.equal(server.channelCount, 2);
});

test("streams are watched for room only while something waits to be sent", async () => {
  const { clock, poller, server, connect, enter } = service(10, 600);
  const channel = connect();
  await enter(channel);
  poller.seen.length = 0;
  const calls = [1, 2, 3, 4, 5, 6].map(() =>
    channel.call("meta.stat", { path: "/x", follow: true }, { timeoutMs: 1000 }),
  );
  for (let i = 0; i < 20; i++) {
    channel.doWork(0);
    for (let j = 0; j < 5; j++) server.doWork(0);
    await Promise.resolve();
  }
  await settle(clock, [server, channel]);
  await Promise.all(calls);
  assert.deepEqual([...new Set(poller.seen)], [READABLE | WRITABLE, READABLE]);
  assert.deepEqual([...poller.interests.values()], [READABLE, READABLE]);
  server.close();
  assert.equal(poller.interests.size, 0);
});

test("stopping ends every channel and frees the address", async () => {
  const { clock, network, log, server, address, connect, enter } = service();
  const channel = connect();
  await enter(channel);
  const lost = failureOf(channel.call("meta.stat", { path: "/", follow: true }, { timeoutMs: 1000 }));
  server.close();
  await settle(clock, [channel]);
  assert.equal((await lost).code, "ERR_UNREACHABLE");
  assert.deepEqual(log, ["open origin", "close ERR_CLOSED"]);
  network.listen(address).close();
});

test("a flood of connections does not hold up those that are there", () => {
  const { server, connect } = service(10);
  for (let i = 0; i < 3000; i += 1) connect();
  server.doWork(0);
  assert.ok(server.channelCount + server.drivenOutCount <= ACCEPTS_PER_STEP_MAX);
  for (let step = 0; step < 100; step += 1) server.doWork(0);
  assert.equal(server.channelCount + server.drivenOutCount, 3000, "all are taken in the end");
});

test("a server that drains answers the calls under way, takes no other, and lets those stay that are to stay", async () => {
  const answer = Promise.withResolvers<void>();
  const { clock, server, connect, enter } = service(10, 1 << 16, () => answer.promise);
  const [asking, idle, staying] = [connect(), connect(), connect()];
  for (const channel of [asking, idle, staying]) await enter(channel);
  const call = asking.call("meta.stat", { path: "/ab", follow: true }, { timeoutMs: 60_000 });
  const parties = [server, asking, idle, staying];
  await settle(clock, parties);
  let drained = false;
  // The third one that came in.
  const draining = server
    .drain(30_000, ({ peer }) => peer.startsWith("connection 3"))
    .then(() => {
      drained = true;
    });
  await settle(clock, parties);
  assert.equal(
    (await failureOf(idle.call("meta.stat", { path: "/", follow: true }, { timeoutMs: 9000 }))).code,
    "ERR_UNREACHABLE",
  );
  assert.deepEqual([drained, asking.ended, staying.ended], [false, undefined, undefined]);
  const late = connect();
  await settle(clock, [...parties, late]);
  assert.ok(late.ended);
  answer.resolve();
  await settle(clock, parties);
  assert.equal((await call).size, 3);
  await draining;
  assert.ok(asking.ended);
  assert.equal(staying.ended, undefined);
  server.close();
});

test("a call that is never answered does not keep a server from draining", async () => {
  const { clock, server, connect, enter } = service(10, 1 << 16, () => new Promise(() => {}));
  const channel = connect();
  await enter(channel);
  const call = failureOf(channel.call("meta.stat", { path: "/", follow: true }, { timeoutMs: 60_000 }));
  await settle(clock, [server, channel]);
  const draining = server.drain(3000);
  clock.advance(4000);
  await settle(clock, [server, channel]);
  await draining;
  assert.equal((await call).code, "ERR_UNREACHABLE");
});
