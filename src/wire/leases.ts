/** Milliseconds that an origin may ask a target for. */
export const LEASE_MS_MIN = 500;
export const LEASE_MS_MAX = 60_000;
/** The right to serve that a target has from each registration or heartbeat. */
export const TARGET_LEASE_MS = 10_000;

/** The holder counts a lease from before it asked for it, the grantor for that many times as long as it granted. */
export const LEASE_GRACE = 1.1;
