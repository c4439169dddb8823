import type { NotificationHistory } from "./notification-history.ts";
import { checkNotifiedBytes } from "./notified-bytes.ts";
import { checkQueueLife } from "./queue-lives.ts";

/**
 * Accesses that notify, and what queues tell of them. A life of a queue is from its opening until its client closes it or
 * is told that it ended. In each life nothing is told that nobody sent, that the queue does not ask for, or that was over before it
 * was there; nothing twice; what was answered before something else was begun comes before it, at each region, whoever sent them,
 * and is not left out; what one window sends to a region comes in its order; and no more is answered and not told than the queue
 * has room for, twice where the answer that told it is on its way, and than each window has on a board. The bytes that are found when a put is told are its own or those
 * of a later one, and a get that is told has no bytes that were put later.
 *
 * Does not verify: that what was answered last is told (in the end each client is told of something of its own, behind
 * everything else); when it is told (wake-ups does that in the end); order between regions; bytes behind a loss of power;
 * filters by tag, parts of files; queues that count, but for those that each client has in the end.
 *
 * @returns what is wrong, if anything
 */
export function checkNotifications(history: NotificationHistory): string | undefined {
  const attempts = new Map(history.attempts.map((attempt) => [attempt.input.number, attempt]));
  for (const life of history.lives) {
    const fault = checkQueueLife(life, attempts);
    if (fault !== undefined) return `the queue that ${life.client} had from ${life.opened} on ${fault}`;
  }
  return checkNotifiedBytes(history, attempts);
}
