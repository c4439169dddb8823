import { AsyncLocalStorage } from "node:async_hooks";
import { DidafsError } from "../std/errors.ts";

interface Running {
  isOver: boolean;
}

/** One a thread: which of its calls were made by the body of an epoch, or by what that called. */
const bodies = new AsyncLocalStorage<Running>();

/** Runs the body of an epoch; what it leaves behind is free again when it has ended. */
export async function runBody<T>(body: () => Promise<T>): Promise<T> {
  const running = { isOver: false };
  try {
    return await bodies.run(running, body);
  } finally {
    running.isOver = true;
  }
}

/** @throws ERR_INVALID_EPOCH where an epoch would begin in another one's body: neither could keep what it promises */
export function checkNotNested(): void {
  if (bodies.getStore()?.isOver !== false) return;
  throw new DidafsError(
    "ERR_INVALID_EPOCH",
    "an epoch begins inside the body of another one; let the outer one cover all windows with cluster.epoch, or begin the other one behind it",
  );
}
