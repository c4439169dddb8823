import { DidafsError } from "../std/errors.ts";
import { FieldReader, FieldWriter } from "../wire/fields.ts";
import type { EpochWrite, RegionLine } from "./commit-records.ts";

/** Bytes of what the bodies of records are made of, beside names and participants; see record-codec.ts. */
export const LINE_ENTRY_BYTES = 16;
export const WRITE_ENTRY_BYTES = 24;

/** Fills a body, field by field. */
export class BodyWriter extends FieldWriter {
  putLine({ inode, index, line }: RegionLine): void {
    this.putU64(inode);
    this.putU32(index);
    this.putU32(line);
  }

  /** All of a write but its bytes. */
  putWrite({ inode, index, at, bytes }: EpochWrite): void {
    this.putU64(inode);
    this.putU64(at);
    this.putU32(index);
    this.putU32(bytes.length);
  }
}

/** Reads a body, field by field, and believes nothing of it. All methods @throws ERR_CORRUPT */
export class BodyReader extends FieldReader {
  constructor(bytes: Uint8Array) {
    super(bytes, corruptBody);
  }

  line(): RegionLine {
    return { inode: this.u64(), index: this.u32(), line: this.u32() };
  }

  /** So many writes, with their bytes behind all of them: these are views. */
  writes(count: number): EpochWrite[] {
    const heads = this.list(count, WRITE_ENTRY_BYTES, () => ({
      inode: this.u64(),
      at: this.u64(),
      index: this.u32(),
      byteLength: this.u32(),
    }));
    return heads.map(({ inode, index, at, byteLength }) => {
      if (!Number.isSafeInteger(at + byteLength)) throw corruptBody("it writes further than any region goes");
      return { inode, index, at, bytes: this.bytes(byteLength) };
    });
  }
}

/** The error for a record whose checksum is right and that says what none can say. */
export function corruptBody(why: string): DidafsError {
  return new DidafsError("ERR_CORRUPT", `A record of an epoch log makes no sense: ${why}.`);
}
