/**
 * A run of memory with every view that accesses need over the same bytes. `address` is where it lies in this
 * process (0 in simulation). The views are cut to whole elements, so `byteLength` may exceed `i64.byteLength`.
 */
export interface Memory {
  readonly address: number;
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly i32: Int32Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly i64: BigInt64Array<ArrayBuffer>;
  readonly u64: BigUint64Array<ArrayBuffer>;
}

/** Memory that begins behind a header, in one mapping with it. */
export interface MemoryBehindHeader extends Memory {
  /** The words of the header; in a buffer of their own, so that views of the memory do not reach it. */
  readonly header: Int32Array<ArrayBuffer>;
}

export interface MemoryPort {
  /** Zeroed private memory of this process, page-aligned; freed by `free`. */
  allocate(byteLength: number): Memory;
  /**
   * Maps `byteLength` bytes of the object behind `descriptor`, from `offset` (a multiple of the page size), shared.
   * @throws ERR_IO when the kernel refuses, naming its errno; ERR_TOO_MANY when it allows no more mappings.
   */
  map(descriptor: number, offset: number, byteLength: number, writable: boolean): Memory;
  /** Like `map`, of the object's first `headerBytes` and of `byteLength` bytes behind them. */
  mapBehindHeader(
    descriptor: number,
    headerBytes: number,
    byteLength: number,
    writable: boolean,
  ): MemoryBehindHeader;
  /** Like `map`, but writable copy-on-write: stores stay in this mapping, and cut their page off from later changes. */
  mapPrivate(descriptor: number, offset: number, byteLength: number): Memory;
  /** Detaches every view first, so that late accesses throw instead of crashing, then gives the memory back. */
  free(memory: Memory): void;
  /** Copies bytes between runs that do not overlap; allocates nothing. */
  copy(from: Borrowed, fromAt: number, into: Borrowed, intoAt: number, length: number): void;
  /** Where the first byte of a caller's buffer lies, for as long as the caller holds it. */
  addressOf(bytes: Uint8Array): number;
  /**
   * The bytes of a caller's buffer as Memory, without a copy, for `recv` and `send`. Only `u8` and `address` may be
   * used; valid while the caller holds the buffer.
   */
  borrow(bytes: Uint8Array): Borrowed;
}

/** What a stream needs of memory: where it is and its bytes. */
export interface Borrowed {
  readonly address: number;
  readonly u8: Uint8Array;
}
