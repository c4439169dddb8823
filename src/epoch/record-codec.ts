import { NAME_BYTES, PARTICIPANT_BYTES } from "../wire/fields.ts";
import {
  type CommitRecord,
  type CommittedAloneRecord,
  type CommittedRecord,
  type EpochWrite,
  type FinishedRecord,
  type FlushedRecord,
  type PreparedRecord,
  RECORD_KIND,
} from "./commit-records.ts";
import { BodyReader, BodyWriter, corruptBody, LINE_ENTRY_BYTES, WRITE_ENTRY_BYTES } from "./record-body.ts";

/**
 * The bodies of the records of commit. Little-endian; what several of them have:
 *
 *     epoch name, 40 bytes          0  u8[16] incarnation | u64 sequence | u32 session | u32 zero | u8[8] secret
 *     participant, 24 bytes         0  u8[16] target | u32 worker | u32 zero
 *     line, 16 bytes                0  u64 inode | u32 index | u32 line
 *     write, 24 bytes               0  u64 inode | u64 at | u32 index | u32 byteLength
 *
 *     PREPARED                      0  epoch name
 *                                  40  participant: the decider
 *                                  64  u32 count of shared lines | u32 count of writes
 *                                  72  lines, then writes, then the bytes of these, one after the other
 *     COMMITTED                     0  epoch name
 *                                  40  u64 prepared | u32 count of others | u32 zero
 *                                  56  participants: the others
 *     COMMITTED_ALONE               0  epoch name
 *                                  40  u32 zero | u32 count of writes
 *                                  48  writes, then the bytes of these
 *     FINISHED                      0  epoch name
 *                                  40  u64 ends | u32 committed (0 or 1) | u32 zero
 *     FLUSHED                       0  u64 inode | u64 upTo | u32 index | u32 zero
 */
export function encodeRecord(record: CommitRecord): readonly Uint8Array[] {
  switch (record.kind) {
    case RECORD_KIND.PREPARED:
      return encodePrepared(record);
    case RECORD_KIND.COMMITTED:
      return encodeCommitted(record);
    case RECORD_KIND.COMMITTED_ALONE:
      return encodeCommittedAlone(record);
    case RECORD_KIND.FINISHED:
      return encodeFinished(record);
    case RECORD_KIND.FLUSHED:
      return encodeFlushed(record);
  }
}

function encodePrepared({ epoch, decider, shared, writes }: PreparedRecord): Uint8Array[] {
  const tableBytes = shared.length * LINE_ENTRY_BYTES + writes.length * WRITE_ENTRY_BYTES;
  const body = new BodyWriter(NAME_BYTES + PARTICIPANT_BYTES + 8 + tableBytes);
  body.putName(epoch);
  body.putParticipant(decider);
  body.putU32(shared.length);
  body.putU32(writes.length);
  for (const line of shared) body.putLine(line);
  return withWrites(body, writes);
}

function encodeCommitted({ epoch, prepared, others }: CommittedRecord): Uint8Array[] {
  const body = new BodyWriter(NAME_BYTES + 16 + others.length * PARTICIPANT_BYTES);
  body.putName(epoch);
  body.putU64(prepared);
  body.putU32(others.length);
  body.putU32(0);
  for (const other of others) body.putParticipant(other);
  return [body.end()];
}

function encodeCommittedAlone({ epoch, writes }: CommittedAloneRecord): Uint8Array[] {
  const body = new BodyWriter(NAME_BYTES + 8 + writes.length * WRITE_ENTRY_BYTES);
  body.putName(epoch);
  body.putU32(0);
  body.putU32(writes.length);
  return withWrites(body, writes);
}

function encodeFinished({ epoch, ends, committed }: FinishedRecord): Uint8Array[] {
  const body = new BodyWriter(NAME_BYTES + 16);
  body.putName(epoch);
  body.putU64(ends);
  body.putU32(committed ? 1 : 0);
  body.putU32(0);
  return [body.end()];
}

function encodeFlushed({ inode, index, upTo }: FlushedRecord): Uint8Array[] {
  const body = new BodyWriter(24);
  body.putU64(inode);
  body.putU64(upTo);
  body.putU32(index);
  body.putU32(0);
  return [body.end()];
}

function withWrites(body: BodyWriter, writes: readonly EpochWrite[]): Uint8Array[] {
  for (const write of writes) body.putWrite(write);
  return [body.end(), ...writes.map(({ bytes }) => bytes)];
}

/**
 * Reads the body of a record. The bytes of its writes are views of it.
 * @throws ERR_CORRUPT for a kind that there is not, and a body that is none
 */
export function decodeRecord(kind: number, bytes: Uint8Array): CommitRecord {
  const body = new BodyReader(bytes);
  const record = decodeBody(kind, body);
  body.end();
  return record;
}

function decodeBody(kind: number, body: BodyReader): CommitRecord {
  switch (kind) {
    case RECORD_KIND.PREPARED:
      return decodePrepared(body);
    case RECORD_KIND.COMMITTED:
      return decodeCommitted(body);
    case RECORD_KIND.COMMITTED_ALONE: {
      const epoch = body.name();
      body.u32();
      return { kind, epoch, writes: body.writes(body.u32()) };
    }
    case RECORD_KIND.FINISHED:
      return decodeFinished(body);
    case RECORD_KIND.FLUSHED: {
      const inode = body.u64();
      const upTo = body.u64();
      const index = body.u32();
      body.u32();
      return { kind, inode, index, upTo };
    }
    default:
      throw corruptBody(`there is no kind ${kind}`);
  }
}

function decodePrepared(body: BodyReader): PreparedRecord {
  const epoch = body.name();
  const decider = body.participant();
  const sharedCount = body.u32();
  const writeCount = body.u32();
  const shared = body.list(sharedCount, LINE_ENTRY_BYTES, () => body.line());
  return { kind: RECORD_KIND.PREPARED, epoch, decider, shared, writes: body.writes(writeCount) };
}

function decodeCommitted(body: BodyReader): CommittedRecord {
  const epoch = body.name();
  const prepared = body.u64();
  const count = body.u32();
  body.u32();
  const others = body.list(count, PARTICIPANT_BYTES, () => body.participant());
  return { kind: RECORD_KIND.COMMITTED, epoch, prepared, others };
}

function decodeFinished(body: BodyReader): FinishedRecord {
  const epoch = body.name();
  const ends = body.u64();
  const committed = body.u32();
  body.u32();
  if (committed > 1) throw corruptBody(`it was committed or not, and not ${committed}`);
  return { kind: RECORD_KIND.FINISHED, epoch, ends, committed: committed === 1 };
}
