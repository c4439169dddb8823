import assert from "node:assert/strict";
import { test } from "node:test";
import { codeOf, statusOf } from "../../src/std/errors.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { FLUSH_MEMORY, FLUSH_STABLE, OPS, opFlags, WORDS } from "../../src/wire/ops.ts";
import {
  command,
  READ_ONLY,
  READ_WRITE,
  WorkerFixture,
  type WorkerFixtureOptions,
} from "./worker-fixture.ts";

const BYTES = 3 << 20;

function serving(options: WorkerFixtureOptions = {}) {
  const fixture = new WorkerFixture(options);
  const token = fixture.openSession(1);
  const region = { inode: 7, byteLength: BYTES, ...fixture.createRegion(7, BYTES) };
  assert.equal(fixture.bind(1, 1, region, { at: 0, byteLength: BYTES }, READ_WRITE), 0);
  assert.equal(fixture.bind(1, 2, region, { at: 4096, byteLength: 4096 }, READ_ONLY), 0);
  return { fixture, token, region, client: fixture.enter(1, token) };
}

const pattern = (length: number, seed = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 7 + (i >> 8)) & 255);

for (const seed of [undefined, 1, 2, 3]) {
  test(`puts and gets of every size class, network ${seed ?? "whole"}`, () => {
    const { client, region, fixture } = serving(seed === undefined ? {} : { seed });
    for (const length of [
      0,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      9,
      63,
      64,
      65,
      4096,
      65_535,
      65_537,
      300_001,
      1 << 20,
    ].slice(0, seed === undefined ? 99 : -2)) {
      const bytes = pattern(length, length);
      const inline = length <= 8;
      const operand = new BigInt64Array(1);
      if (inline) new Uint8Array(operand.buffer).set(bytes);
      const put = client.call({
        opcode: OPCODE.PUT,
        handle: 1,
        tag: length,
        offset: 16,
        length,
        ...(inline ? { operand: operand[0] as bigint } : { payload: bytes }),
      });
      assert.deepEqual([put.status, put.opcode, put.tag], [0, OPCODE.PUT, length]);
      assert.deepEqual(region.bytes.slice(16, 16 + length), bytes);
      const got = client.call({ opcode: OPCODE.GET, handle: 1, tag: 5, offset: 16, length });
      assert.equal(got.status, 0);
      if (inline) {
        assert.equal(got.payload.length, 0);
        assert.deepEqual(new Uint8Array(new BigInt64Array([got.value]).buffer, 0, length), bytes);
      } else {
        assert.deepEqual(got.payload, bytes);
      }
    }
    assert.ok(fixture.count("tcpBytesIn") > 1 << 17);
    assert.ok(fixture.count("tcpBytesOut") > 1 << 17);
    assert.equal(fixture.count("unixBytesIn"), 0);
  });
}

test("the unix listener serves the same, and is counted apart", () => {
  const { fixture, token, client } = serving();
  const before = fixture.count("tcpBytesIn");
  const other = fixture.enter(1, token, "unix");
  assert.equal(other.call({ opcode: OPCODE.PUT, handle: 1, offset: 0, length: 8, operand: -2n }).status, 0);
  assert.equal(client.call({ opcode: OPCODE.GET, handle: 1, offset: 0, length: 8 }).value, -2n);
  assert.equal(fixture.count("unixBytesIn"), 64 + 32 + 64);
  assert.equal(fixture.count("unixBytesOut"), 128);
  assert.equal(fixture.count("tcpBytesIn"), before + 64);
  assert.equal(fixture.count("connections"), 2);
});

test("fetch-op and compare-and-swap return the value before, on every word", () => {
  const { client, region } = serving();
  const words = new BigInt64Array(region.bytes.buffer, region.bytes.byteOffset, 4);
  for (const [word, name] of WORDS.entries()) {
    const length = name.endsWith("64") ? 8 : 4;
    words.fill(0n);
    const fetch = (op: string, operand: bigint) =>
      client.call({
        opcode: OPCODE.FETCH_OP,
        flags: opFlags(OPS.indexOf(op as "add"), word),
        handle: 1,
        offset: 8,
        length,
        operand,
      });
    assert.deepEqual([fetch("replace", 40n).status, fetch("or", 2n).value], [0, 40n], name);
    const swap = client.call({
      opcode: OPCODE.COMPARE_AND_SWAP,
      flags: word,
      handle: 1,
      offset: 8,
      length,
      compare: 42n,
      operand: 7n,
    });
    assert.deepEqual([swap.status, swap.value], [0, 42n], name);
    assert.equal(words[1], 7n);
  }
});

