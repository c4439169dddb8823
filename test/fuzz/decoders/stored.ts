import { type CommitRecord, RECORD_KIND } from "../../../src/epoch/commit-records.ts";
import { decodeRecord, encodeRecord } from "../../../src/epoch/record-codec.ts";
import { encodeCount } from "../../../src/meta/count-record.ts";
import { decodeEntry, encodeEntry } from "../../../src/meta/entry-record.ts";
import { decodeInode, encodeInode, type Inode } from "../../../src/meta/inode-record.ts";
import {
  entryKey,
  entryName,
  leadingInode,
  orphanInode,
  orphanKey,
  removalKey,
  removalOf,
  removalRegion,
  sectionOf,
  trashInode,
  trashKey,
  xattrKey,
  xattrName,
} from "../../../src/meta/keys.ts";
import {
  checkName,
  checkPathText,
  checkXattrName,
  parseLinkTarget,
  parsePath,
} from "../../../src/meta/path.ts";
import { nextInodeOf } from "../../../src/meta/store.ts";
import { countInodes, getLink } from "../../../src/meta/tables.ts";
import type { KvReader } from "../../../src/ports/kv.ts";
import { bytesToText, textToBytes } from "../../../src/std/byte-text.ts";
import {
  countersBytes,
  decodeCountersHeader,
  encodeCountersHeader,
} from "../../../src/structs/counters-header.ts";
import {
  decodeEpochLogHeader,
  EPOCH_LOG_HEADER_BYTES,
  encodeEpochLogHeader,
} from "../../../src/structs/epoch-log-header.ts";
import {
  decodeRegionHeader,
  encodeRegionHeader,
  newestHeader,
  REGION_HEADER_BYTES,
} from "../../../src/structs/region-header.ts";
import {
  entryTicket,
  nextCompletion,
  nextSubmission,
  syncAreaBytes,
  syncQueueAt,
} from "../../../src/structs/sync-queue.ts";
import type { Dice } from "../dice.ts";
import { anyBytes, anyText, type Decoder, mutated } from "./decoder.ts";

const ID = "0123456789abcdef".repeat(2);
const FILE: Inode = {
  type: "file",
  mode: 0o644,
  uid: 1,
  gid: 2,
  nlink: 1,
  gen: 1,
  size: 10,
  extent: 20,
  atimeMs: 1,
  mtimeMs: 2,
  ctimeMs: 3,
  birthtimeMs: 4,
  layout: {
    stripeUnit: 4096,
    regions: [
      { target: ID, drive: "file" },
      { target: ID, drive: "memory" },
    ],
  },
};

/** A store in which every key has the same value. */
const storeOf = (value: Uint8Array): KvReader =>
  ({ get: () => value, scan: () => [] }) as unknown as KvReader;

function regionPage(dice: Dice): Uint8Array {
  const page = new Uint8Array(REGION_HEADER_BYTES);
  for (const sequence of dice.pick([[0], [0, 1], [2, 1], [2 ** 52 - 1]])) {
    encodeRegionHeader(page, { inode: 3, index: 1, byteLength: 5000, written: true, sequence });
  }
  return damagedPage(page, dice);
}

/** The page at the front of an object, with one slot or both as they should not be. */
function damagedPage(page: Uint8Array, dice: Dice): Uint8Array {
  for (const at of [0, 2048]) {
    if (dice.percent(50)) page.set(mutated(page.subarray(at, at + 64), dice).subarray(0, 64), at);
  }
  return dice.percent(95) ? page : page.subarray(0, dice.between(0, page.length));
}

function epochLogPage(dice: Dice): Uint8Array {
  const page = new Uint8Array(EPOCH_LOG_HEADER_BYTES);
  const header = { ringBytes: 4096, start: 8, lifeStart: 16, life: 2, secret: 9 };
  for (const sequence of dice.pick([[1], [1, 2], [3, 2], [2 ** 52 - 1]])) {
    encodeEpochLogHeader(page, "log", { ...header, sequence });
  }
  return damagedPage(page, dice);
}

function countersFile(dice: Dice): Uint8Array {
  const workerCount = dice.between(1, 3);
  const file = new Uint8Array(countersBytes(workerCount));
  const target = { target: ID, name: "target-0", pid: 7, startTicks: 1 };
  encodeCountersHeader(file, { ...target, startedMs: 2, startedWallMs: 3, workerCount });
  if (dice.percent(60)) file.set(mutated(file.subarray(0, 128), dice).subarray(0, 128));
  return dice.percent(90) ? file : file.subarray(0, dice.between(0, file.byteLength));
}

const EPOCH = { incarnation: ID, session: 3, secret: "5e".repeat(8), sequence: 4 };
const WRITES = [{ inode: 3, index: 1, at: 5000, bytes: new Uint8Array(20).fill(1) }];
const COMMIT_RECORDS: readonly CommitRecord[] = [
  {
    kind: RECORD_KIND.PREPARED,
    epoch: EPOCH,
    decider: { target: ID, worker: 1 },
    shared: [{ inode: 3, index: 1, line: 7 }],
    writes: WRITES,
  },
  { kind: RECORD_KIND.COMMITTED, epoch: EPOCH, prepared: 80, others: [{ target: ID, worker: 0 }] },
  { kind: RECORD_KIND.COMMITTED_ALONE, epoch: EPOCH, writes: WRITES },
  { kind: RECORD_KIND.FINISHED, epoch: EPOCH, ends: 80, committed: true },
  { kind: RECORD_KIND.FLUSHED, inode: 3, index: 1, upTo: 800 },
];

