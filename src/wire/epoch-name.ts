/** A home worker that takes part in an epoch. */
export interface Participant {
  /** 32 hex digits. */
  readonly target: string;
  readonly worker: number;
}

/** A session with the decider, which epochs are named after. */
export interface EpochSession {
  /** The life of the decider's target, 32 hex digits. */
  readonly incarnation: string;
  readonly session: number;
  /**
   * What the decider has told the session's origin alone, 16 hex digits. Nobody else can name an epoch of it: who only guesses
   * has one attempt a message, and 2^64 to make.
   */
  readonly secret: string;
}

/**
 * Who an epoch is, everywhere. Its origin numbers it within its session with the decider: nobody else can ask for its
 * commit, and nobody at all once that session, or that life of the decider, has ended. Holds the session's secret: it is for
 * those who take part, and for no log or status.
 */
export interface EpochName extends EpochSession {
  /** Grows within the session. */
  readonly sequence: number;
}

/** Bytes of an epoch session's secret. */
export const EPOCH_SECRET_BYTES = 8;

export function nameKey({ incarnation, session, secret, sequence }: EpochName): string {
  return `${incarnation}.${session}.${secret}.${sequence}`;
}

export function participantKey({ target, worker }: Participant): string {
  return `${target}.${worker}`;
}
