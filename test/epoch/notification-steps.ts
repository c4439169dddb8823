import fc from "fast-check";
import type { NotificationTable } from "../../src/epoch/notification-table.ts";
import type { Asker } from "./notification-model.ts";
import { type Event, NotificationRun } from "./notification-run.ts";
import { MANY } from "./notification-settings.ts";

const session = fc.constantFrom(...MANY.producers);
const queue = fc.nat(MANY.claims.length - 1);
const access = fc.nat(MANY.accesses.length - 1);
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 16, arbitrary: fc.record({ kind: fc.constant("open" as const), queue }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("close" as const), queue }) },
  { weight: 60, arbitrary: fc.record({ kind: fc.constant("notify" as const), session, access }) },
  {
    weight: 32,
    arbitrary: fc.record({
      kind: fc.constant("next" as const),
      queue,
      entriesMax: fc.integer({ min: 1, max: 4 }),
      waitTicks: fc.nat(5),
    }),
  },
  { weight: 10, arbitrary: fc.constant({ kind: "tick" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("unbind" as const),
      session,
      handle: fc.integer({ min: 1, max: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("disconnect" as const), session }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const), session }) },
);

/** What happens, to sessions that are alive. */
export const EVENTS: fc.Arbitrary<Event[]> = fc.array(event, { maxLength: 150, size: "max" });

/** Lets that happen which can, and ends all of it. */
export function runMany(table: NotificationTable<Asker>, events: readonly Event[]): NotificationRun {
  const run = new NotificationRun(table, MANY);
  const isAlive = (next: Event): boolean => {
    if (next.kind === "tick") return true;
    const whose = "session" in next ? next.session : run.claim(next.queue).session;
    return !run.crashed.has(whose);
  };
  for (const next of events) if (isAlive(next)) run.apply(next);
  run.finish();
  return run;
}