test("accumulate applies each element, wherever the payload begins in what was received", () => {
  for (const seed of [undefined, 4, 5]) {
    const { client, region } = serving(seed === undefined ? {} : { seed });
    const elements = 20_000;
    const operands = BigInt64Array.from({ length: elements }, (_, i) => BigInt(i) - 7n);
    const payload = new Uint8Array(operands.buffer);
    // A put of odd length in front leaves every element unaligned in the receiving memory.
    client.send(
      command({ opcode: OPCODE.PUT, handle: 1, offset: 1_000_000, length: 13, payload: pattern(13) }),
    );
    const flags = opFlags(OPS.indexOf("add"), WORDS.indexOf("i64"));
    for (let i = 0; i < 2; i += 1) {
      client.send(
        command({ opcode: OPCODE.ACCUMULATE, flags, handle: 1, offset: 64, length: payload.length, payload }),
      );
    }
    assert.deepEqual([client.answer().status, client.answer().status, client.answer().status], [0, 0, 0]);
    const words = new BigInt64Array(region.bytes.buffer, region.bytes.byteOffset + 64, elements);
    assert.deepEqual(
      [...words.slice(0, 4), words[elements - 1]],
      [-14n, -12n, -10n, -8n, BigInt(elements * 2 - 16)],
    );
  }
});

test("every refusal that a well-behaved client can cause is answered, and nothing is changed", () => {
  const { client, region, fixture, token } = serving();
  region.bytes.fill(0x5a);
  const add64 = opFlags(OPS.indexOf("add"), WORDS.indexOf("i64"));
  const payload = pattern(100);
  const huge = pattern(1 << 20);
  const cases: [string, Parameters<typeof command>[0]][] = [
    ["ERR_BAD_HANDLE", { opcode: OPCODE.GET, handle: 9, length: 8 }],
    ["ERR_BAD_HANDLE", { opcode: OPCODE.PUT, handle: 0, length: 100, payload }],
    ["ERR_BAD_HANDLE", { opcode: OPCODE.FLUSH, handle: 3, flags: FLUSH_MEMORY }],
    ["ERR_RANGE", { opcode: OPCODE.GET, handle: 2, offset: 4096, length: 1 }],
    ["ERR_RANGE", { opcode: OPCODE.GET, handle: 1, offset: 0, length: (1 << 20) + 1 }],
    ["ERR_RANGE", { opcode: OPCODE.GET, handle: 1, offset: 2 ** 53 - 1, length: 100 }],
    ["ERR_RANGE", { opcode: OPCODE.PUT, handle: 1, offset: BYTES - 99, length: 100, payload }],
    ["ERR_RANGE", { opcode: OPCODE.PUT, handle: 1, offset: BYTES - 5, length: huge.length, payload: huge }],
    ["ERR_RANGE", { opcode: OPCODE.FETCH_OP, flags: add64, handle: 1, offset: BYTES, length: 8 }],
    ["ERR_RIGHTS", { opcode: OPCODE.PUT, handle: 2, offset: 0, length: 8, operand: 1n }],
    ["ERR_RIGHTS", { opcode: OPCODE.PUT, handle: 2, offset: 0, length: 100, payload }],
    ["ERR_RIGHTS", { opcode: OPCODE.FETCH_OP, flags: add64, handle: 2, offset: 0, length: 8 }],
    ["ERR_RIGHTS", { opcode: OPCODE.COMPARE_AND_SWAP, flags: 0, handle: 2, offset: 0, length: 8 }],
    ["ERR_RIGHTS", { opcode: OPCODE.ACCUMULATE, flags: add64, handle: 2, length: 96, payload: pattern(96) }],
    ["ERR_ALIGNMENT", { opcode: OPCODE.FETCH_OP, flags: add64, handle: 1, offset: 4, length: 8 }],
    ["ERR_ALIGNMENT", { opcode: OPCODE.COMPARE_AND_SWAP, flags: 2, handle: 1, offset: 2, length: 4 }],
    [
      "ERR_ALIGNMENT",
      { opcode: OPCODE.ACCUMULATE, flags: add64, handle: 1, offset: 1, length: 96, payload: pattern(96) },
    ],
  ];
  for (const [i, [, fields]] of cases.entries()) client.send(command({ ...fields, tag: i + 1000 }));
  for (const [i, [code, fields]] of cases.entries()) {
    const answer = client.answer();
    assert.deepEqual([codeOf(answer.status), answer.tag, answer.opcode], [code, i + 1000, fields.opcode]);
    assert.equal(answer.payload.length, 0);
  }
  assert.ok(region.bytes.every((byte) => byte === 0x5a));
  assert.equal(fixture.count("refused"), cases.length);
  assert.equal(fixture.count("protocolErrors"), 0);
  // A flush that a memory drive cannot give.
  const volatile = serving({ drive: "memory" });
  const answer = volatile.client.call({ opcode: OPCODE.FLUSH, flags: FLUSH_STABLE, handle: 1 });
  assert.equal(codeOf(answer.status), "ERR_NOT_DURABLE");
  assert.equal(volatile.client.call({ opcode: OPCODE.FLUSH, flags: FLUSH_MEMORY, handle: 1 }).status, 0);
  assert.ok(token.length > 0);
});

