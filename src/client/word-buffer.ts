import type { WordMemory } from "../structs/words.ts";
import type { WordValue } from "../transport/access.ts";
import { WORDS } from "../wire/ops.ts";

/** A copy of a few words, on which operations are done as on the words themselves. */
export class WordBuffer implements WordMemory {
  /** As many as were asked for. */
  readonly bytes: Uint8Array;
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly i64: BigInt64Array;
  readonly u64: BigUint64Array;

  constructor(byteLength: number) {
    const buffer = new ArrayBuffer(Math.ceil(byteLength / 8) * 8);
    this.bytes = new Uint8Array(buffer, 0, byteLength);
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i64 = new BigInt64Array(buffer);
    this.u64 = new BigUint64Array(buffer);
  }

  /** The first word. */
  load(word: number): WordValue {
    switch (WORDS[word]) {
      case "u64":
        return this.u64[0] as bigint;
      case "i32":
        return this.i32[0] as number;
      case "u32":
        return this.u32[0] as number;
      case "f64":
        return new Float64Array(this.u8.buffer, 0, 1)[0] as number;
      default:
        return this.i64[0] as bigint;
    }
  }

  /** Sets the first word. */
  store(word: number, value: WordValue): void {
    if (typeof value === "bigint") this.u64[0] = value;
    else if (WORDS[word] === "f64") new Float64Array(this.u8.buffer, 0, 1)[0] = value;
    else this.i32[0] = value;
  }
}
