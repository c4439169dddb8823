import assert from "node:assert/strict";
import { test } from "node:test";
import { statusOf } from "../../src/std/errors.ts";
import { REGION_HEADER_BYTES } from "../../src/structs/region-header.ts";
import { isWaitedFor, LOOK_AGAIN_MS } from "../../src/structs/region-waits.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { opFlags, WORD_WAIT_END } from "../../src/wire/ops.ts";
import {
  type CommandFields,
  command,
  type RawClient,
  READ_ONLY,
  READ_WRITE,
  WorkerFixture,
} from "./worker-fixture.ts";

const BYTES = 4096;
const INODE = 5;
const AT = 64;
const I64 = 0;
const ADD = 0;

interface Asking {
  readonly handle?: number;
  readonly offset?: number;
  readonly length?: number;
  readonly seen?: bigint;
  readonly waitMs?: number;
}

/** A worker with a region, and two sessions that have bound it: one on a unix socket, one over TCP. */
function shared() {
  const fixture = new WorkerFixture();
  const { descriptor, bytes } = fixture.createRegion(INODE, BYTES);
  const region = { inode: INODE, descriptor, byteLength: BYTES };
  const enter = (session: number, kind: "unix" | "tcp"): RawClient => {
    const token = fixture.openSession(session);
    assert.equal(fixture.bind(session, 1, region, { at: 0, byteLength: BYTES }, READ_WRITE), 0);
    assert.equal(fixture.bind(session, 2, region, { at: AT, byteLength: 16 }, READ_ONLY), 0);
    return fixture.enter(session, token, kind);
  };
  const header = fixture.memory.map(descriptor, 0, REGION_HEADER_BYTES, true).i32;
  const words = new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
  /** Whether those who store to a mapping are to tell. */
  const isWatched = (): boolean => {
    fixture.step(5);
    return isWaitedFor(header);
  };
  const store = (value: bigint): void => {
    words[AT / 8] = value;
  };
  return { fixture, region, one: enter(1, "unix"), other: enter(2, "tcp"), isWatched, store };
}

function asked(tag: number, asking: Asking = {}): CommandFields {
  const { handle = 1, offset = AT, length = 8, seen = 0n, waitMs = 60_000 } = asking;
  return { opcode: OPCODE.WORD_WAIT, tag, handle, offset, length, operand: seen, compare: BigInt(waitMs) };
}

function ask(client: RawClient, tag: number, asking?: Asking): void {
  client.send(command(asked(tag, asking)));
}

function said(client: RawClient): string {
  const { opcode, tag, status, value } = client.answer();
  const name = Object.entries(OPCODE).find(([, code]) => code === opcode)?.[0];
  return `${name} ${tag}: ${status === 0 ? value : `status ${status}`}`;
}

const failed = (tag: number, code: Parameters<typeof statusOf>[0]): string =>
  `WORD_WAIT ${tag}: status ${statusOf(code)}`;

const touched = (offset: number, length: number): CommandFields => {
  return { opcode: OPCODE.WORDS_TOUCHED, tag: 9, handle: 1, offset, length };
};

const payload = (length: number, at: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  bytes[at] = 7;
  return bytes;
};

const WRITES: Readonly<Record<string, CommandFields>> = {
  "a short put": { opcode: OPCODE.PUT, offset: AT, length: 8, operand: 7n },
  "a put of one of its bytes": { opcode: OPCODE.PUT, offset: AT, length: 1, operand: 7n },
  "a put with a payload": { opcode: OPCODE.PUT, offset: AT - 40, length: 100, payload: payload(100, 40) },
  "a fetch-and-op": { opcode: OPCODE.FETCH_OP, flags: opFlags(ADD, I64), offset: AT, length: 8, operand: 7n },
  "a compare-and-swap": { opcode: OPCODE.COMPARE_AND_SWAP, flags: I64, offset: AT, length: 8, operand: 7n },
  "an accumulate": {
    opcode: OPCODE.ACCUMULATE,
    flags: opFlags(ADD, I64),
    offset: AT - 8,
    length: 24,
    payload: payload(24, 8),
  },
};

