/** What a source is watched for. */
export const READABLE = 1;
export const WRITABLE = 2;

/** Anything the kernel can wait for. */
export interface Source {
  readonly descriptor: number;
}

/** Waits for many sources at once. Level-triggered: a source that is still ready is reported again. */
export interface Poller {
  /** Watches `source` for `interest` (READABLE | WRITABLE, 0 to pause); `token` comes back in `ready`. Adding twice changes it. */
  watch(source: Source, interest: number, token: number): void;
  unwatch(source: Source): void;
  /**
   * Blocks this thread until a source is ready, `wake` was called, or `timeoutMs` passed (0: just look).
   * @returns how many tokens lie in `ready`
   */
  wait(timeoutMs: number): number;
  readonly ready: Int32Array;
  /** The descriptor through which another thread of this process ends a `wait` (see Waker). */
  readonly wakeDescriptor: number;
  close(): void;
}

/** Ends the `wait` of another thread's poller, from any thread of this process. */
export interface Waker {
  wake(): void;
}
