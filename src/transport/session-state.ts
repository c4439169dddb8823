import { DidafsError } from "../std/errors.ts";

const OPEN = 0;
const LOST = 1;
const REVOKED = 2;

/**
 * The state of one session, or of one binding of it, as one shared word: written by whoever watches the session (the
 * agent thread), checked by every access. What has ended stays ended, for the reason that came first.
 */
export class SessionState {
  readonly #word: Int32Array;
  readonly target: string;

  /** @param shared 4 bytes, shared between the threads that know this session; zero for an open one */
  constructor(shared: SharedArrayBuffer, target: string) {
    this.#word = new Int32Array(shared);
    this.target = target;
  }

  /** Lost or revoked. */
  get isLost(): boolean {
    return this.#word[0] !== OPEN;
  }

  get isRevoked(): boolean {
    return this.#word[0] === REVOKED;
  }

  lose(): void {
    Atomics.compareExchange(this.#word, 0, OPEN, LOST);
  }

  revoke(): void {
    Atomics.compareExchange(this.#word, 0, OPEN, REVOKED);
  }

  error(applied: "no" | "unknown"): DidafsError {
    const details = { applied, target: this.target };
    if (this.isRevoked) {
      return new DidafsError("ERR_REVOKED", "access to the file was taken back; open it again", details);
    }
    return new DidafsError(
      "ERR_SESSION_LOST",
      `the session with target ${this.target} has ended; open a new window on the file to go on`,
      details,
    );
  }
}

/** What accesses throw after they were closed: a session that was lost by then is why, whatever comes later. */
export function closedBy(session: SessionState): () => DidafsError {
  return session.isLost
    ? () => session.error("no")
    : () => new DidafsError("ERR_CLOSED", "the window is closed");
}