test("a connection must prove its session first", () => {
  const { fixture, token } = serving();
  const wrong = token.slice();
  wrong[31] = (wrong[31] as number) ^ 1;
  for (const [session, given] of [
    [1n, wrong],
    [2n, token],
  ] as const) {
    const stranger = fixture.connect();
    const answer = stranger.call({ opcode: OPCODE.HELLO, operand: session, payload: given });
    assert.equal(answer.status, statusOf("ERR_AUTH"));
    fixture.step();
    stranger.receive();
    assert.ok(stranger.ended);
  }
  const early = fixture.connect();
  early.send(command({ opcode: OPCODE.GET, handle: 1, length: 8 }));
  fixture.step(40);
  early.receive();
  assert.ok(early.ended);
  assert.equal(fixture.count("protocolErrors"), 1);
  const slow = fixture.connect();
  fixture.nowMs += 10_000;
  fixture.step(40);
  slow.send(command({ opcode: OPCODE.HELLO, operand: 1n, payload: token }).subarray(0, 90));
  fixture.step(40);
  fixture.nowMs += 4_000;
  fixture.step(40);
  assert.equal(fixture.count("connections"), 2);
  fixture.nowMs += 2_000;
  fixture.step(40);
  assert.equal(fixture.count("connections"), 1, "who never proves anything is closed");
  const other = fixture.connect();
  const newer = command({ opcode: OPCODE.HELLO, operand: 1n, payload: token });
  newer[2] = 2;
  other.send(newer);
  assert.equal(codeOf(other.answer().status), "ERR_VERSION");
});

test("answers come in issue order, gets see what was put before them and nothing put after them", () => {
  for (const seed of [undefined, 6, 7, 8]) {
    // Buffers too small for one answer: gets are still being sent when the puts behind them arrive.
    const { client, region } = serving({ bufferBytes: 3000, ...(seed === undefined ? {} : { seed }) });
    const length = seed === undefined ? 50_000 : 3500;
    region.bytes.fill(0);
    const frames: Uint8Array[] = [];
    for (let i = 1; i <= 8; i += 1) {
      frames.push(command({ opcode: OPCODE.GET, handle: 1, tag: i, offset: 0, length }));
      frames.push(
        command({
          opcode: OPCODE.PUT,
          handle: 1,
          tag: 100 + i,
          offset: 0,
          length,
          payload: new Uint8Array(length).fill(i),
        }),
      );
      const flags = opFlags(OPS.indexOf("replace"), WORDS.indexOf("i32"));
      frames.push(command({ opcode: OPCODE.GET, handle: 1, tag: i, offset: 0, length }));
      frames.push(
        command({ opcode: OPCODE.FETCH_OP, flags, handle: 1, tag: 200 + i, offset: 400, length: 4 }),
      );
      frames.push(
        command({ opcode: OPCODE.PUT, handle: 1, tag: 300 + i, offset: 401, length: 1, operand: 9n }),
      );
    }
    for (const frame of frames) client.send(frame);
    for (let i = 1; i <= 8; i += 1) {
      const first = client.answer();
      const before = new Uint8Array(length).fill(i - 1);
      if (i > 1) before.set([0, 9, 0, 0], 400);
      assert.equal(first.tag, i);
      assert.deepEqual(first.payload, before, `get ${i}, before the put`);
      assert.equal(client.answer().tag, 100 + i);
      assert.deepEqual(client.answer().payload, new Uint8Array(length).fill(i));
      assert.equal(client.answer().tag, 200 + i);
      assert.equal(client.answer().tag, 300 + i);
    }
  }
});

