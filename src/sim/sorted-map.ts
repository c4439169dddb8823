const CHUNK_ENTRIES_MAX = 512;

/** Neighbours in order: `keys[i]` has `values[i]`. */
interface Chunk<V> {
  readonly keys: string[];
  readonly values: V[];
}

/**
 * A map in the order of its keys' code units. The entries lie in short sorted chunks, so a change moves a few hundred of
 * them, whatever the size.
 */
export class SortedMap<V> {
  /** None is empty, but the only one of an empty map. */
  readonly #chunks: Chunk<V>[] = [{ keys: [], values: [] }];

  get(key: string): V | undefined {
    const { keys, values } = this.#chunk(this.#chunkFor(key));
    const at = firstNotBelow(keys, key);
    return keys[at] === key ? values[at] : undefined;
  }

  set(key: string, value: V): void {
    const number = this.#chunkFor(key);
    const { keys, values } = this.#chunk(number);
    const at = firstNotBelow(keys, key);
    if (keys[at] === key) {
      values[at] = value;
      return;
    }
    keys.splice(at, 0, key);
    values.splice(at, 0, value);
    if (keys.length <= CHUNK_ENTRIES_MAX) return;
    const half = keys.length >>> 1;
    this.#chunks.splice(number + 1, 0, { keys: keys.splice(half), values: values.splice(half) });
  }

  delete(key: string): void {
    const number = this.#chunkFor(key);
    const { keys, values } = this.#chunk(number);
    const at = firstNotBelow(keys, key);
    if (keys[at] !== key) return;
    keys.splice(at, 1);
    values.splice(at, 1);
    if (keys.length === 0 && this.#chunks.length > 1) this.#chunks.splice(number, 1);
  }

  /** Entries with start <= key < end, in order, or all. The map must not change before the last was taken. */
  *entries(start = "", end?: string): Generator<readonly [string, V], void> {
    let number = this.#chunkFor(start);
    let at = firstNotBelow(this.#chunk(number).keys, start);
    for (; number < this.#chunks.length; number += 1, at = 0) {
      const { keys, values } = this.#chunk(number);
      for (; at < keys.length; at += 1) {
        const key = keys[at] as string;
        if (end !== undefined && key >= end) return;
        yield [key, values[at] as V];
      }
    }
  }

  #chunk(number: number): Chunk<V> {
    return this.#chunks[number] as Chunk<V>;
  }

  /** @returns the number of the last chunk that begins at or before `key`, or of the first chunk */
  #chunkFor(key: string): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#chunk(middle).keys[0] as string) <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function firstNotBelow(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
