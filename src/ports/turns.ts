/** Turns of the calling thread's event loop, for code that must go on later without blocking. */
export interface Turns {
  /** Runs `step` in the next turn, after what the event loop has to do anyway. */
  soon(step: () => void): void;
  /** Runs `step` once, `delayMs` from now. @returns a function that takes it back */
  after(delayMs: number, step: () => void): () => void;
}