test("a reader that stops is not read from, others go on, and it loses nothing", () => {
  const { fixture, token, client, region } = serving({ bufferBytes: 64 << 10 });
  region.bytes.set(pattern(1 << 20));
  const other = fixture.enter(1, token);
  const get = command({ opcode: OPCODE.GET, handle: 1, offset: 0, length: 100_000 });
  let sent = 0;
  for (; sent < 5_000; sent += 1) {
    const taken = client.stream.send({ address: 0, u8: get }, 0, get.length);
    if (taken < 0) break;
    assert.equal(taken, get.length);
    fixture.step();
  }
  assert.ok(sent < 5_000, "the worker stops taking its commands");
  assert.ok(sent >= 1024, "after as many as the kernel holds for it");
  for (let i = 0; i < 10; i += 1) {
    assert.equal(other.call({ opcode: OPCODE.GET, handle: 1, offset: 0, length: 8 }).status, 0);
  }
  const expected = region.bytes.slice(0, 100_000);
  for (let i = 0; i < sent; i += 1) assert.deepEqual(client.answer().payload, expected);
});

test("small answers that nobody takes hold their connection up too; late flushes among them find their place", () => {
  const { fixture, token } = serving({ bufferBytes: 2000 });
  const frames: Uint8Array[] = [];
  for (let tag = 0; tag < 1200; tag += 1) {
    const kind = tag % 4;
    if (kind === 0) frames.push(command({ opcode: OPCODE.FLUSH, flags: FLUSH_STABLE, handle: 1, tag }));
    else if (kind === 1)
      frames.push(command({ opcode: OPCODE.PUT, handle: 1, tag, length: 9, payload: pattern(9) }));
    else if (kind === 2)
      frames.push(command({ opcode: OPCODE.PUT, handle: 2, tag, length: 9, payload: pattern(9) }));
    else frames.push(command({ opcode: OPCODE.GET, handle: 1, tag, length: 8 }));
  }
  const client = fixture.enter(1, token);
  const stream = new Uint8Array(Buffer.concat(frames));
  let sent = 0;
  const push = (): void => {
    const taken = client.stream.send({ address: 0, u8: stream }, sent, stream.length - sent);
    if (taken > 0) sent += taken;
    fixture.step();
    fixture.syncer.doWork();
  };
  for (let i = 0; i < 3000; i += 1) push();
  assert.ok(sent < stream.length, "its commands stay in the socket");
  const tags = new Set<number>();
  let last = -1;
  for (let round = 0; tags.size < frames.length; round += 1) {
    assert.ok(round < 20_000, "every command is answered");
    if (sent < stream.length) push();
    else fixture.step();
    fixture.syncer.doWork();
    client.receive();
    for (let answer = client.tryAnswer(); answer !== undefined; answer = client.tryAnswer()) {
      assert.equal(codeOf(answer.status), answer.tag % 4 === 2 ? "ERR_RIGHTS" : codeOf(0));
      tags.add(answer.tag);
      if (answer.opcode === OPCODE.FLUSH) continue;
      assert.ok(answer.tag > last, "in issue order");
      last = answer.tag;
    }
  }
});

test("a put whose payload ends when there is no room for its answer is answered later", () => {
  for (let gets = 250; gets <= 260; gets += 1) {
    const { fixture, client } = serving({ bufferBytes: 64 });
    const put = command({ opcode: OPCODE.PUT, handle: 1, tag: 7, length: 20, payload: pattern(20) });
    // Unlike `client.send` this takes no answers meanwhile.
    const push = (bytes: Uint8Array): void => {
      for (let at = 0; at < bytes.length; fixture.step()) {
        const taken = client.stream.send({ address: 0, u8: bytes }, at, bytes.length - at);
        if (taken > 0) at += taken;
      }
    };
    for (let i = 0; i < 10; i += 1) push(command({ opcode: OPCODE.FLUSH, flags: FLUSH_STABLE, handle: 1 }));
    for (let i = 0; i < 240; i += 1) push(command({ opcode: OPCODE.GET, handle: 1, length: 8 }));
    const rest = Buffer.concat(
      Array.from({ length: gets - 240 }, () => command({ opcode: OPCODE.GET, handle: 1, length: 8 })),
    );
    const behind = new Uint8Array(Buffer.concat([rest, put]));
    let at = 0;
    const trickle = (until: number): void => {
      for (let round = 0; round < 100 && at < until; round += 1) {
        const taken = client.stream.send({ address: 0, u8: behind }, at, until - at);
        if (taken > 0) at += taken;
        fixture.step();
      }
    };
    trickle(behind.length - 10);
    // The sync is done while the payload is under way: flush answers take the last places.
    fixture.syncer.doWork();
    fixture.step(3);
    fixture.syncer.doWork();
    fixture.step(3);
    trickle(behind.length);
    const seen: number[] = [];
    for (let round = 0; seen.length < 10 + gets + 1; round += 1) {
      assert.ok(round < 20_000, `every command is answered, ${gets}`);
      trickle(behind.length);
      fixture.step();
      client.receive();
      for (let answer = client.tryAnswer(); answer !== undefined; answer = client.tryAnswer()) {
        assert.equal(answer.status, 0);
        seen.push(answer.opcode);
      }
    }
    assert.equal(seen.filter((opcode) => opcode === OPCODE.PUT).length, 1);
  }
});

