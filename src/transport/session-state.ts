import { DidafsError } from "../std/errors.ts";

const OPEN = 0;
const LOST = 1;

/**
 * The state of one session as one shared word: written by whoever watches the session (the agent thread), checked by
 * every access. A session that was lost stays lost.
 */
export class SessionState {
  readonly #word: Int32Array;
  readonly target: string;

  /** @param shared 4 bytes, shared between the threads that know this session; zero for an open one */
  constructor(shared: SharedArrayBuffer, target: string) {
    this.#word = new Int32Array(shared);
    this.target = target;
  }

  get isLost(): boolean {
    return this.#word[0] !== OPEN;
  }

  lose(): void {
    Atomics.store(this.#word, 0, LOST);
  }

  error(applied: "no" | "unknown"): DidafsError {
    return new DidafsError(
      "ERR_SESSION_LOST",
      `the session with target ${this.target} has ended; open a new window on the file to go on`,
      { applied, target: this.target },
    );
  }
}

/** What accesses throw after they were closed: a session that was lost by then is why, whatever comes later. */
export function closedBy(session: SessionState): () => DidafsError {
  return session.isLost
    ? () => session.error("no")
    : () => new DidafsError("ERR_CLOSED", "the window is closed");
}
