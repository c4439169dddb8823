/** Bytes that an epoch has put and nobody else sees yet, and through which binding. */
export interface WrittenPiece<B> {
  /** In bytes of the region. */
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly through: B;
}

/** What an epoch has written to one region: pieces that do not overlap, in order. What was put later counts. */
export class WrittenBytes<B> {
  #pieces: WrittenPiece<B>[] = [];

  get pieces(): readonly WrittenPiece<B>[] {
    return this.#pieces;
  }

  /** @param bytes are kept: nobody changes them from now on */
  write(at: number, bytes: Uint8Array, through: B): void {
    if (bytes.length === 0) return;
    const end = at + bytes.length;
    const from = this.#firstBehind(at);
    let to = from;
    const put: WrittenPiece<B>[] = [{ at, bytes, through }];
    for (; to < this.#pieces.length; to += 1) {
      const old = this.#pieces[to] as WrittenPiece<B>;
      if (old.at >= end) break;
      // What lies before and behind the new bytes stays.
      if (old.at < at) put.unshift({ ...old, bytes: old.bytes.subarray(0, at - old.at) });
      if (endOf(old) > end) put.push({ ...old, at: end, bytes: old.bytes.subarray(end - old.at) });
    }
    this.#pieces.splice(from, to - from, ...put);
  }

  /** Puts what was written over `into`, the bytes of the region from `at` on. */
  overlay(at: number, into: Uint8Array): void {
    const end = at + into.length;
    for (let i = this.#firstBehind(at); i < this.#pieces.length; i += 1) {
      const piece = this.#pieces[i] as WrittenPiece<B>;
      if (piece.at >= end) return;
      const begin = Math.max(piece.at, at);
      const part = piece.bytes.subarray(begin - piece.at, Math.min(endOf(piece), end) - piece.at);
      into.set(part, begin - at);
    }
  }

  /** The first piece that ends behind `at`. */
  #firstBehind(at: number): number {
    let [low, high] = [0, this.#pieces.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (endOf(this.#pieces[middle] as WrittenPiece<B>) > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function endOf({ at, bytes }: WrittenPiece<unknown>): number {
  return at + bytes.length;
}
