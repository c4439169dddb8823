import type { Turns } from "../ports/turns.ts";

/** The event loop of the calling thread. A step that waits keeps the process alive. */
export const systemTurns: Turns = {
  soon(step: () => void): void {
    setImmediate(step);
  },
  after(delayMs: number, step: () => void): () => void {
    const timer = setTimeout(step, delayMs);
    return () => clearTimeout(timer);
  },
};