test("a connection has a bounded number of stable flushes under way", () => {
  const { fixture, client } = serving();
  const flush = command({ opcode: OPCODE.FLUSH, flags: FLUSH_STABLE, handle: 1 });
  let sent = 0;
  while (client.stream.send({ address: 0, u8: flush }, 0, flush.length) > 0) {
    sent += 1;
    assert.ok(sent < 8000, "further ones wait in the socket");
    fixture.step();
  }
  for (let answered = 0; answered < sent; ) {
    fixture.step();
    fixture.syncer.doWork();
    client.receive();
    while (client.tryAnswer() !== undefined) answered += 1;
  }
});

test("an unbind in the middle of a put lets no further byte in", () => {
  const { fixture, client, region } = serving();
  const payload = new Uint8Array(200_000).fill(1);
  const frame = command({ opcode: OPCODE.PUT, handle: 1, offset: 0, length: payload.length, payload });
  client.send(frame.subarray(0, 100_064));
  fixture.step(5);
  assert.equal(fixture.order({ type: "unbind", session: 1, handle: 1, revoked: false })?.type, "unbound");
  client.send(frame.subarray(100_064));
  assert.equal(codeOf(client.answer().status), "ERR_BAD_HANDLE");
  assert.deepEqual([region.bytes[99_999], region.bytes[100_000]], [1, 0]);
  assert.equal(client.call({ opcode: OPCODE.GET, handle: 2, length: 8 }).status, 0, "the session goes on");
});

test("what is written after a revoke was confirmed does not leave through what was revoked", () => {
  const { fixture, client, region } = serving({ bufferBytes: 1000 });
  region.bytes.set(pattern(100_000));
  client.send(command({ opcode: OPCODE.GET, handle: 1, length: 100_000 }));
  fixture.step(3);
  assert.equal(fixture.order({ type: "unbind", session: 1, handle: 1, revoked: true })?.type, "unbound");
  region.bytes.fill(1);
  assert.ok(Buffer.from(pattern(100_000)).equals(client.answer().payload), "it has the bytes of before");
  const late = client.call({ opcode: OPCODE.GET, handle: 1, length: 100_000 });
  assert.equal(codeOf(late.status), "ERR_REVOKED");
});

test("an order whose wake the worker takes in while it looks around is not slept over", () => {
  const { fixture } = serving();
  fixture.step(20);
  let posted = false;
  // As on a real poller: whoever looks has seen the wake, and no later wait ends by it.
  fixture.poller.wait = () => {
    if (!posted) fixture.orders.post({ type: "unbind", session: 1, handle: 2, revoked: false });
    posted = true;
    return 0;
  };
  let work = 0;
  while (!posted) work = fixture.plane.doWork(0);
  assert.ok(work > 0, "it is carried out in the same step");
  assert.deepEqual(fixture.orders.poll(), { type: "unbound", session: 1, handle: 2 });
});

test("a region is unmapped though its last reader does not read, who gets its bytes all the same", () => {
  const { fixture, client, region } = serving({ bufferBytes: 1000 });
  region.bytes.set(pattern(100_000));
  client.send(command({ opcode: OPCODE.GET, handle: 1, length: 100_000 }));
  fixture.step(3);
  for (const handle of [1, 2]) fixture.order({ type: "unbind", session: 1, handle, revoked: false });
  const unmapped = fixture.order({ type: "unmap", inode: 7, index: 0 });
  assert.deepEqual(unmapped, { type: "unmapped", inode: 7, index: 0 });
  region.bytes.fill(1);
  assert.deepEqual(client.answer().payload, pattern(100_000));
});

