/** Versions of lines in memory that others map: what a worker writes there, and whom a target gives it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EPOCH_ANSWER } from "../../src/epoch/epoch-actions.ts";
import type { CallContext } from "../../src/rpc/handlers.ts";
import { SimDrive } from "../../src/sim/drive.ts";
import { betweenAtomicAccesses } from "../../src/sim/interleaver.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { DidafsError, statusOf } from "../../src/std/errors.ts";
import { isLineTaken, lineCountsBytes, lineVersion } from "../../src/structs/line-counts.ts";
import { LineGrants } from "../../src/target/line-grants.ts";
import type { OpenRegion, OpenRegions } from "../../src/target/open-regions.ts";
import type { WorkerLink } from "../../src/target/worker-link.ts";
import { MappedLines } from "../../src/transport/mapped-lines.ts";
import { LINE_BYTES } from "../../src/wire/epoch-message.ts";
import { OPCODE } from "../../src/wire/header.ts";
import {
  EpochFixture,
  type EpochOrigin,
  HANDLE,
  OTHER,
  REGION_BYTES,
  SELF,
  writeAt,
} from "./epoch-fixture.ts";
import { TargetFixture, type TargetFixtureOptions, type Window } from "./target-fixture.ts";
import { command } from "./worker-fixture.ts";

const { PREPARED, COMMITTED, ABORTED, CONFLICT } = EPOCH_ANSWER;
const ENTRIES = REGION_BYTES / LINE_BYTES;
const INODE = 7;
const REGION = { inode: INODE, index: 0 } as const;

/** A region whose lines are counted where this test sees it. */
function share(fixture: EpochFixture, entries = ENTRIES, inode = INODE) {
  const descriptor = fixture.memory.newDescriptor();
  fixture.memory.share(descriptor, lineCountsBytes(entries));
  fixture.say({ type: "lines-share", inode, index: 0, descriptor, entries });
  const { i32: words } = fixture.memory.map(descriptor, 0, lineCountsBytes(entries), false);
  const { status } = fixture.take("lines-shared") ?? {};
  return { status, words, lines: new MappedLines(fixture.memory, descriptor, entries) };
}

/** A word, and its line's version. */
function look(fixture: EpochFixture, lines: MappedLines, at = 0) {
  let value = 0n;
  const { bytes } = fixture.region(INODE);
  const versions = lines.read(at, 8, () => {
    value = new DataView(bytes.buffer, bytes.byteOffset + at).getBigUint64(0, true);
  });
  return { value, version: versions?.[0] };
}

const word = (value: number): Uint8Array => new Uint8Array(new BigUint64Array([BigInt(value)]).buffer);
const writes = (value: number, at = 0) => [writeAt(at, ...word(value))];

function store(origin: EpochOrigin, at: number, value: number): void {
  const put = { opcode: OPCODE.PUT, handle: HANDLE, offset: at, length: 8, operand: BigInt(value) };
  assert.equal(origin.plain.call(put).status, 0);
}

test("versions go on where others see them, and are those that epochs are compared with", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  origin.get(0, 8);
  for (const value of [1, 2, 3]) store(origin, 0, value);
  const [told] = origin.get(0, 8).versions;
  const { status, lines } = share(fixture);
  assert.equal(status, 0);
  const seen = look(fixture, lines);
  assert.deepEqual(seen, { value: 3n, version: told });
  assert.deepEqual(origin.get(0, 8).versions, [told]);
  const read = { handle: HANDLE, at: 0, version: seen.version as number };
  const validated = { reads: [read], writes: writes(4) };
  assert.equal(origin.tell("COMMIT_ALONE", origin.name(), validated), COMMITTED);
  assert.equal(
    origin.tell("COMMIT_ALONE", origin.name(), validated),
    CONFLICT,
    "it was of the version before",
  );
  const after = look(fixture, lines);
  assert.deepEqual(after, { value: 4n, version: (told as number) + 1 });
  store(origin, 0, 5);
  assert.deepEqual(look(fixture, lines), { value: 5n, version: (told as number) + 2 });
  assert.deepEqual(look(fixture, lines, LINE_BYTES), { value: 0n, version: 0 });
});

