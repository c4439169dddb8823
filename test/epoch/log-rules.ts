import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { NO_ROOM } from "../../src/epoch/log.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import {
  EPOCH_LOG_HEADER_BYTES,
  type EpochLogHeader,
  encodeEpochLogHeader,
} from "../../src/structs/epoch-log-header.ts";
import {
  encodeRecordHead,
  RECORD_HEAD_BYTES,
  setRecordChecksum,
} from "../../src/structs/epoch-log-record.ts";
import { type LogClass, recovered, SECRET, settle } from "./log-run.ts";

const RING_BYTES = 4096;
const SECTOR_BYTES = 512;

/** A log of a machine without failures, and what is on it. */
function opened(Log: LogClass, bytes = new Uint8Array(EPOCH_LOG_HEADER_BYTES + RING_BYTES)) {
  const log = new Log(bytes, "log", SECRET);
  const found = recovered(log);
  settle(log);
  return { log, bytes, found };
}

/** As many bytes as are left of a record that has so many. */
const body = (recordBytes: number, fill: number): Uint8Array =>
  new Uint8Array(recordBytes - RECORD_HEAD_BYTES).fill(fill);

const kinds = (Log: LogClass, bytes: Uint8Array): number[] =>
  recovered(new Log(bytes.slice(), "log", SECRET)).map(({ kind }) => kind);

const sector = (number: number): [from: number, end: number] => [
  EPOCH_LOG_HEADER_BYTES + number * SECTOR_BYTES,
  EPOCH_LOG_HEADER_BYTES + (number + 1) * SECTOR_BYTES,
];

function forgeHeader(bytes: Uint8Array, header: Partial<EpochLogHeader>): void {
  for (const sequence of [1000, 1001]) {
    const all = {
      ringBytes: RING_BYTES,
      start: 0,
      lifeStart: 0,
      life: 1,
      secret: SECRET,
      sequence,
      ...header,
    };
    encodeEpochLogHeader(bytes, "log", all);
  }
}

