import type { Connection } from "./connection.ts";
import type { WorkerRegion } from "./worker-region.ts";

/** Copies of answers that a worker keeps at a time, for all of its connections. */
export const COPIED_BYTES_MAX: number = 64 << 20;

/**
 * Copies what connections have still to send from a region, so that it can change or be unmapped. Each may have 2 MiB of
 * it, and there may be thousands: whose answers find no room any more is closed. One who reads has little queued.
 * @param of those that are concerned
 * @param all connections of the worker
 */
export function copyAnswersOut(
  region: WorkerRegion,
  of: Iterable<Connection | undefined>,
  all: Iterable<Connection | undefined>,
  close: (connection: Connection) => void,
): void {
  let keptBytes = 0;
  for (const connection of all) keptBytes += connection?.copiedBytes ?? 0;
  for (const connection of of) {
    const bytes = connection?.queuedBytes(region.memory) ?? 0;
    if (connection === undefined || bytes === 0) continue;
    if (keptBytes + bytes > COPIED_BYTES_MAX) {
      close(connection);
      continue;
    }
    connection.copyOut(region.memory);
    keptBytes += bytes;
  }
}