test("lines that an epoch is to write are taken from its promise until it has ended, those it has read are not", () => {
  for (const [kind, end] of [
    ["FINISH_COMMITTED", COMMITTED],
    ["FINISH_ABORTED", ABORTED],
  ] as const) {
    const fixture = new EpochFixture();
    const origin = fixture.origin(1);
    const { words, lines } = share(fixture);
    const name = { ...origin.name(), incarnation: "9".repeat(32) };
    const part = {
      decider: OTHER,
      writes: writes(1),
      reads: [{ handle: HANDLE, at: LINE_BYTES, version: 0 }],
    };
    assert.equal(origin.tell("PREPARE", name, part), PREPARED);
    assert.deepEqual([isLineTaken(words, 0), isLineTaken(words, 1)], [true, false]);
    assert.deepEqual(look(fixture, lines), { value: 0n, version: undefined });
    assert.equal(origin.tell(kind, name), end);
    const isThere = end === COMMITTED;
    assert.deepEqual(look(fixture, lines), isThere ? { value: 1n, version: 1 } : { value: 0n, version: 0 });
  }
});

test("what is taken when others begin to see it is taken there, once", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  const name = { ...origin.name(), incarnation: "9".repeat(32) };
  assert.equal(origin.tell("PREPARE", name, { decider: OTHER, writes: writes(1, LINE_BYTES) }), PREPARED);
  const { words } = share(fixture);
  const second = share(fixture);
  assert.equal(second.status, 0);
  const taken = (of: Int32Array): number[] =>
    Array.from({ length: ENTRIES }, (_, line) => line).filter((line) => isLineTaken(of, line));
  assert.deepEqual([taken(words), taken(second.words)], [[1], [1]]);
  assert.equal(origin.tell("FINISH_COMMITTED", name), COMMITTED);
  assert.deepEqual(taken(second.words), []);
  assert.deepEqual([lineVersion(words, 1), lineVersion(second.words, 1)], [0, 1]);
});

test("a life after a crash holds what was promised, and says so to whoever looks", () => {
  const former = new EpochFixture();
  const before = former.origin(1);
  const name = { ...before.name(), incarnation: "9".repeat(32) };
  assert.equal(before.tell("PREPARE", name, { decider: OTHER, writes: writes(1), stable: true }), PREPARED);
  const fixture = new EpochFixture({ former });
  fixture.origin(2);
  const { words, lines } = share(fixture);
  assert.equal(isLineTaken(words, 0), true);
  const { key } = fixture.take("epoch-enquire") as { key: string };
  fixture.say({ type: "epoch-outcome", key, answer: COMMITTED });
  fixture.step(10);
  assert.deepEqual(look(fixture, lines), { value: 1n, version: 1 });
});

test("memory that has no room for the lines, or of no region, is not counted in", () => {
  const fixture = new EpochFixture();
  const origin = fixture.origin(1);
  origin.get(0, 8);
  assert.equal(share(fixture, ENTRIES / 2).status, statusOf("ERR_NOT_SUPPORTED"));
  assert.equal(share(fixture, ENTRIES, 99).status, statusOf("ERR_BAD_HANDLE"));
  fixture.say({ type: "lines-share", ...REGION, descriptor: 12_345, entries: ENTRIES });
  assert.equal(fixture.take("lines-shared")?.status, statusOf("ERR_IO"));
  store(origin, 0, 1);
  assert.deepEqual(origin.get(0, 8).versions, [1], "it counts where it did");
  assert.equal(share(fixture, 2 * ENTRIES).status, 0, "more than it needs is no harm");
});

test("what is mapped is given back when the region goes, and when the worker ends", () => {
  for (const end of [{ type: "unmap", ...REGION }, { type: "stop" }] as const) {
    const fixture = new EpochFixture();
    fixture.origin(1);
    const { map, free } = fixture.memory;
    const mapped: unknown[] = [];
    fixture.memory.map = (descriptor, offset, byteLength, writable) => {
      const memory = map.call(fixture.memory, descriptor, offset, byteLength, writable);
      if (byteLength === lineCountsBytes(ENTRIES)) mapped.push(memory);
      return memory;
    };
    fixture.memory.free = (memory) => {
      if (mapped.includes(memory)) mapped.splice(mapped.indexOf(memory), 1);
      free.call(fixture.memory, memory);
    };
    const descriptor = fixture.memory.newDescriptor();
    fixture.memory.share(descriptor, lineCountsBytes(ENTRIES));
    for (const _ of [1, 2]) fixture.say({ type: "lines-share", ...REGION, descriptor, entries: ENTRIES });
    assert.equal(mapped.length, 1, "the first mapping is of no use once there is another one");
    fixture.say(end);
    if (end.type === "stop") fixture.plane.close();
    fixture.step(3);
    assert.deepEqual(mapped, [], end.type);
  }
});

