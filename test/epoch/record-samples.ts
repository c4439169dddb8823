import fc from "fast-check";
import {
  type CommitRecord,
  type EpochWrite,
  RECORD_KIND,
  type RegionLine,
} from "../../src/epoch/commit-records.ts";
import type { EpochName, Participant } from "../../src/wire/epoch-name.ts";

/** Objects as the decoder makes them. */
function record<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const u32 = fc.nat({ max: 2 ** 32 - 1 });
const whole = fc.maxSafeNat();
const identity = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString("hex"));
const secret = fc
  .uint8Array({ minLength: 8, maxLength: 8 })
  .map((bytes) => Buffer.from(bytes).toString("hex"));
const epoch: fc.Arbitrary<EpochName> = record({
  incarnation: identity,
  session: u32,
  secret,
  sequence: whole,
});
const participant: fc.Arbitrary<Participant> = record({ target: identity, worker: u32 });
const line: fc.Arbitrary<RegionLine> = record({ inode: whole, index: u32, line: u32 });
const write: fc.Arbitrary<EpochWrite> = record({
  inode: whole,
  index: u32,
  at: fc.nat({ max: 2 ** 52 }),
  bytes: fc.uint8Array({ maxLength: 50 }),
});
const writes = fc.array(write, { maxLength: 5 });

/** Any record of commit. */
export const RECORDS: fc.Arbitrary<CommitRecord> = fc.oneof(
  record({
    kind: fc.constant(RECORD_KIND.PREPARED),
    epoch,
    decider: participant,
    shared: fc.array(line, { maxLength: 5 }),
    writes,
  }),
  record({
    kind: fc.constant(RECORD_KIND.COMMITTED),
    epoch,
    prepared: whole,
    others: fc.array(participant, { maxLength: 4 }),
  }),
  record({ kind: fc.constant(RECORD_KIND.COMMITTED_ALONE), epoch, writes }),
  record({ kind: fc.constant(RECORD_KIND.FINISHED), epoch, ends: whole, committed: fc.boolean() }),
  record({ kind: fc.constant(RECORD_KIND.FLUSHED), inode: whole, index: u32, upTo: whole }),
);