test("a word that is another one already is told at once, and nobody waits", () => {
  const { one, isWatched } = shared();
  one.call({ opcode: OPCODE.PUT, handle: 1, offset: AT, length: 8, operand: -5n });
  ask(one, 1);
  assert.equal(said(one), "WORD_WAIT 1: -5");
  ask(one, 2, { length: 4, seen: 1n });
  assert.equal(said(one), `WORD_WAIT 2: ${2n ** 32n - 5n}`);
  ask(one, 3, { handle: 2, offset: 0 });
  assert.equal(said(one), "WORD_WAIT 3: -5", "the other binding begins there");
  assert.equal(isWatched(), false);
});

for (const [name, fields] of Object.entries(WRITES)) {
  test(`who waits is woken by ${name}, whoever makes it, and by nothing beside`, () => {
    const { one, other, isWatched } = shared();
    ask(one, 1);
    ask(other, 2);
    ask(one, 3, { offset: AT + 8 });
    ask(one, 4, { offset: AT - 8 });
    assert.equal(isWatched(), true);
    other.send(command({ ...fields, tag: 5, handle: 1 }));
    assert.equal(said(one), "WORD_WAIT 1: 7");
    const both = [said(other), said(other)].sort();
    assert.equal(both[1], "WORD_WAIT 2: 7");
    // Behind what is beside it nothing else has come.
    one.send(command({ opcode: OPCODE.GET, tag: 6, handle: 1, offset: AT, length: 8 }));
    assert.equal(said(one), "GET 6: 7");
    assert.equal(isWatched(), true, "two wait still");
  });
}

test("who stores to a mapping tells, and who waits is told", () => {
  const { one, other, isWatched, store } = shared();
  ask(one, 1);
  assert.equal(isWatched(), true);
  store(3n);
  other.send(command(touched(AT + 8, 8)));
  assert.equal(said(other), "WORDS_TOUCHED 9: 0");
  other.send(command(touched(0, 2 ** 40)));
  assert.equal(said(one), "WORD_WAIT 1: 3");
  assert.equal(isWatched(), false);
});

test("a store that its processor holds back for a moment is seen without being told of, also where waits come one after the other", () => {
  const { fixture, one, other, isWatched, store } = shared();
  ask(one, 1);
  assert.equal(isWatched(), true);
  store(3n);
  assert.equal(fixture.plane.doWork(fixture.nowMs), 0, "nobody looks yet");
  fixture.nowMs += LOOK_AGAIN_MS;
  assert.equal(said(one), "WORD_WAIT 1: 3");
  ask(one, 2, { seen: 3n });
  fixture.step(5);
  fixture.nowMs += LOOK_AGAIN_MS - 1;
  ask(other, 3, { seen: 3n });
  fixture.step(5);
  fixture.nowMs += 1;
  fixture.step(5);
  store(4n);
  fixture.nowMs += LOOK_AGAIN_MS;
  assert.deepEqual([said(one), said(other)], ["WORD_WAIT 2: 4", "WORD_WAIT 3: 4"]);
});

test("a wait ends with its time, and looks once more before it says so", () => {
  const { fixture, one, isWatched, store } = shared();
  ask(one, 1, { waitMs: 50 });
  ask(one, 2, { waitMs: 70 });
  ask(one, 3, { waitMs: 0 });
  assert.equal(said(one), failed(3, "ERR_TIMEOUT"), "it may not wait");
  fixture.nowMs += 49;
  fixture.step(20);
  assert.equal(one.tryAnswer(), undefined);
  fixture.nowMs += 1;
  assert.equal(said(one), failed(1, "ERR_TIMEOUT"));
  store(8n);
  fixture.nowMs += 20;
  assert.equal(said(one), "WORD_WAIT 2: 8");
  assert.equal(isWatched(), false);
});

test("a wait ends with its window, with its connection, when it is taken back, and when its word is cut off", () => {
  const { fixture, region, one, other, isWatched } = shared();
  ask(one, 1, { handle: 2, offset: 0 });
  ask(one, 2);
  ask(one, 3, { offset: AT + 8 });
  fixture.step(20);
  assert.equal(fixture.order({ type: "unbind", session: 1, handle: 2, revoked: true })?.type, "unbound");
  assert.equal(said(one), failed(1, "ERR_REVOKED"));
  const end = { ...asked(4, { waitMs: 0 }), flags: WORD_WAIT_END };
  one.send(command(end));
  assert.deepEqual([said(one), said(one)], ["WORD_WAIT 4: 0", failed(2, "ERR_ABORTED")]);
  one.send(command(end));
  assert.equal(said(one), "WORD_WAIT 4: 0", "as often as one likes");
  ask(other, 5, { offset: 4088 });
  fixture.step(20);
  const { inode } = region;
  const resize = { type: "resize", inode, index: 0, byteLength: 4092, mappedBytes: BYTES } as const;
  assert.equal(fixture.order(resize)?.type, "resized");
  assert.equal(said(other), failed(5, "ERR_RANGE"));
  assert.equal(isWatched(), true);
  one.stream.close();
  assert.equal(isWatched(), false);
});