test("whoever looks between any two steps of the worker sees bytes that go with their version", () => {
  const changes: Record<string, (origin: EpochOrigin) => () => void> = {
    "an epoch": (origin) => {
      const message = origin.message("COMMIT_ALONE", origin.name(), { writes: writes(1) });
      return () => {
        origin.epochs.send(message);
        assert.equal(origin.answer(), COMMITTED);
      };
    },
    "a decision": (origin) => {
      const name = origin.name();
      assert.equal(origin.tell("PREPARE", name, { decider: SELF, writes: writes(1) }), PREPARED);
      return () => assert.equal(origin.tell("DECIDE", name), COMMITTED);
    },
    "a plain word": (origin) => () => store(origin, 0, 1),
    "plain bytes": (origin) => () => origin.put(0, Uint8Array.from([...word(1), 0])),
    "an operation": (origin) => () => {
      const operation = { opcode: OPCODE.FETCH_OP, handle: HANDLE, length: 8, operand: 1n };
      origin.plain.send(command(operation));
      assert.equal(origin.plain.answer().status, 0);
    },
  };
  for (const [what, change] of Object.entries(changes)) {
    let seenOld = 0;
    let refused = 0;
    const places = betweenAtomicAccesses(() => {
      const fixture = new EpochFixture();
      const origin = fixture.origin(1);
      // The log is there from now on.
      assert.equal(
        origin.tell("COMMIT_ALONE", origin.name(), { writes: writes(0, 2 * LINE_BYTES) }),
        COMMITTED,
      );
      const { lines } = share(fixture);
      const changes = change(origin);
      let seen = { value: 0n, version: undefined as number | undefined };
      return {
        body: changes,
        other: () => {
          seen = look(fixture, lines);
        },
        check: () => {
          assert.deepEqual(look(fixture, lines), { value: 1n, version: 1 });
          if (seen.version === undefined) refused += 1;
          // The new bytes under the old version would only make an epoch a conflict that had no need to be.
          else if (seen.value === 0n) {
            assert.equal(seen.version, 0, `${what}: old bytes pass for new ones`);
            seenOld += 1;
          } else if (what === "an epoch" || what === "a decision") {
            assert.equal(seen.version, 1, `${what}: not all of it may be in place`);
          }
        },
      };
    });
    assert.ok(places > 0, `${what} is counted`);
    if (what === "an epoch" || what === "a decision") assert.ok(refused > 0, `${what} takes its lines`);
    else assert.equal(refused, 0, `${what} takes nothing`);
    if (what === "a plain word") assert.ok(seenOld > 0, "its bytes come before its version");
  }
});

function whole(inode: number, more: Partial<Window> = {}): Window {
  const window = {
    inode,
    index: 0,
    at: 0,
    byteLength: 10_000,
    rights: "rw",
    sharing: "managed",
    direct: true,
  } as const;
  return { ...window, ...more };
}

async function serving(options: TargetFixtureOptions = {}, kind: "unix" | "tcp" = "unix") {
  const fixture = new TargetFixture(options);
  await fixture.registered();
  for (const inode of [1, 2]) await fixture.createRegion(inode, 0, 10_000);
  const origin = await fixture.origin(kind);
  await origin.openSession();
  const lines = (handle: number) =>
    fixture.settle(origin.channel.callWithDescriptor("window.lines", { handle }, { timeoutMs: 1e6 }));
  return { fixture, origin, lines };
}

