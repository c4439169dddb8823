/** How a stream over a window moves its bytes: in chunks of so many bytes, at most so many of them in flight. */
export interface Pace {
  readonly chunkBytes: number;
  readonly depth: number;
}

/** A chunk is as long as a command may be, and four of them keep a connection busy. */
export const STREAM_PACE: Pace = { chunkBytes: 2 ** 20, depth: 4 };
