/** Reads with versions of one mapped region: when they are possible, and what they leave behind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { countLine, lineCountsBytes, takeLine } from "../../src/structs/line-counts.ts";
import { countResize, encodeRegionHeader, REGION_HEADER_BYTES } from "../../src/structs/region-header.ts";
import { DirectAccess } from "../../src/transport/direct-access.ts";
import { LINE_BYTES } from "../../src/wire/epoch-message.ts";
import { OriginFixture } from "./origin-fixture.ts";

const BYTES = 3 * LINE_BYTES;
const ENTRIES = 4;
const REGION_DESCRIPTOR = 1000;
const LINES_DESCRIPTOR = 1001;

/** A managed window on a region that is mapped, and where its lines are counted. */
function mapped() {
  const origin = new OriginFixture(BYTES, 1000);
  const { memory } = origin.worker;
  memory.share(REGION_DESCRIPTOR, REGION_HEADER_BYTES + BYTES);
  memory.share(LINES_DESCRIPTOR, lineCountsBytes(ENTRIES));
  const { u8: header, i32 } = memory.map(REGION_DESCRIPTOR, 0, REGION_HEADER_BYTES, true);
  let sequence = 0;
  const resize = (byteLength: number): void => {
    encodeRegionHeader(header, { inode: 1, index: 0, byteLength, written: true, sequence });
    sequence += 1;
    countResize(i32);
  };
  resize(BYTES);
  const closed: number[] = [];
  const closeDescriptor = (descriptor: number): void => void closed.push(descriptor);
  const region = {
    descriptor: REGION_DESCRIPTOR,
    dataOffset: REGION_HEADER_BYTES,
    byteLength: BYTES,
    closeDescriptor,
  };
  const access = new DirectAccess(memory, origin.session, origin.access, region, false, () =>
    Promise.resolve({ generation: 0, lane: undefined, descriptor: undefined }),
  );
  const bytes = memory.map(REGION_DESCRIPTOR, REGION_HEADER_BYTES, BYTES, true).u8;
  const words = memory.map(LINES_DESCRIPTOR, 0, lineCountsBytes(ENTRIES), true).i32;
  const mappings = new Set<unknown>();
  const { map, free } = memory;
  memory.map = (descriptor, ...range) => {
    const made = map.call(memory, descriptor, ...range);
    if (descriptor === LINES_DESCRIPTOR) mappings.add(made);
    return made;
  };
  memory.free = (made) => {
    mappings.delete(made);
    free.call(memory, made);
  };
  return { origin, access, bytes, words, closed, resize, mappings };
}

test("bytes come with the versions of their lines, once these are mapped, whose descriptor is not kept", () => {
  const { access, bytes, words, closed, mappings } = mapped();
  assert.equal(access.seesVersions, false);
  access.mapLines(LINES_DESCRIPTOR, ENTRIES);
  assert.equal(access.seesVersions, true);
  assert.deepEqual([closed, mappings.size], [[LINES_DESCRIPTOR], 1]);
  bytes.fill(7);
  countLine(words, 1);
  const into = new Uint8Array(LINE_BYTES + 2);
  assert.deepEqual(access.getWithVersions(LINE_BYTES - 1, into), [0, 1, 0]);
  assert.deepEqual(into, new Uint8Array(LINE_BYTES + 2).fill(7));
  takeLine(words, 2);
  assert.equal(access.getWithVersions(LINE_BYTES - 1, into), undefined);
  assert.deepEqual(access.getWithVersions(LINE_BYTES - 1, into.subarray(1)), [0, 1]);
});

test("while a write of the window is under way the home is asked: reads follow it", async () => {
  const { origin, access } = mapped();
  access.mapLines(LINES_DESCRIPTOR, ENTRIES);
  origin.workerPaused = true;
  const put = access.put(0, new Uint8Array(100), { timeoutMs: 1000, signal: undefined });
  assert.equal(access.seesVersions, false);
  origin.workerPaused = false;
  await origin.settle(put);
  assert.equal(access.seesVersions, true);
});

test("what is closed, lost or cut is not read", () => {
  const into = new Uint8Array(8);
  const cut = mapped();
  cut.access.mapLines(LINES_DESCRIPTOR, ENTRIES);
  cut.resize(LINE_BYTES);
  assert.deepEqual(cut.access.getWithVersions(LINE_BYTES - 8, into), [0]);
  assert.throws(() => cut.access.getWithVersions(LINE_BYTES - 4, into), { code: "ERR_RANGE" });
  const lost = mapped();
  lost.access.mapLines(LINES_DESCRIPTOR, ENTRIES);
  lost.origin.session.lose();
  assert.throws(() => lost.access.getWithVersions(0, into), { code: "ERR_SESSION_LOST" });
  const { access, closed, mappings } = mapped();
  access.mapLines(LINES_DESCRIPTOR, ENTRIES);
  access.close();
  assert.deepEqual([closed, mappings.size], [[LINES_DESCRIPTOR, REGION_DESCRIPTOR], 0]);
  assert.equal(access.seesVersions, false);
  assert.throws(() => access.getWithVersions(0, into), { code: "ERR_CLOSED" });
});

test("what comes too late, or cannot be mapped, is given back", () => {
  const late = mapped();
  late.access.close();
  late.access.mapLines(LINES_DESCRIPTOR, ENTRIES);
  assert.deepEqual([late.closed, late.mappings.size], [[REGION_DESCRIPTOR, LINES_DESCRIPTOR], 0]);
  const { access, closed } = mapped();
  assert.throws(() => access.mapLines(77, ENTRIES), { code: "ERR_IO" });
  assert.deepEqual([closed, access.seesVersions], [[77], false]);
});
