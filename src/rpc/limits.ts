/**
 * Calls that one side may have in flight on a channel; a call counts until its answer has come, given up or not. The
 * caller holds further calls back, so the called side never has to stop reading (two sides that both stopped would
 * wait for each other for ever) and treats one call more as a breach of the protocol.
 */
export const CALLS_IN_FLIGHT_MAX = 64;

/** Calls that wait at the caller for one of those places; more are refused with ERR_TOO_MANY. */
export const CALLS_WAITING_MAX = 4096;

/** Longest payload while the peer has not proven the cluster's key: strangers get little memory. */
export const STRANGER_PAYLOAD_BYTES_MAX = 4096;

/** Frames that one step of a channel takes in, so that a busy peer does not starve the others. */
export const FRAMES_PER_STEP_MAX = 64;

/** Connections that one step of a server takes in from a listener: whoever floods it must not starve its channels. */
export const ACCEPTS_PER_STEP_MAX = 64;

/** Connections of a server, or a worker, whose peer has not proven itself yet; each further one drives out the oldest. */
export const STRANGERS_MAX = 1024;

/** How long a peer that is not yet admitted may stay. */
export const ADMISSION_TIMEOUT_MS = 5000;

/** How long a channel that is closing waits for the last calls to be answered, unless it is told otherwise. */
export const LINGER_MS = 1000;

/** What such a channel receives in vain before it closes at once. */
export const LINGER_BYTES_MAX: number = 1 << 20;
