import { type Poller, READABLE, type Source, type Waker, WRITABLE } from "../ports/poller.ts";

interface Watched {
  readonly interest: number;
  readonly token: number;
}

/** What simulated streams and listeners know. */
interface Readable extends Source {
  readonly readable: boolean;
}

/**
 * A poller that never blocks and reports every source with an interest as ready. A real one may report what turns out
 * not to be ready too, so whoever works with this one relies on nothing that the kernel does not promise. An exact one
 * leaves out what has nothing to be received, as a real one does, where that would be most.
 */
export class SimPoller implements Poller, Waker {
  readonly ready: Int32Array = new Int32Array(4096);
  readonly wakeDescriptor = 0;
  readonly #watched = new Map<Source, Watched>();
  readonly #exact: boolean;

  constructor(exact = false) {
    this.#exact = exact;
  }

  watch(source: Source, interest: number, token: number): void {
    this.#watched.set(source, { interest, token });
  }

  unwatch(source: Source): void {
    this.#watched.delete(source);
  }

  /** What `source` is watched for: READABLE | WRITABLE, 0 when it is paused or not watched. */
  interestIn(source: Source): number {
    return this.#watched.get(source)?.interest ?? 0;
  }

  wait(_timeoutMs: number): number {
    let count = 0;
    for (const [source, { interest, token }] of this.#watched) {
      if (this.#exact && interest === READABLE && !(source as Readable).readable) continue;
      if ((interest & (READABLE | WRITABLE)) === 0 || count === this.ready.length) continue;
      this.ready[count] = token;
      count += 1;
    }
    return count;
  }

  wake(): void {
    // Nobody ever sleeps here.
  }

  close(): void {
    this.#watched.clear();
  }
}
