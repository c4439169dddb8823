import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type ErrorCode, statusOf } from "../../src/std/errors.ts";
import { Owed } from "./oracle/answers.ts";
import { EpochOracle } from "./oracle/epochs.ts";
import { Land, READ, WRITE } from "./oracle/land.ts";
import { Oracle } from "./oracle/oracle.ts";
import { STATUS } from "./oracle/statuses.ts";
import {
  ANSWERS,
  type EpochTelling,
  epochPayloadBytes,
  KINDS,
  putEpochPayload,
} from "./wire/epoch-payload.ts";
import { AT, Batch, OPCODES } from "./wire/frame.ts";

test("the oracle knows every status that a worker can answer", () => {
  const source = readFileSync(new URL("../../src/target/statuses.ts", import.meta.url), "utf8");
  const codes = [...source.matchAll(/statusOf\("(\w+)"\)/g)].map(([, code]) => statusOf(code as ErrorCode));
  assert.deepEqual([0, ...codes].sort(), Object.values(STATUS).sort());
});

test("the oracle reads a stream however it is cut, and knows what comes of it", () => {
  const batch = new Batch(1024);
  const hello = batch.header(OPCODES.HELLO, 1, 0);
  batch.u64(hello + AT.operand, 5);
  const token = new Uint8Array(32).fill(9);
  batch.payload(hello, 32).set(token);
  const put = batch.header(OPCODES.PUT, 2, 1);
  batch.u64(put + AT.offset, 3);
  batch.u64(put + AT.length, 10);
  batch.payload(put, 10).fill(0x11);
  const beyond = batch.header(OPCODES.GET, 3, 1);
  batch.u64(beyond + AT.offset, 2 ** 53);
  const get = batch.header(OPCODES.GET, 4, 1);
  batch.u64(get + AT.length, 4);
  batch.u8(batch.header(OPCODES.GET, 5, 1) + AT.version, 7);
  const bytes = batch.bytes.subarray(0, batch.end);
  for (const piece of [1, 7, 100, bytes.length]) {
    const land = new Land(1, 0, 100, READ | WRITE);
    const holdings = { lands: new Map([[1, land]]), durable: true };
    const oracle = new Oracle({ session: 5, token, status: STATUS.OK }, holdings);
    for (let at = 0; at < bytes.length; at += piece) oracle.read(bytes.subarray(at, at + piece));
    const owed = [1, 2, 3, 4].map((tag) => oracle.owed.take([1, 3, 2, 2][tag - 1] as number, tag));
    assert.deepEqual(
      owed.map((expected) => expected?.statuses),
      [[STATUS.OK], [STATUS.OK], [STATUS.RANGE], [STATUS.OK]],
    );
    assert.equal(owed[3]?.value, 0x1100_0000n);
    assert.deepEqual(land.bytes?.subarray(2, 14), Uint8Array.of(0, ...new Uint8Array(10).fill(0x11), 0));
    assert.deepEqual([oracle.breach, oracle.breachPassed, oracle.owed.count], ["version", false, 0]);
  }
});

test("of answers that only their status tells apart any may come first", () => {
  const lock = {
    opcode: OPCODES.LOCK,
    tag: 7,
    payloadBytes: 0,
    payload: undefined,
    unsure: undefined,
    value: undefined,
  };
  const owed = new Owed();
  owed.addFlush({ ...lock, statuses: [STATUS.OK, STATUS.REVOKED] });
  owed.addFlush({ ...lock, statuses: [STATUS.OK] });
  owed.addLate({ ...lock, statuses: [STATUS.OK, STATUS.RANGE] });
  for (const status of [STATUS.OK, STATUS.RANGE, STATUS.REVOKED]) {
    assert.ok(owed.take(OPCODES.LOCK, 7, status)?.statuses.includes(status));
  }
  assert.equal(owed.take(OPCODES.LOCK, 7, STATUS.OK), undefined);
});

test("an epoch may go on without what came of it in a message before: a worker that was full has dropped that", () => {
  const name = { incarnation: "aa".repeat(16), session: 5, secret: "bb".repeat(8), sequence: 1 };
  const decider = { target: "cc".repeat(16), worker: 0 };
  const write = { handle: 1, at: 0, bytes: Uint8Array.of(1) };
  const told = { stable: false, name, decider, reads: [], writes: [], others: [] };
  const land = new Land(1, 0, 100, READ | WRITE);
  const epochs = new EpochOracle({ lands: new Map([[1, land]]), durable: false }, new Owed(), 5);
  const tell = (message: EpochTelling) => {
    const payload = new Uint8Array(epochPayloadBytes(message));
    putEpochPayload(payload, message);
    return epochs.told(payload);
  };
  tell({ ...told, kind: KINDS.MORE, writes: [write] });
  const { statuses, values } = tell({ ...told, kind: KINDS.PREPARE, stable: true });
  assert.deepEqual(statuses, [STATUS.OK, STATUS.TOO_MANY, STATUS.NOT_DURABLE]);
  assert.ok(values?.includes(ANSWERS.PREPARED));
  const own = tell({ ...told, kind: KINDS.PREPARE, stable: true, writes: [write] });
  assert.deepEqual(own.statuses, [STATUS.NOT_DURABLE], "what it brings itself is refused for certain");
});