test("the end of a session closes its connections and frees its bindings; other sessions go on", () => {
  const { fixture, client, region } = serving();
  const token = fixture.openSession(2);
  assert.equal(fixture.bind(2, 1, region, { at: 0, byteLength: 64 }, READ_WRITE), 0);
  const other = fixture.enter(2, token);
  assert.equal(fixture.order({ type: "session-close", session: 1 })?.type, "session-closed");
  client.receive();
  assert.ok(client.ended);
  assert.equal(other.call({ opcode: OPCODE.GET, handle: 1, length: 8 }).status, 0);
  assert.equal(codeOf(other.call({ opcode: OPCODE.GET, handle: 2, length: 8 }).status), "ERR_BAD_HANDLE");
  const late = fixture.connect();
  late.send(command({ opcode: OPCODE.HELLO, operand: 1n, payload: new Uint8Array(32).fill(2) }));
  assert.equal(codeOf(late.answer().status), "ERR_AUTH");
  assert.equal(fixture.bind(1, 5, region, { at: 0, byteLength: 64 }, READ_WRITE), statusOf("ERR_BAD_HANDLE"));
  assert.equal(fixture.order({ type: "stop" })?.type, "stopped");
  assert.ok(fixture.plane.stopped);
});

test("what no client of ours sends ends the whole session, is counted, and touches nothing else", () => {
  const add64 = opFlags(OPS.indexOf("add"), WORDS.indexOf("i64"));
  const cases: Record<string, Uint8Array> = {
    "an unknown opcode": command({ opcode: 31 }),
    "a control call": command({ opcode: OPCODE.CALL }),
    "a second hello": command({ opcode: OPCODE.HELLO, operand: 1n, payload: new Uint8Array(32) }),
    "a bad magic": new Uint8Array(64).fill(7),
    "another version": command({ opcode: OPCODE.GET }).fill(9, 2, 3),
    "unknown flags": command({ opcode: OPCODE.GET, flags: 1, handle: 1, length: 8 }),
    "an unknown operator": command({ opcode: OPCODE.FETCH_OP, flags: opFlags(7, 0), handle: 1, length: 8 }),
    "an unknown word": command({ opcode: OPCODE.COMPARE_AND_SWAP, flags: 5, handle: 1, length: 8 }),
    "a length that is not the word's": command({
      opcode: OPCODE.FETCH_OP,
      flags: add64,
      handle: 1,
      length: 4,
    }),
    "a payload too long": command({ opcode: OPCODE.PUT, handle: 1, length: 2 ** 21, payloadBytes: 2 ** 21 }),
    "a payload of another length": command({
      opcode: OPCODE.PUT,
      handle: 1,
      length: 100,
      payload: pattern(99),
    }),
    "a payload where none belongs": command({
      opcode: OPCODE.GET,
      handle: 1,
      length: 8,
      payload: pattern(8),
    }),
    "an inline put with payload": command({ opcode: OPCODE.PUT, handle: 1, length: 8, payload: pattern(8) }),
    "half an element": command({
      opcode: OPCODE.ACCUMULATE,
      flags: add64,
      handle: 1,
      length: 12,
      payload: pattern(12),
    }),
    "an unknown flush": command({ opcode: OPCODE.FLUSH, flags: 2, handle: 1 }),
    "reserved bits": command({ opcode: OPCODE.GET, handle: 1, length: 8 }).fill(1, 60, 61),
    "a notification": command({ opcode: OPCODE.GET, handle: 1, length: 8 }).fill(1, 50, 51),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    const { fixture, client, token } = serving();
    const sibling = fixture.enter(1, token, "unix");
    const otherToken = fixture.openSession(2);
    const other = fixture.enter(2, otherToken);
    client.send(bytes);
    fixture.step(3);
    client.receive();
    sibling.receive();
    assert.ok(client.ended && sibling.ended, name);
    const report = fixture.orders.poll();
    assert.deepEqual([report?.type, fixture.count("protocolErrors")], ["session-violated", 1], name);
    assert.equal(
      codeOf(other.call({ opcode: OPCODE.GET, handle: 1, length: 8 }).status),
      "ERR_BAD_HANDLE",
      name,
    );
  }
});
