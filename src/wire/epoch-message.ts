import { DidafsError } from "../std/errors.ts";
import type { EpochName, Participant } from "./epoch-name.ts";
import { FieldReader, FieldWriter, NAME_BYTES, PARTICIPANT_BYTES } from "./fields.ts";
import { MAX_PAYLOAD_BYTES } from "./header.ts";

/** What epochs lock, and what versions are counted of, in bytes of a region. */
export const LINE_BYTES = 4096;
/** What one EPOCH_GET asks for at most, without the versions: its answer is copied. */
export const EPOCH_GET_BYTES_MAX: number = 256 << 10;
export const VERSION_BYTES = 8;
/** What one epoch may have at a worker, its messages all together. */
export const EPOCH_BYTES_MAX: number = 16 << 20;
/**
 * Set in the high half of a line's version where an epoch that is being committed writes the line. Whoever reads it then must
 * ask again: that epoch may be in place at other workers by now.
 */
export const VERSION_IS_TAKEN: number = 2 ** 31;

/** Lines that have some of these bytes of a region. */
export function lineCount(at: number, length: number): number {
  return length === 0 ? 0 : Math.floor((at + length - 1) / LINE_BYTES) - Math.floor(at / LINE_BYTES) + 1;
}

/** What an origin tells a participant of an epoch. Numbers are never reused. */
export const EPOCH_MESSAGE = {
  /** Reads and writes that the next PREPARE or COMMIT_ALONE of the epoch is to have, too: not all fits one message. */
  MORE: 1,
  PREPARE: 2,
  /** Nobody else takes part: locks, checks, decides and applies. */
  COMMIT_ALONE: 3,
  /** To the decider, when all have prepared; `others` take part besides it. */
  DECIDE: 4,
  /** What was decided. */
  FINISH_COMMITTED: 5,
  FINISH_ABORTED: 6,
  /** The origin does not know what was decided, and does nothing more for it. */
  LEAVE: 7,
  /** To the decider: `others` have finished it. */
  ACKNOWLEDGE: 8,
  /** The epoch writes nothing anywhere: is what was read here still there? Nothing is held or remembered of it. */
  VALIDATE: 9,
} as const;

/** The line of that byte of a window was read, and had that version. */
export interface EpochReadEntry {
  /** Of the window, at the target. */
  readonly handle: number;
  /** In bytes of the window's part of the region. */
  readonly at: number;
  readonly version: number;
}

/** Bytes that the epoch puts. */
export interface EpochWriteEntry {
  readonly handle: number;
  readonly at: number;
  readonly bytes: Uint8Array;
}

/**
 * The payload of an EPOCH command. Little-endian:
 *
 *     0  u32 kind | u32 stable (0 or 1)
 *     8  epoch name, 40 bytes (wire/fields.ts)
 *    48  participant, 24 bytes: the decider
 *    72  u32 count of reads | u32 count of writes | u32 count of others | u32 zero
 *    88  reads, 24 bytes each: u32 handle | u32 zero | u64 at | u64 version
 *        writes, 16 bytes each: u32 handle | u32 byteLength | u64 at
 *        others, 24 bytes each: participants
 *        the bytes of the writes, one after the other
 */
export interface EpochMessage {
  readonly kind: number;
  /** Its records outlast a loss of power before it is answered. */
  readonly stable: boolean;
  readonly name: EpochName;
  readonly decider: Participant;
  readonly reads: readonly EpochReadEntry[];
  readonly writes: readonly EpochWriteEntry[];
  readonly others: readonly Participant[];
}

const HEAD_BYTES = NAME_BYTES + PARTICIPANT_BYTES + 24;
const READ_BYTES = 24;
const WRITE_BYTES = 16;

/** What is left for reads and writes in one message with that many others. */
export function epochRoomBytes(others: number): number {
  return MAX_PAYLOAD_BYTES - HEAD_BYTES - others * PARTICIPANT_BYTES;
}

export function epochReadBytes(): number {
  return READ_BYTES;
}

export function epochWriteBytes(byteLength: number): number {
  return WRITE_BYTES + byteLength;
}

/** @returns the payload; see epochRoomBytes for what fits */
export function encodeEpochMessage(message: EpochMessage): Uint8Array<ArrayBuffer> {
  const { kind, stable, name, decider, reads, writes, others } = message;
  const bytes = writes.reduce((sum, write) => sum + epochWriteBytes(write.bytes.length), 0);
  const tableBytes = reads.length * READ_BYTES + others.length * PARTICIPANT_BYTES;
  const payload = new FieldWriter(HEAD_BYTES + tableBytes + bytes);
  payload.putU32(kind);
  payload.putU32(stable ? 1 : 0);
  payload.putName(name);
  payload.putParticipant(decider);
  payload.putU32(reads.length);
  payload.putU32(writes.length);
  payload.putU32(others.length);
  payload.putU32(0);
  for (const { handle, at, version } of reads) {
    payload.putU32(handle);
    payload.putU32(0);
    payload.putU64(at);
    payload.putU64(version);
  }
  for (const { handle, at, bytes: put } of writes) {
    payload.putU32(handle);
    payload.putU32(put.length);
    payload.putU64(at);
  }
  for (const other of others) payload.putParticipant(other);
  for (const write of writes) payload.putBytes(write.bytes);
  return payload.end();
}

/**
 * Reads the payload of an EPOCH command. The bytes of its writes are views of it.
 * @throws ERR_PROTOCOL for what no client of ours sends
 */
export function decodeEpochMessage(payload: Uint8Array): EpochMessage {
  const fields = new FieldReader(payload, malformed);
  const kind = fields.u32();
  const stable = fields.u32();
  if (kind < EPOCH_MESSAGE.MORE || kind > EPOCH_MESSAGE.VALIDATE || stable > 1) {
    throw malformed(`there is no kind ${kind}, or none that is stable ${stable}`);
  }
  const name = fields.name();
  const decider = fields.participant();
  const readCount = fields.u32();
  const writeCount = fields.u32();
  const otherCount = fields.u32();
  fields.u32();
  const reads = fields.list(readCount, READ_BYTES, () => {
    const handle = fields.u32();
    fields.u32();
    return { handle, at: fields.u64(), version: fields.u64() };
  });
  const heads = fields.list(writeCount, WRITE_BYTES, () => ({
    handle: fields.u32(),
    byteLength: fields.u32(),
    at: fields.u64(),
  }));
  const others = fields.list(otherCount, PARTICIPANT_BYTES, () => fields.participant());
  const writes = heads.map(({ handle, at, byteLength }) => ({ handle, at, bytes: fields.bytes(byteLength) }));
  fields.end();
  return { kind, stable: stable === 1, name, decider, reads, writes, others };
}

function malformed(why: string): DidafsError {
  return new DidafsError("ERR_PROTOCOL", `A message about an epoch makes no sense: ${why}.`);
}
