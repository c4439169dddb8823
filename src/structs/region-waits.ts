/**
 * The word of a region's header page that counts who waits there for a word to change, on a line of its own. The region's home
 * worker alone writes it; whoever stores to a mapping of the region looks at it behind each store, and where it is not 0 tells
 * the worker which bytes he has stored to. A store that nobody waits for costs one load more.
 *
 * No change may be slept through. The worker counts, and then looks at the word; the other side stores, and then looks at the
 * count. Were both in order, one of them would see what the other has done. But the look of the other side is a plain load: one
 * that is kept in order costs a put 10 to 15 ns beside its 23. A processor may make it while the store before it still
 * waits in its store buffer, and that is all that can go wrong: who saw the old count looked before the new one was there, and his
 * store, which comes first in the program, is there as soon as that buffer is empty. Nothing keeps it from emptying, and it takes
 * a few microseconds at most. So the worker looks at the word once more, LOOK_AGAIN_MS after the wait began: by then it is there.
 *
 * Who may store to the region may change the count, too: all that depends on it is how soon such stores wake somebody, and what
 * they cost. The worker never reads it.
 */
const WAITS_AT = 1088;

/** When a worker looks again at the words of waits that have just begun. */
export const LOOK_AGAIN_MS = 10;

/** Says how many wait. @param words of the header page */
export function publishWaits(words: Int32Array, count: number): void {
  Atomics.store(words, WAITS_AT / 4, count);
}

/** True where somebody waits for a word of the region. @param words of the header page */
export function isWaitedFor(words: Int32Array): boolean {
  return words[WAITS_AT / 4] !== 0;
}