test("a target gives a window that is mapped the memory of its region's lines, made once", async () => {
  const { fixture, origin, lines } = await serving();
  const first = await origin.bind(whole(1));
  const second = await origin.bind(whole(1, { rights: "r" }));
  const other = await origin.bind(whole(2));
  const asked = [await lines(first.handle), await lines(second.handle), await lines(other.handle)];
  assert.deepEqual(
    asked.map(({ result }) => result),
    [{ entries: 4 }, { entries: 4 }, { entries: 4 }],
  );
  const [one, two, three] = asked.map(({ descriptor }) => descriptor);
  assert.ok(one !== undefined && three !== undefined);
  assert.equal(one, two);
  assert.notEqual(one, three);
  await fixture.steps(3);
  assert.ok(fixture.closedDescriptors.includes(one), "what was passed is a descriptor of its own");
  assert.equal(fixture.lines.openCount, 2);
  assert.deepEqual(fixture.lines.names(), [], "nobody reaches it by a name");
});

test("nobody gets it for a window that he has not, or that is not mapped", async () => {
  const { origin, lines } = await serving();
  await assert.rejects(lines(1), { code: "ERR_BAD_HANDLE" });
  const part = await origin.bind(whole(1, { byteLength: 100 }));
  await assert.rejects(lines(part.handle), { code: "ERR_NOT_DIRECT" });
  const mapped = await origin.bind(whole(1));
  await lines(mapped.handle);
  await origin.call("window.unbind", { handle: mapped.handle });
  await assert.rejects(lines(mapped.handle), { code: "ERR_BAD_HANDLE" });
  const remote = await serving({}, "tcp");
  const { handle } = await remote.origin.bind(whole(1));
  await assert.rejects(remote.lines(handle), { code: "ERR_NOT_DIRECT" });
  assert.equal(remote.fixture.lines.openCount, 0);
});

test("one that is revoked while the memory is made gets nothing", async () => {
  const { fixture, origin } = await serving();
  const { handle } = await origin.bind(whole(1));
  const asked = origin.channel.callWithDescriptor("window.lines", { handle }, { timeoutMs: 1e6 });
  const refused = assert.rejects(asked, { code: "ERR_BAD_HANDLE" });
  const unbound = origin.channel.call("window.unbind", { handle }, { timeoutMs: 1e6 });
  await fixture.settle(Promise.all([refused, unbound]));
});

test("it is closed with its region", async () => {
  const { fixture, origin, lines } = await serving();
  const { handle } = await origin.bind(whole(1));
  await lines(handle);
  await fixture.removeRegion(1, 0);
  assert.equal(fixture.lines.openCount, 1, "who has the region open keeps it");
  await origin.call("window.unbind", { handle });
  await fixture.steps(5);
  assert.equal(fixture.lines.openCount, 0);
});

test("where there is no room for it, it is refused, and the next one may get it", async () => {
  const { fixture, origin, lines } = await serving();
  const { handle } = await origin.bind(whole(1));
  const { create } = fixture.lines;
  fixture.lines.create = () => {
    fixture.lines.create = create;
    throw new DidafsError("ERR_NO_SPACE", "full");
  };
  await assert.rejects(lines(handle), { code: "ERR_NO_SPACE" });
  assert.ok((await lines(handle)).descriptor !== undefined);
});

test("4096 regions at a time have it, as docs/operating.md says; the next is refused until one is closed", async () => {
  const memory = new SimMemory();
  const drive = new SimDrive(memory, "memory");
  const regions = {
    pin: () => {},
    unpin: () => {},
    withRoom: <T>(body: () => T): T => body(),
    sharedLines: 4096,
  };
  const workers = [{ shareLines: async () => 0 }];
  const grants = new LineGrants(
    drive,
    regions as unknown as OpenRegions,
    workers as unknown as WorkerLink[],
    () => {},
  );
  const region = {
    inode: 1,
    index: 0,
    byteLength: 10_000,
    worker: 0,
    lines: undefined,
  } as unknown as OpenRegion;
  const context = { passDescriptor: () => {} } as unknown as CallContext;
  await assert.rejects(
    grants.grant(region, context, () => {}),
    { code: "ERR_TOO_MANY" },
  );
  assert.equal(drive.openCount, 0);
  regions.sharedLines = 4095;
  assert.equal(await grants.grant(region, context, () => {}), 4);
});
