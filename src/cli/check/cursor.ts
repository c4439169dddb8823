interface Numbered {
  readonly inode: number;
}

/** A stream in the order of inode numbers, taken as far as another one has come. */
export class Cursor<T extends Numbered> {
  readonly #source: AsyncIterator<T>;
  #head: IteratorResult<T, unknown> | undefined;

  constructor(source: AsyncIterable<T>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** What is left with numbers below `inode`. */
  async *below(inode: number): AsyncGenerator<T, void, undefined> {
    for (;;) {
      this.#head ??= await this.#source.next();
      if (this.#head.done === true || this.#head.value.inode >= inode) return;
      const { value } = this.#head;
      this.#head = undefined;
      yield value;
    }
  }

  /** What is left with this number, once all below it is taken. */
  async at(inode: number): Promise<T[]> {
    const found: T[] = [];
    for await (const one of this.below(inode + 1)) found.push(one);
    return found;
  }
}
