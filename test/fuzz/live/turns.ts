import assert from "node:assert/strict";

let next: Promise<void> | undefined;

/** One turn of the event loop; all who wait for it share it. */
export function turn(): Promise<void> {
  next ??= new Promise((resolve) =>
    setImmediate(() => {
      next = undefined;
      resolve();
    }),
  );
  return next;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Longer than anything here can take on a machine that is busy with something else. */
const PATIENCE_MS = 60_000;

/** Steps until `done` says so. */
export async function until(what: string, step: () => unknown, done: () => boolean): Promise<void> {
  const giveUpMs = performance.now() + PATIENCE_MS;
  while (!done()) {
    assert.ok(performance.now() < giveUpMs, `${what}: nothing came of it in ${PATIENCE_MS} ms`);
    step();
    await turn();
  }
}

/** Steps until the promise settles. */
export async function settled<T>(what: string, step: () => unknown, promise: Promise<T>): Promise<T> {
  let done = false;
  const finished = promise.finally(() => {
    done = true;
  });
  finished.catch(() => {});
  await until(what, step, () => done);
  return finished;
}
