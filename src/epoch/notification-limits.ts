/** How much the queues of one home may take: memory, and what one event can cost. */
export interface NotificationLimits {
  /** Queues of one session, of one region (each access that notifies is compared with each of these), and in all. */
  readonly sessionQueuesMax: number;
  readonly regionQueuesMax: number;
  readonly queuesMax: number;
  /** Entries that one queue holds, that those of one session may hold together, and in all; 40 bytes each. */
  readonly queueEntriesMax: number;
  readonly sessionEntriesMax: number;
  readonly entriesMax: number;
  /**
   * Notifications of one session, and of all, that wait for room at a time. One that waits for room in several queues counts
   * in each: so the limit also bounds what it costs when a session ends.
   */
  readonly sessionWaitsMax: number;
  readonly waitsMax: number;
  /** Commands of one session, and of all, that wait for a notification at a time. */
  readonly sessionNextsMax: number;
  readonly nextsMax: number;
  /** Entries that one answer carries. */
  readonly answerEntriesMax: number;
  /** A count stays there: no number of an origin's would be exact beyond. */
  readonly countMax: number;
}

export const NOTIFICATION_LIMITS: NotificationLimits = {
  sessionQueuesMax: 64,
  regionQueuesMax: 64,
  queuesMax: 4096,
  queueEntriesMax: 16_384,
  sessionEntriesMax: 65_536,
  entriesMax: 1_048_576,
  sessionWaitsMax: 1024,
  waitsMax: 16_384,
  sessionNextsMax: 128,
  nextsMax: 4096,
  answerEntriesMax: 64,
  countMax: Number.MAX_SAFE_INTEGER,
};

/** What one session has of it. */
export interface SessionCounts {
  /** Entries that its queues can hold. */
  entries: number;
  /** Places in which its notifications wait for room. */
  waits: number;
  /** Its commands that wait for a notification. */
  nexts: number;
}