/** What lies on drives and in the metadata, or in memory that threads share. */
export const STORED_DECODERS: readonly Decoder[] = [
  {
    name: "file of counters",
    covers: ["decodeCountersHeader"],
    codes: ["ERR_CORRUPT", "ERR_VERSION"],
    attempt: (dice) => decodeCountersHeader(countersFile(dice), "target-0"),
  },
  {
    name: "region header",
    covers: ["decodeRegionHeader", "decodePage"],
    codes: ["ERR_CORRUPT", "ERR_VERSION"],
    attempt: (dice) => decodeRegionHeader(regionPage(dice), "3.1"),
  },
  {
    name: "region header that others may be changing",
    covers: ["newestHeader"],
    codes: [],
    attempt(dice) {
      const page = new Uint8Array(REGION_HEADER_BYTES);
      page.set(regionPage(dice));
      const header = newestHeader(page);
      if (header !== undefined && !Number.isSafeInteger(header.byteLength))
        throw new Error("a length that is none");
    },
  },
  {
    name: "header of an epoch log",
    covers: ["decodeEpochLogHeader"],
    codes: ["ERR_CORRUPT", "ERR_VERSION"],
    attempt: (dice) => decodeEpochLogHeader(epochLogPage(dice), "log"),
  },
  {
    name: "records of commit",
    covers: ["decodeRecord"],
    codes: ["ERR_CORRUPT"],
    attempt(dice) {
      const record = dice.pick(COMMIT_RECORDS);
      const body = Buffer.concat(encodeRecord(record));
      return decodeRecord(dice.percent(90) ? record.kind : dice.between(0, 7), mutated(body, dice));
    },
  },
  {
    name: "sync queue",
    covers: ["nextSubmission", "nextCompletion"],
    codes: [],
    attempt(dice) {
      const words = new Int32Array(syncAreaBytes(2) / 4);
      dice.fill(new Uint8Array(words.buffer));
      for (const entry of [nextSubmission(words, syncQueueAt(1)), nextCompletion(words, syncQueueAt(1))]) {
        if (entry >= words.length) throw new Error("an entry outside of its queue");
        if (entry >= 0) entryTicket(words, entry);
      }
    },
  },
  {
    name: "inode",
    covers: ["decodeInode"],
    codes: ["ERR_CORRUPT", "ERR_VERSION"],
    attempt: (dice) => decodeInode(mutated(encodeInode(FILE), dice)),
  },
  {
    name: "directory entry",
    covers: ["decodeEntry"],
    codes: ["ERR_CORRUPT"],
    attempt: (dice) => decodeEntry(mutated(encodeEntry({ inode: 7, type: "symlink" }), dice)),
  },
  {
    name: "what symbolic links say, and counts",
    covers: ["getLink", "countInodes", "nextInodeOf", "decodeCount"],
    codes: ["ERR_CORRUPT"],
    attempt(dice) {
      const store = storeOf(mutated(encodeCount(5), dice));
      getLink(store, 1);
      for (const count of [countInodes(store), nextInodeOf(store)]) {
        if (!Number.isSafeInteger(count)) throw new Error(`${count} is no count`);
      }
    },
  },
  {
    name: "keys of names",
    covers: ["entryName", "xattrName"],
    codes: [],
    attempt(dice) {
      entryName(mutated(entryKey(3, "name"), dice));
      xattrName(mutated(xattrKey(3, "name"), dice));
    },
  },
  {
    name: "keys, looked at by the check",
    covers: ["sectionOf", "leadingInode", "removalOf"],
    codes: [],
    attempt(dice) {
      const key = mutated(dice.pick([removalKey(ID, 4, 1), orphanKey(4), entryKey(4, "n")]), dice);
      sectionOf(key);
      leadingInode(key);
      removalOf(key);
    },
  },
  {
    name: "keys of orphans, trash and removals",
    covers: ["orphanInode", "trashInode", "removalRegion"],
    codes: ["ERR_CORRUPT"],
    attempt(dice) {
      const numbers = [orphanInode(mutated(orphanKey(4), dice)), trashInode(mutated(trashKey(4), dice))];
      numbers.push(removalRegion(mutated(removalKey(ID, 4, 1), dice)).inode);
      if (!numbers.every(Number.isSafeInteger)) throw new Error(`${numbers.join()} are no inodes`);
    },
  },
  {
    name: "paths and names",
    covers: ["parsePath", "parseLinkTarget", "checkName", "checkXattrName", "checkPathText"],
    codes: ["ENOENT", "EINVAL", "ENAMETOOLONG"],
    attempt(dice) {
      const text = dice.percent(95) ? anyText(dice) : "/a".repeat(dice.between(2000, 3000));
      return dice.pick([
        () => parsePath(text),
        () => parseLinkTarget(text, "/l"),
        () => checkName(text, "/n"),
        () => checkXattrName(text, "/x"),
        () => checkPathText(text, "/p"),
      ])();
    },
  },
  {
    name: "bytes as text",
    covers: ["bytesToText", "textToBytes"],
    codes: [],
    attempt(dice) {
      const bytes = mutated(Buffer.from("aé€😀\udc80"), dice);
      const back = textToBytes(bytesToText(bytes));
      if (back === undefined || Buffer.compare(back, bytes) !== 0)
        throw new Error(`${bytes.toString("hex")} is lost`);
      textToBytes(anyBytes(dice, 40).toString("utf16le"));
    },
  },
];
