import type { Source } from "./poller.ts";

/** Time that only goes forward, in milliseconds with a fraction; its zero means nothing. */
export interface Clock {
  nowMs(): number;
  /** Milliseconds since 1970, for people and for times kept in metadata. */
  wallMs(): number;
}

/** Ways of the calling thread to let others run while it polls. */
export interface Idler {
  /** Gives the processor to another runnable thread, if there is one. */
  yield(): void;
  /** Blocks until `source` can be read, or has ended, at most `timeoutMs`. */
  waitReadable(source: Source, timeoutMs: number): void;
}
