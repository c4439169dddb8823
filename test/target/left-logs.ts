import assert from "node:assert/strict";
import { type CommitRecord, type EpochWrite, RECORD_KIND } from "../../src/epoch/commit-records.ts";
import { EpochLog, NO_ROOM } from "../../src/epoch/log.ts";
import { encodeRecord } from "../../src/epoch/record-codec.ts";
import type { EpochName, Participant } from "../../src/wire/epoch-name.ts";
import { SECRET, settle } from "../epoch/log-run.ts";
import { TARGET, type TargetFixture } from "./target-fixture.ts";

const LOG_BYTES = 1 << 20;

export const FORMER = "c2".repeat(16);
export const OTHER: Participant = { target: "b1".repeat(16), worker: 1 };
export const selfOf = (worker: number): Participant => ({ target: TARGET, worker });
export const nameOf = (sequence: number): EpochName => ({
  incarnation: FORMER,
  session: 4,
  secret: "5e".repeat(8),
  sequence,
});

export const writeOf = (inode: number, at: number, fill: number, byteLength = 4): EpochWrite => ({
  inode,
  index: 0,
  at,
  bytes: new Uint8Array(byteLength).fill(fill),
});

export const committedAlone = (sequence: number, ...writes: EpochWrite[]): CommitRecord => ({
  kind: RECORD_KIND.COMMITTED_ALONE,
  epoch: nameOf(sequence),
  writes,
});

/** Decided by OTHER. */
export const preparedFor = (sequence: number, readInode: number, ...writes: EpochWrite[]): CommitRecord => ({
  kind: RECORD_KIND.PREPARED,
  epoch: nameOf(sequence),
  decider: OTHER,
  shared: [{ inode: readInode, index: 0, line: 0 }],
  writes,
});

/** Decided here, and OTHER has not finished it. */
export const decided = (sequence: number): CommitRecord => ({
  kind: RECORD_KIND.COMMITTED,
  epoch: nameOf(sequence),
  prepared: 8,
  others: [OTHER],
});

/** Makes a log of `bytes`, which are zeros, as a worker of a former life would have. `synced`: up to there it is durable. */
export function fillLog(bytes: Uint8Array, records: readonly CommitRecord[], synced = (): void => {}): void {
  const log = new EpochLog(bytes, "log", SECRET);
  assert.deepEqual([...log.recover()], []);
  settle(log);
  synced();
  for (const record of records) assert.notEqual(log.append(record.kind, encodeRecord(record)), NO_ROOM);
}

/** Leaves such a log, of which what was appended is only written, on a fixture's drive. @returns its bytes */
export function leaveLog(
  { memory, logs }: Pick<TargetFixture, "memory" | "logs">,
  worker: number,
  records: readonly CommitRecord[],
): Uint8Array {
  const object = logs.create(`epochs.${worker}`, LOG_BYTES);
  const { u8 } = memory.map(object.descriptor, 0, LOG_BYTES, true);
  fillLog(u8, records, () => logs.sync(object.descriptor));
  object.close();
  return u8;
}
