import assert from "node:assert/strict";
import type { LockTable } from "../../src/epoch/lock-table.ts";
import { type Event, LockRun, type Mirrored, type Range } from "./lock-run.ts";
import { described, describedExactly } from "./lock-state.ts";

export interface Exploration {
  /** Of a module that is `opened`. */
  readonly table: () => LockTable<Mirrored>;
  readonly ranges: readonly Range[];
  readonly sessions: number;
  /** A session asks for nothing while so many of its requests wait. */
  readonly waitsPerSession: number;
  /** Takes no two states for one, of which there are many more, and throws where two of one kind do not go on alike. */
  readonly exactly?: boolean;
}

export interface Explored {
  readonly states: number;
  /** Of these: those that `described` takes for different ones. */
  readonly kinds: number;
  readonly transitions: number;
  readonly depth: number;
}

/** What led to a state. */
interface Step {
  readonly event: Event;
  readonly before: Step | undefined;
}

/** With the first tick a wait is old enough for a circle, with the second its time is over. */
const WAIT_TICKS = 2;

/**
 * Visits every state that the sessions can bring about: each asks for each range, shared and exclusive, with and without
 * waiting, takes back and releases; time passes, and waits end by it; one session crashes, at any time, and is forgotten
 * later. Each state is reached by doing on a new table what led there, and each event is done on a copy of it. Of
 * states that go on alike one is visited: see `described`.
 * @throws what is wrong, with the events that lead to it
 */
export function explore(exploration: Exploration): Explored {
  const { table, ranges, sessions, exactly = false } = exploration;
  const steps: (Step | undefined)[] = [undefined];
  const seen = new Set<string>();
  const kinds = exactly ? new Set<string>() : seen;
  /** By kind: those that come next. */
  const nexts = new Map<string, string>();
  let transitions = 0;
  let depth = 0;
  for (let next = 0; next < steps.length; next += 1) {
    const before = steps[next];
    steps[next] = undefined;
    const path = pathTo(before);
    const run = replayed(new LockRun(table(), ranges), path);
    const reached = new Set<string>();
    for (const event of possible(run, exploration)) {
      transitions += 1;
      try {
        const after = run.copy();
        after.apply(event);
        const kind = described(after, sessions);
        reached.add(kind);
        const state = exactly ? describedExactly(after, sessions) : kind;
        if (seen.has(state)) continue;
        seen.add(state);
        kinds.add(kind);
        steps.push({ event, before });
        depth = Math.max(depth, path.length + 1);
        after.tryAll(alive(after, sessions));
        after.finish();
      } catch (error) {
        const lines = [...path, event].map((one) => JSON.stringify(one)).join("\n");
        throw new Error(`${(error as Error).message}, after\n${lines}`, { cause: error });
      }
    }
    if (!exactly) continue;
    const kind = described(run, sessions);
    const after = [...reached].sort().join("\n");
    assert.equal(nexts.get(kind) ?? after, after, "states of one kind go on alike");
    nexts.set(kind, after);
  }
  return { states: seen.size, kinds: kinds.size, transitions, depth };
}

function pathTo(last: Step | undefined): Event[] {
  const path: Event[] = [];
  for (let step = last; step !== undefined; step = step.before) path.push(step.event);
  return path.reverse();
}

/** All of it has been done before, and was right. */
function replayed(run: LockRun, path: readonly Event[]): LockRun {
  run.checks = false;
  for (const event of path) run.apply(event);
  run.checks = true;
  return run;
}

function alive(run: LockRun, sessions: number): number[] {
  return Array.from({ length: sessions }, (_, session) => session).filter(
    (session) => !run.crashed.has(session),
  );
}

function possible(run: LockRun, { sessions, waitsPerSession }: Exploration): Event[] {
  const events: Event[] = [{ kind: "tick" }];
  for (const [session, forgotten] of run.crashed) if (!forgotten) events.push({ kind: "forget", session });
  for (const session of alive(run, sessions)) {
    if (run.crashed.size === 0) events.push({ kind: "crash", session });
    const waits = run.requests.filter((one) => one.session === session && one.status === "waits").length;
    for (const range of run.ranges.keys()) {
      if (run.find(session, range) !== undefined) events.push({ kind: "release", session, range });
      else if (waits < waitsPerSession) {
        for (const exclusive of [false, true]) {
          events.push({ kind: "ask", session, range, exclusive, waitTicks: WAIT_TICKS });
        }
      }
    }
  }
  return events;
}
