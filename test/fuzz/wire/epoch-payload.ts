/**
 * The payload of an EPOCH command. Written from the layout that src/wire/epoch-message.ts draws, and not with its functions:
 * what reads a field wrongly there must not be wrong here in the same way.
 */
export const KINDS = {
  MORE: 1,
  PREPARE: 2,
  COMMIT_ALONE: 3,
  DECIDE: 4,
  FINISH_COMMITTED: 5,
  FINISH_ABORTED: 6,
  LEAVE: 7,
  ACKNOWLEDGE: 8,
  VALIDATE: 9,
} as const;

export const ANSWERS = {
  PREPARED: 0,
  COMMITTED: 1,
  ABORTED: 2,
  CONFLICT: 3,
  REFUSED: 5,
  FULL: 6,
} as const;

export const LINE = 4096;
export const EPOCH_GET_MAX = 256 << 10;
export const OTHERS_MAX = 63;

/** Where the fields of the head lie. */
export const HEAD = {
  kind: 0,
  stable: 4,
  incarnation: 8,
  sequence: 24,
  session: 32,
  secret: 40,
  decider: 48,
  deciderWorker: 64,
  reads: 72,
  writes: 76,
  others: 80,
} as const;
export const HEAD_BYTES = 88;
export const READ_BYTES = 24;
export const WRITE_BYTES = 16;
export const PARTICIPANT_BYTES = 24;

const TWO_32 = 2 ** 32;

export interface EpochRead {
  readonly handle: number;
  readonly at: number;
  readonly version: number;
}

export interface EpochWrite {
  readonly handle: number;
  readonly at: number;
  readonly bytes: Uint8Array;
}

export interface EpochWho {
  /** Hex. */
  readonly incarnation: string;
  readonly session: number;
  /** Hex. */
  readonly secret: string;
  readonly sequence: number;
}

export interface EpochPart {
  /** Hex. */
  readonly target: string;
  readonly worker: number;
}

export interface EpochTelling {
  readonly kind: number;
  readonly stable: boolean;
  readonly name: EpochWho;
  readonly decider: EpochPart;
  readonly reads: readonly EpochRead[];
  readonly writes: readonly EpochWrite[];
  readonly others: readonly EpochPart[];
}

export function lineCountOf(at: number, length: number): number {
  return length === 0 ? 0 : Math.floor((at + length - 1) / LINE) - Math.floor(at / LINE) + 1;
}

export function epochPayloadBytes({ reads, writes, others }: EpochTelling): number {
  const tables = reads.length * READ_BYTES + writes.length * WRITE_BYTES + others.length * PARTICIPANT_BYTES;
  return writes.reduce((sum, { bytes }) => sum + bytes.length, HEAD_BYTES + tables);
}

/** Puts the message into zeros of the right length. */
export function putEpochPayload(into: Uint8Array, message: EpochTelling): void {
  const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
  const u32 = (at: number, value: number): void => view.setUint32(at, value, true);
  const u64 = (at: number, value: number): void => {
    u32(at, value);
    u32(at + 4, value / TWO_32);
  };
  const participant = (at: number, { target, worker }: EpochPart): void => {
    into.set(Buffer.from(target, "hex"), at);
    u32(at + 16, worker);
  };
  into.fill(0);
  u32(HEAD.kind, message.kind);
  u32(HEAD.stable, Number(message.stable));
  into.set(Buffer.from(message.name.incarnation, "hex"), HEAD.incarnation);
  u64(HEAD.sequence, message.name.sequence);
  u32(HEAD.session, message.name.session);
  into.set(Buffer.from(message.name.secret, "hex"), HEAD.secret);
  participant(HEAD.decider, message.decider);
  u32(HEAD.reads, message.reads.length);
  u32(HEAD.writes, message.writes.length);
  u32(HEAD.others, message.others.length);
  let at = HEAD_BYTES;
  for (const { handle, at: place, version } of message.reads) {
    u32(at, handle);
    u64(at + 8, place);
    u64(at + 16, version);
    at += READ_BYTES;
  }
  for (const { handle, at: place, bytes } of message.writes) {
    u32(at, handle);
    u32(at + 4, bytes.length);
    u64(at + 8, place);
    at += WRITE_BYTES;
  }
  for (const other of message.others) {
    participant(at, other);
    at += PARTICIPANT_BYTES;
  }
  for (const { bytes } of message.writes) {
    into.set(bytes, at);
    at += bytes.length;
  }
}

/** @returns what a payload says; undefined where it says nothing that could be meant */
export function readEpochPayload(payload: Uint8Array): EpochTelling | undefined {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  if (payload.length < HEAD_BYTES) return undefined;
  const u32 = (at: number): number => view.getUint32(at, true);
  const u64 = (at: number): number => u32(at) + u32(at + 4) * TWO_32;
  const hex = (at: number, length = 16): string =>
    Buffer.from(payload.subarray(at, at + length)).toString("hex");
  const participant = (at: number): EpochPart => ({ target: hex(at), worker: u32(at + 16) });
  const [kind, stable] = [u32(HEAD.kind), u32(HEAD.stable)];
  if (kind < KINDS.MORE || kind > KINDS.VALIDATE || stable > 1) return undefined;
  const counts = [u32(HEAD.reads), u32(HEAD.writes), u32(HEAD.others)] as const;
  const [readCount, writeCount, otherCount] = counts;
  const writesAt = HEAD_BYTES + readCount * READ_BYTES;
  const othersAt = writesAt + writeCount * WRITE_BYTES;
  let bytesAt = othersAt + otherCount * PARTICIPANT_BYTES;
  if (bytesAt > payload.length) return undefined;
  const numbers = [u64(HEAD.sequence)];
  const reads = Array.from({ length: readCount }, (_, i) => {
    const at = HEAD_BYTES + i * READ_BYTES;
    numbers.push(u64(at + 8), u64(at + 16));
    return { handle: u32(at), at: u64(at + 8), version: u64(at + 16) };
  });
  const writes = Array.from({ length: writeCount }, (_, i) => {
    const at = writesAt + i * WRITE_BYTES;
    const bytes = payload.slice(bytesAt, bytesAt + u32(at + 4));
    numbers.push(u64(at + 8));
    bytesAt += u32(at + 4);
    return { handle: u32(at), at: u64(at + 8), bytes };
  });
  const others = Array.from({ length: otherCount }, (_, i) => participant(othersAt + i * PARTICIPANT_BYTES));
  if (bytesAt !== payload.length || !numbers.every(Number.isSafeInteger)) return undefined;
  const name = {
    incarnation: hex(HEAD.incarnation),
    session: u32(HEAD.session),
    secret: hex(HEAD.secret, 8),
    sequence: numbers[0] as number,
  };
  return { kind, stable: stable === 1, name, decider: participant(HEAD.decider), reads, writes, others };
}