test("a wait that cannot be is refused", () => {
  const { one } = shared();
  const refusals: [Asking, Parameters<typeof statusOf>[0]][] = [
    [{ handle: 9 }, "ERR_BAD_HANDLE"],
    [{ offset: AT + 4 }, "ERR_ALIGNMENT"],
    [{ offset: BYTES }, "ERR_RANGE"],
    [{ offset: BYTES - 4 }, "ERR_RANGE"],
  ];
  for (const [asking, code] of refusals) {
    ask(one, 1, asking);
    assert.equal(said(one), failed(1, code));
  }
  const told = { ...touched(0, 8), handle: 2 };
  assert.equal(one.call(told).status, statusOf("ERR_RIGHTS"), "who may not store has stored nothing");
});

test("a session has 128 waits at a time, and others have their own", () => {
  const { fixture, one, other } = shared();
  for (let i = 0; i < 128; i += 1) ask(one, i);
  ask(one, 500);
  assert.equal(said(one), failed(500, "ERR_TOO_MANY"));
  ask(other, 501);
  fixture.step(20);
  other.send(command({ opcode: OPCODE.PUT, tag: 1, handle: 1, offset: AT, length: 8, operand: 1n }));
  assert.deepEqual([said(other), said(other)], ["PUT 1: 0", "WORD_WAIT 501: 1"]);
  for (let i = 0; i < 128; i += 1) assert.equal(said(one), `WORD_WAIT ${i}: 1`);
});

test("a write has its answer, though it leads to more answers on its own connection than there is room for", () => {
  for (const fields of [
    ...Object.values(WRITES),
    { ...asked(0, { waitMs: 0 }), flags: WORD_WAIT_END },
    touched(AT, 8),
  ]) {
    const { fixture, one, store } = shared();
    for (let tag = 0; tag < 100; tag += 1) ask(one, tag);
    fixture.step(20);
    if (fields.opcode === OPCODE.WORDS_TOUCHED) store(7n);
    // All comes at once, and 256 answers are all that a connection has room for.
    const get = command({ opcode: OPCODE.GET, tag: 600, handle: 1, length: 8 });
    one.send(
      new Uint8Array([
        ...Array(255)
          .fill([...get])
          .flat(),
        ...command({ ...fields, tag: 500, handle: 1 }),
      ]),
    );
    const tags: number[] = [];
    while (tags.length < 255 + 1 + 100) tags.push(one.answer().tag);
    assert.equal(new Set(tags).size, 102);
  }
});

for (const [name, change] of Object.entries({
  "a flag": { flags: 2 },
  "a payload": { payload: new Uint8Array(8) },
  "another length": { length: 2 },
  "the upper half of a short word": { length: 4, operand: 2n ** 32n },
  "the upper half of its time": { compare: 2n ** 32n },
  "a time to take back": { flags: WORD_WAIT_END, compare: 1n },
  "a value to take back": { flags: WORD_WAIT_END, operand: 1n, compare: 0n },
})) {
  test(`no client of ours sends a wait with ${name}`, () => {
    const { fixture, one } = shared();
    one.send(command({ ...asked(1), ...change }));
    fixture.step(20);
    one.receive();
    assert.ok(one.ended);
    assert.equal(fixture.count("protocolErrors"), 1);
  });
}

for (const change of [
  { flags: 1 },
  { operand: 1n },
  { compare: 2n ** 40n },
  { payload: new Uint8Array(8) },
]) {
  test(`no client of ours tells of stores with ${Object.keys(change)}`, () => {
    const { fixture, one } = shared();
    one.send(command({ ...touched(0, 8), ...change }));
    fixture.step(20);
    one.receive();
    assert.ok(one.ended);
  });
}
