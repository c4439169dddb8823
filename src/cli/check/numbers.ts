const PAGE_INODES = 4096;

/**
 * What is counted for each inode: five bytes each, in pages of neighbours. Numbers are given out one after the other, so
 * pages are full but for what a damaged record names.
 */
export class InodeNumbers {
  readonly #pages = new Map<number, { readonly marks: Uint8Array; readonly balances: Int32Array }>();

  marks(inode: number): number {
    return this.#pages.get(Math.floor(inode / PAGE_INODES))?.marks[inode % PAGE_INODES] ?? 0;
  }

  mark(inode: number, bits: number): void {
    const { marks } = this.#page(inode);
    marks[inode % PAGE_INODES] = (marks[inode % PAGE_INODES] ?? 0) | bits;
  }

  balance(inode: number): number {
    return this.#pages.get(Math.floor(inode / PAGE_INODES))?.balances[inode % PAGE_INODES] ?? 0;
  }

  add(inode: number, change: number): void {
    const { balances } = this.#page(inode);
    balances[inode % PAGE_INODES] = (balances[inode % PAGE_INODES] ?? 0) + change;
  }

  /** Every inode that has a mark, in no order. */
  *marked(): Generator<number> {
    for (const [page, { marks }] of this.#pages) {
      for (const [at, bits] of marks.entries()) if (bits !== 0) yield page * PAGE_INODES + at;
    }
  }

  #page(inode: number): { readonly marks: Uint8Array; readonly balances: Int32Array } {
    const number = Math.floor(inode / PAGE_INODES);
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = { marks: new Uint8Array(PAGE_INODES), balances: new Int32Array(PAGE_INODES) };
      this.#pages.set(number, page);
    }
    return page;
  }
}
