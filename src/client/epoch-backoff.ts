const BACKOFF_MS_MAX = 64;
/** A prime, so that few sessions that meet wait alike. */
const KINDS = 7;

/**
 * How long to wait before the next attempt of what met another epoch. Grows with each, and differs from session to session, so
 * that two that met do not go on meeting.
 */
export function backoffMs(attempt: number, session: number): number {
  return Math.min(2 ** attempt, BACKOFF_MS_MAX) * (1 + (session % KINDS) / KINDS);
}
