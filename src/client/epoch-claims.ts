import {
  type EpochReadEntry,
  type EpochWriteEntry,
  epochReadBytes,
  epochRoomBytes,
  epochWriteBytes,
} from "../wire/epoch-message.ts";

/** What one message says that an epoch has read and writes. */
export interface ClaimPart {
  readonly reads: readonly EpochReadEntry[];
  readonly writes: readonly EpochWriteEntry[];
}

/**
 * Cuts what an epoch has read and writes at one participant into what fits a message each; one that is long is cut itself.
 * @returns at least one
 */
export function splitClaim(
  reads: readonly EpochReadEntry[],
  writes: readonly EpochWriteEntry[],
  roomBytes: number = epochRoomBytes(0),
): ClaimPart[] {
  const parts: ClaimPart[] = [];
  let part: { reads: EpochReadEntry[]; writes: EpochWriteEntry[] } = { reads: [], writes: [] };
  let left = roomBytes;
  const next = (): void => {
    parts.push(part);
    part = { reads: [], writes: [] };
    left = roomBytes;
  };
  for (const read of reads) {
    if (left < epochReadBytes()) next();
    part.reads.push(read);
    left -= epochReadBytes();
  }
  for (const { handle, at, bytes } of writes) {
    for (let done = 0; done < bytes.length; ) {
      if (left < epochWriteBytes(1)) next();
      const length = Math.min(bytes.length - done, left - epochWriteBytes(0));
      part.writes.push({ handle, at: at + done, bytes: bytes.subarray(done, done + length) });
      left -= epochWriteBytes(length);
      done += length;
    }
  }
  parts.push(part);
  return parts;
}
