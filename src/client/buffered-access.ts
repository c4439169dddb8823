import { compareAndSwap32, compareAndSwap64, compareAndSwapF64, fetchOp } from "../structs/words.ts";
import type { WordValue } from "../transport/access.ts";
import type { Bytes, CallOptions, EpochAccess, Op, Word } from "./api.ts";
import type { EpochBuffer } from "./epoch-buffer.ts";
import { accessLimits, type EpochTerms } from "./epoch-terms.ts";
import type { EpochWindow } from "./epoch-window.ts";
import {
  bytesOf,
  type Elements,
  elementWord,
  type Number64,
  opNumber,
  toKindOf,
  toNumber,
  toWordValue,
  wordBytes,
  wordNumber,
} from "./operands.ts";
import { WordBuffer } from "./word-buffer.ts";

const ADD = "add";

/** The accesses of an atomic epoch to one window: see EpochBuffer. */
export class BufferedAccess implements EpochAccess {
  readonly #buffer: EpochBuffer;
  readonly #window: EpochWindow;
  readonly #terms: EpochTerms;
  readonly #checkRunning: () => void;

  /** @param checkRunning throws once the epoch takes no accesses any more */
  constructor(buffer: EpochBuffer, window: EpochWindow, terms: EpochTerms, checkRunning: () => void) {
    this.#buffer = buffer;
    this.#window = window;
    this.#terms = terms;
    this.#checkRunning = checkRunning;
  }

  async get<B extends Bytes>(at: number, into: B, options?: CallOptions): Promise<B> {
    this.#checkRunning();
    const bytes = bytesOf(into);
    this.#window.checkRead(at, bytes.byteLength);
    return this.#buffer.read(this.#window, at, bytes, accessLimits(this.#terms, options), () => into);
  }

  async put(at: number, from: Bytes, options?: CallOptions): Promise<void> {
    this.#checkRunning();
    accessLimits(this.#terms, options);
    const bytes = bytesOf(from);
    this.#window.checkWrite(at, bytes.byteLength);
    await this.#buffer.put(this.#window, at, bytes.slice());
  }

  async load(at: number, word: Word = "i64", options?: CallOptions): Promise<number> {
    const number = wordNumber(word);
    const value = await this.#word(at, number, false, options, (words) => words.load(number));
    return toNumber(number, value);
  }

  async store(at: number, value: number | bigint, word: Word = "i64", options?: CallOptions): Promise<void> {
    this.#checkRunning();
    accessLimits(this.#terms, options);
    const number = wordNumber(word);
    const words = new WordBuffer(wordBytes(number));
    words.store(number, toWordValue(number, value));
    this.#window.checkWord(at, number, true);
    await this.#buffer.put(this.#window, at, words.bytes);
  }

  fetchAdd<V extends number | bigint>(
    at: number,
    delta: V,
    word?: Word,
    options?: CallOptions,
  ): Promise<Number64<V>> {
    return this.fetchOp(ADD, at, delta, word, options);
  }

  async fetchOp<V extends number | bigint>(
    op: Op,
    at: number,
    operand: V,
    word: Word = "i64",
    options?: CallOptions,
  ): Promise<Number64<V>> {
    const number = wordNumber(word);
    const [value, operator] = [toWordValue(number, operand), opNumber(op)];
    const before = await this.#word(at, number, true, options, (words, keep) => {
      const was = fetchOp(words, 0, operator, number, value);
      keep();
      return was;
    });
    return toKindOf(number, operand, before);
  }

  async compareAndSwap<V extends number | bigint>(
    at: number,
    expected: V,
    desired: V,
    word: Word = "i64",
    options?: CallOptions,
  ): Promise<Number64<V>> {
    const number = wordNumber(word);
    const [old, next] = [toWordValue(number, expected), toWordValue(number, desired)];
    const before = await this.#word(at, number, true, options, (words, keep) => {
      const [bits] = words.u64;
      const was = swap(words, number, old, next);
      // What was not replaced is not written: where reads are not validated, that would undo what others write.
      if (words.u64[0] !== bits) keep();
      return was;
    });
    return toKindOf(number, expected, before);
  }

  async accumulate(op: Op, at: number, from: Elements, options?: CallOptions): Promise<void> {
    this.#checkRunning();
    const [word, operator] = [elementWord(from), opNumber(op)];
    const limits = accessLimits(this.#terms, options);
    if (from.length === 0) return;
    const operands = from.slice();
    this.#window.checkWord(at, word, true);
    this.#window.checkWrite(at, operands.byteLength);
    const words = new WordBuffer(operands.byteLength);
    await this.#buffer.read(this.#window, at, words.bytes, limits, () => {
      operands.forEach((operand: number | bigint, i: number) => {
        fetchOp(words, i * operands.BYTES_PER_ELEMENT, operator, word, operand);
      });
      this.#buffer.write(this.#window, at, words.bytes);
    });
  }

  /** Reads a word and does `change` to it, which says whether that is kept. @param writes it may be kept */
  async #word(
    at: number,
    word: number,
    writes: boolean,
    options: CallOptions | undefined,
    change: (words: WordBuffer, keep: () => void) => WordValue,
  ): Promise<WordValue> {
    this.#checkRunning();
    const limits = accessLimits(this.#terms, options);
    this.#window.checkWord(at, word, writes);
    const words = new WordBuffer(wordBytes(word));
    return this.#buffer.read(this.#window, at, words.bytes, limits, () =>
      change(words, () => this.#buffer.write(this.#window, at, words.bytes)),
    );
  }
}

function swap(words: WordBuffer, word: number, old: WordValue, next: WordValue): WordValue {
  if (typeof old === "bigint") return compareAndSwap64(words, 0, word, old, next as bigint);
  if (wordBytes(word) === 8) return compareAndSwapF64(words, 0, old, next as number);
  return compareAndSwap32(words, 0, word, old, next as number);
}
