import type { NotificationTable } from "../../src/epoch/notification-table.ts";
import { type Explored, visitEveryState } from "./every-state.ts";
import { type Asker, roomOf, type Sent } from "./notification-model.ts";
import { type Event, NotificationRun, type Setting, TICK_MS } from "./notification-run.ts";

export interface Exploration extends Setting {
  readonly table: () => NotificationTable<Asker>;
  /** A producer sends nothing while so many of its notifications wait. */
  readonly waitsPerProducer: number;
  /** Nobody asks for more of a queue while so many wait for its next notification. */
  readonly nextsPerQueue: number;
  /** How much of a queue is asked for at a time. */
  readonly entriesMax: readonly number[];
  /** For how long it may be waited for. */
  readonly waitTicks: readonly number[];
  /** Queues are closed and opened again, at any time; else they are opened once. */
  readonly reopens: boolean;
}

/**
 * Visits every state that producers and consumers can bring about: each producer does each access, consumers ask for what there
 * is, with and without waiting; time passes; queues come and go; one session loses its connection, its window or its life,
 * at any time. States count as one that differ only in which producer is which.
 * @throws what is wrong, with the events that lead to it
 */
export function explore(exploration: Exploration): Explored {
  const { table, claims, reopens } = exploration;
  return visitEveryState<Event, NotificationRun>({
    start: () => {
      const run = new NotificationRun(table(), exploration);
      if (!reopens) for (const queue of claims.keys()) run.apply({ kind: "open", queue });
      return run;
    },
    possible: (run) => possible(run, exploration),
    described: (run) => described(run, exploration.producers),
  });
}

function possible(run: NotificationRun, exploration: Exploration): Event[] {
  const { producers, claims, accesses, waitsPerProducer, nextsPerQueue, reopens } = exploration;
  const { entriesMax, waitTicks } = exploration;
  const events: Event[] = [];
  const isAlive = (session: number): boolean => !run.crashed.has(session);
  if (run.model.nexts.length > 0) events.push({ kind: "tick" });
  for (const session of producers) {
    const waits = run.model.waiting.filter((sent) => sent.session === session).length;
    if (!isAlive(session) || waits >= waitsPerProducer) continue;
    for (const access of accesses.keys()) events.push({ kind: "notify", session, access });
  }
  for (const [queue, { session }] of claims.entries()) {
    if (!isAlive(session)) continue;
    const open = run.queueOf(queue);
    if (open === undefined) {
      if (reopens) events.push({ kind: "open", queue });
      continue;
    }
    if (reopens) events.push({ kind: "close", queue });
    if (open.nexts.length >= nextsPerQueue) continue;
    for (const most of entriesMax) {
      // Who finds something does not wait, however long he may.
      for (const ticks of open.line.length > 0 ? [0] : [0, ...waitTicks])
        events.push({ kind: "next", queue, entriesMax: most, waitTicks: ticks });
    }
  }
  if (run.crashed.size + run.disconnected.size > 0) return events;
  for (const session of new Set([...producers, ...claims.map((claim) => claim.session)])) {
    events.push({ kind: "crash", session }, { kind: "disconnect", session });
  }
  for (const { session, handle } of claims.slice(0, 1)) events.push({ kind: "unbind", session, handle });
  return events;
}

function described(run: NotificationRun, producers: readonly number[]): string {
  const orders = [producers, producers.toReversed()];
  const texts = orders.map((order) => describedAs(run, (session) => order.indexOf(session)));
  return texts.toSorted()[0] as string;
}

/** What lies in queues by whose it is, what waits by who is who in all lines, and where in its ring each list is. */
function describedAs(run: NotificationRun, nameOf: (session: number) => number): string {
  const met: Sent[] = [];
  const lines = [...run.setting.claims.keys()].map((index) => {
    const queue = run.queueOf(index);
    if (queue === undefined) return "-";
    const { claim, line, taken, nexts } = queue;
    const told = nexts.map(({ deadline, entriesMax }) => `${deadline - run.now}/${entriesMax}`).join();
    // Of what was counted the table knows no more than whether there is something.
    if (claim.kind === "count") return `${Math.min(line.length, 1)} ${told}`;
    const stands = line.map((sent, i) => {
      if (i < roomOf(claim)) return nameOf(sent.session);
      if (!met.includes(sent)) met.push(sent);
      return `${nameOf(sent.session)}w${met.indexOf(sent)}`;
    });
    return `${taken % claim.capacity} ${stands.join()} ${told}`;
  });
  const gone = (sessions: ReadonlySet<number>): string => [...sessions].map(nameOf).join();
  const dueTicks = run.table.dueMs / TICK_MS - run.now;
  return `${lines.join("|")} ${gone(run.crashed)} ${gone(run.disconnected)} ${dueTicks}`;
}