/** What no chance is needed for. Each throws where it is not so. */
export const LOG_RULES: Readonly<Record<string, (Log: LogClass) => void>> = {
  "a whole record behind a torn one does not follow what the next life puts in its place"(Log) {
    const { log, bytes } = opened(Log);
    for (const kind of [1, 2, 3]) log.append(kind, [body(SECTOR_BYTES, kind)]);
    bytes.fill(0, ...sector(1));
    assert.deepEqual(kinds(Log, bytes), [1]);
    const next = opened(Log, bytes);
    next.log.append(4, [body(SECTOR_BYTES, 4)]);
    assert.deepEqual(kinds(Log, bytes), [1, 4]);
  },

  "a torn record that bytes of the next life make whole again is not there"(Log) {
    const { log, bytes } = opened(Log);
    log.append(1, [body(SECTOR_BYTES, 1)]);
    log.append(2, [body(2 * SECTOR_BYTES, 2)]);
    const [first, second] = [bytes.slice(...sector(1)), bytes.slice(...sector(2))];
    bytes.fill(0, ...sector(2));
    const next = opened(Log, bytes);
    assert.equal(next.found.length, 1);
    // The same bytes under another head, of which the drive writes the second sector only.
    next.log.append(3, [body(2 * SECTOR_BYTES, 2)]);
    assert.deepEqual(bytes.slice(...sector(2)), second);
    bytes.set(first, sector(1)[0]);
    assert.deepEqual(kinds(Log, bytes), [1]);
  },

  "a record of an earlier lap does not follow one of this lap"(Log) {
    const { log, bytes } = opened(Log);
    for (let i = 0; i < 9; i += 1) {
      log.append(i, [body(SECTOR_BYTES, 0)]);
      settle(log);
      log.advance(log.end);
      settle(log);
    }
    assert.deepEqual(kinds(Log, bytes), []);
    log.append(20, [body(SECTOR_BYTES, 0)]);
    assert.deepEqual(kinds(Log, bytes), [20]);
  },

  "bytes of an origin that look like a record are none"(Log) {
    const { log, bytes } = opened(Log);
    const forged = new Uint8Array(RECORD_HEAD_BYTES);
    const view = new DataView(forged.buffer);
    // Where the next lap's second record begins there will be this one, in the middle of a body.
    encodeRecordHead(view, RECORD_HEAD_BYTES, RING_BYTES + SECTOR_BYTES, 1, 66);
    setRecordChecksum(view, crc32(forged));
    const payload = body(2 * SECTOR_BYTES, 0);
    payload.set(forged, SECTOR_BYTES - RECORD_HEAD_BYTES);
    log.append(1, [payload]);
    log.append(2, [body(RING_BYTES - 2 * SECTOR_BYTES, 0)]);
    log.advance(log.end);
    settle(log);
    log.append(3, [body(SECTOR_BYTES, 0)]);
    assert.deepEqual(kinds(Log, bytes), [3]);
  },

  "the ring is used to its last byte, and room comes back with the second sync behind advance"(Log) {
    const { log, bytes } = opened(Log);
    assert.equal(log.roomBytes, RING_BYTES - RECORD_HEAD_BYTES);
    assert.equal(log.append(1, [body(RING_BYTES + 8, 0)]), NO_ROOM);
    assert.equal(log.append(1, [body(RING_BYTES - 24, 0)]), RING_BYTES - 24);
    assert.equal(log.roomBytes, 0);
    assert.equal(log.append(2, [new Uint8Array(1)]), NO_ROOM);
    assert.equal(log.append(2, []), RING_BYTES);
    assert.equal(log.roomBytes, -RECORD_HEAD_BYTES);
    assert.equal(log.append(3, []), NO_ROOM);
    assert.deepEqual(kinds(Log, bytes), [1, 2]);
    log.syncing();
    log.advance(RING_BYTES - 24);
    for (const room of [-RECORD_HEAD_BYTES, -RECORD_HEAD_BYTES, RING_BYTES - 2 * RECORD_HEAD_BYTES]) {
      log.synced();
      assert.equal(log.roomBytes, room);
      if (log.needsSync) log.syncing();
    }
    log.append(3, [body(48, 3)]);
    assert.deepEqual(kinds(Log, bytes), [2, 3]);
  },

  "a log begins where it was last told to"(Log) {
    const { log, bytes } = opened(Log);
    for (const kind of [1, 2, 3]) {
      log.append(kind, [body(40, kind)]);
      log.advance(log.end - 40);
      assert.deepEqual(kinds(Log, bytes), [kind]);
      settle(log);
    }
    log.advance(log.end);
    log.syncing();
    log.append(4, []);
    const start = log.end - RECORD_HEAD_BYTES;
    log.advance(log.end);
    assert.equal(new Log(bytes.slice(), "log", SECRET).start, start, "one step at a time");
    log.synced();
    settle(log);
    assert.equal(new Log(bytes.slice(), "log", SECRET).start, log.end);
  },

  "each record that an earlier life found must be there, and end where that life did"(Log) {
    const { log, bytes } = opened(Log);
    for (const kind of [1, 2, 3]) log.append(kind, [body(40, kind)]);
    const isCorrupt = (error: unknown): boolean => isDidafsError(error, "ERR_CORRUPT");
    const read = (header: Partial<EpochLogHeader>): void => {
      const forged = bytes.slice();
      forgeHeader(forged, header);
      recovered(new Log(forged, "log", SECRET));
    };
    read({ life: 2, lifeStart: 120 });
    read({ life: 2, lifeStart: 0 });
    assert.throws(() => read({ life: 2, lifeStart: 128 }), isCorrupt, "one is missing");
    assert.throws(() => read({ life: 2, lifeStart: 112 }), isCorrupt, "one is longer than that");
    assert.throws(() => read({ life: 1, lifeStart: 120 }), isCorrupt, "of the life itself");
    assert.throws(() => read({ life: 2, lifeStart: 120, start: 8 }), isCorrupt, "none begins there");
  },
};
