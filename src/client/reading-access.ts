import { DidafsError } from "../std/errors.ts";
import type { Bytes, CallOptions, EpochAccess, Word } from "./api.ts";
import type { Number64 } from "./operands.ts";

/** The accesses of an epoch whose locks others may share: it only reads. */
export class ReadingAccess implements EpochAccess {
  readonly #access: EpochAccess;
  readonly #path: string;

  /** @param path of the window's file */
  constructor(access: EpochAccess, path: string) {
    this.#access = access;
    this.#path = path;
  }

  get<B extends Bytes>(at: number, into: B, options?: CallOptions): Promise<B> {
    return this.#access.get(at, into, options);
  }

  load(at: number, word?: Word, options?: CallOptions): Promise<number> {
    return this.#access.load(at, word, options);
  }

  async put(): Promise<void> {
    throw this.#refusal();
  }

  async store(): Promise<void> {
    throw this.#refusal();
  }

  async fetchAdd<V extends number | bigint>(): Promise<Number64<V>> {
    throw this.#refusal();
  }

  async fetchOp<V extends number | bigint>(): Promise<Number64<V>> {
    throw this.#refusal();
  }

  async compareAndSwap<V extends number | bigint>(): Promise<Number64<V>> {
    throw this.#refusal();
  }

  async accumulate(): Promise<void> {
    throw this.#refusal();
  }

  #refusal(): DidafsError {
    return new DidafsError(
      "ERR_RIGHTS",
      `${this.#path}: an epoch with isolation "shared" only reads, because others hold the same locks; ask for "exclusive" to write`,
      { path: this.#path, applied: "no" },
    );
  }
}
