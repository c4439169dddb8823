import type { DidafsWindow } from "../../src/index.ts";

/** A way to change a word. */
export interface WordWrite {
  readonly what: string;
  /** Makes the word at `at`, which is one less, `value`. */
  write(at: number, value: number): Promise<unknown> | unknown;
}

const bytesOf = (value: number): Uint8Array => new Uint8Array(new BigInt64Array([BigInt(value)]).buffer);

/** The word, and zeros behind it, so that they travel as payload. */
function longBytesOf(value: number): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set(bytesOf(value));
  return bytes;
}

/** Every way in which a window can change a word. */
export function writesOf(window: DidafsWindow): WordWrite[] {
  const raw = window.sharing === "raw";
  const epoch = raw ? ({ atomicity: "none", isolation: "none", durability: "memory" } as const) : {};
  const ways: WordWrite[] = [
    { what: "store", write: (at, value) => window.store(at, value) },
    { what: "storeSync", write: (at, value) => window.storeSync(at, value) },
    { what: "a short put", write: (at, value) => window.put(at, bytesOf(value)) },
    { what: "a short putSync", write: (at, value) => window.putSync(at, bytesOf(value)) },
    { what: "a long put", write: (at, value) => window.put(at, longBytesOf(value)) },
    { what: "a long putSync", write: (at, value) => window.putSync(at, longBytesOf(value)) },
    { what: "fetchAdd", write: (at) => window.fetchAdd(at, 1) },
    { what: "fetchAddSync", write: (at) => window.fetchAddSync(at, 1) },
    { what: "compareAndSwap", write: (at, value) => window.compareAndSwap(at, value - 1, value) },
    { what: "compareAndSwapSync", write: (at, value) => window.compareAndSwapSync(at, value - 1, value) },
    { what: "accumulate", write: (at) => window.accumulate("add", at, new BigInt64Array([1n, 0n])) },
    { what: "a batch", write: (at, value) => window.batch().put(at, longBytesOf(value)).run() },
    { what: "a batch that blocks", write: (at, value) => window.batch().put(at, bytesOf(value)).runSync() },
    { what: "an epoch", write: (at, value) => window.epoch(epoch, (e) => e.store(at, value)) },
  ];
  if (!raw || window.locality !== "direct") return ways;
  const view = (at: number, value: number): void => {
    window.view(BigInt64Array, at, 1)[0] = BigInt(value);
  };
  ways.push(
    {
      what: "a view, flushed",
      write: (at, value) => {
        view(at, value);
        return window.flush();
      },
    },
    {
      what: "a view, flushed by a call that blocks",
      write: (at, value) => {
        view(at, value);
        window.flushSync();
      },
    },
  );
  return ways;
}
