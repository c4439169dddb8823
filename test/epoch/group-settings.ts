import fc from "fast-check";
import { ANY_RANK } from "../../src/epoch/group.ts";
import type { GroupLimits } from "../../src/epoch/group-limits.ts";
import type { GroupTable } from "../../src/epoch/group-table.ts";
import { type Explored, visitEveryState } from "./every-state.ts";
import type { Asker } from "./group-model.ts";
import { type Event, GroupRun, TICK_MS } from "./group-run.ts";

/** So few that all of them are reached. */
const FEW: GroupLimits = { sizeMax: 3, groupsMax: 2, membersMax: 5, sessionGroupsMax: 1 };
const NAME = "a";

interface Exploration {
  readonly limits: GroupLimits;
  /** By session: with what it asks to join. */
  readonly joins: readonly (readonly { readonly size: number; readonly rank: number }[])[];
  /** For how long it may be waited. */
  readonly waitTicks: readonly number[];
}

const THREE = { size: 3, rank: ANY_RANK };

/** Three sessions, and one crash or lost connection; all leave and join again, and time passes, as often as they like. */
export const CASES: Readonly<Record<string, Exploration>> = {
  "two sessions": {
    limits: { ...FEW, sizeMax: 2 },
    joins: [[{ size: 2, rank: ANY_RANK }], [{ size: 2, rank: 0 }]],
    waitTicks: [1, 2],
  },
  "three sessions of different sizes": {
    limits: FEW,
    joins: [[THREE], [THREE, { size: 2, rank: ANY_RANK }], [{ size: 2, rank: ANY_RANK }]],
    waitTicks: [1],
  },
  "three members": { limits: FEW, joins: [[THREE], [THREE], [THREE]], waitTicks: [1, 2] },
  "three members that ask for ranks": {
    limits: FEW,
    joins: [
      [THREE],
      [{ size: 3, rank: 0 }, THREE],
      [
        { size: 3, rank: 0 },
        { size: 3, rank: 2 },
      ],
    ],
    waitTicks: [1],
  },
};

export function explore(how: Exploration, table: () => GroupTable<Asker>): Explored {
  return visitEveryState({
    start: () => new GroupRun(table(), how.limits),
    possible: (run) => possible(run, how),
    described,
  });
}

function possible(run: GroupRun, { joins, waitTicks }: Exploration): Event[] {
  const events: Event[] = [];
  if (run.model.waits.length > 0) events.push({ kind: "tick" });
  for (const [session, claims] of joins.entries()) {
    if (run.crashed.has(session)) continue;
    const base = { session, name: NAME };
    for (const claim of claims) {
      for (const ticks of [0, ...waitTicks])
        events.push({ kind: "join", ...base, ...claim, waitTicks: ticks });
    }
    const told = run.told.get(`${session}.${NAME}`)?.length ?? 0;
    const barrier = { kind: "barrier", ...base, life: "last", roundOff: 0 } as const;
    if (told > 0) {
      for (const ticks of [0, ...waitTicks]) events.push({ ...barrier, waitTicks: ticks });
      events.push({ ...barrier, roundOff: -1, waitTicks: 1 }, { ...barrier, roundOff: 1, waitTicks: 1 });
    } else events.push({ ...barrier, life: "guessed", waitTicks: 1 });
    if (told > 1) events.push({ ...barrier, life: "before", waitTicks: 1 });
    events.push({ kind: "leave", ...base });
    if (run.crashed.size + run.disconnected.size === 0)
      events.push({ kind: "crash", session }, { kind: "disconnect", session });
  }
  return events;
}

/** Who is a member, in which order and for how long it waits; but not which round and which life of the name it is. */
function described(run: GroupRun): string {
  const lives = [...run.model.lives.values()].map((life) => {
    const members = life.members.map(({ session, asked, rank, wait }) =>
      [session, asked, rank, wait && wait.deadline - run.now].join("."),
    );
    // The order of joining is of no meaning any more.
    if (life.isComplete) members.sort();
    return `${life.size} ${life.isComplete} ${life.brokenBy} ${members.join()}`;
  });
  const told = [...run.told].map(([key, numbers]) => `${key}:${Math.min(numbers.length, 2)}`).sort();
  const gone = `${[...run.crashed].join()} ${[...run.disconnected].join()}`;
  return `${lives.join("|")} ${told.join()} ${gone} ${run.table.dueMs / TICK_MS - run.now}`;
}

/** More of everything than there may be. */
export const MANY: GroupLimits = { sizeMax: 4, groupsMax: 3, membersMax: 9, sessionGroupsMax: 2 };

const session = fc.nat(5);
const name = fc.constantFrom("a", "a", "a", "b", "b", "c", "d");
/** Of a group in which all have come, where there is one; of one of its members. */
const THERE = "there";
const nameThere = fc.constantFrom(THERE, THERE, THERE, THERE, THERE, THERE, THERE, "a");
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 40,
    arbitrary: fc.record({
      kind: fc.constant("join" as const),
      session,
      name,
      size: fc.constantFrom(2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 5, 1),
      rank: fc.constantFrom(-1, -1, -1, -1, -1, -1, 0, 1, 2, -2),
      waitTicks: fc.constantFrom(0, 2, 6, 9, 9, 9),
    }),
  },
  {
    weight: 60,
    arbitrary: fc.record({
      kind: fc.constant("barrier" as const),
      session,
      name: nameThere,
      life: fc.constantFrom(
        ...(["last", "last", "last", "last", "last", "last", "before", "guessed"] as const),
      ),
      roundOff: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 1),
      waitTicks: fc.constantFrom(0, 3, 6, 9),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("leave" as const), session, name: nameThere }) },
  { weight: 4, arbitrary: fc.constant({ kind: "tick" as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("disconnect" as const), session }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const), session }) },
);

/** What happens, to sessions that are alive. */
export const EVENTS: fc.Arbitrary<Event[]> = fc.array(event, { maxLength: 100, size: "max" });

/** Lets that happen which can, and ends all of it. @returns the answers by kind, up to the end */
export function runMany(table: GroupTable<Asker>, events: readonly Event[]): Record<string, number> {
  const run = new GroupRun(table, MANY);
  for (const next of events)
    if (next.kind === "tick" || !run.crashed.has(next.session)) run.apply(aimed(run, next));
  const tally = { ...run.tally };
  run.finish();
  return tally;
}

function aimed(run: GroupRun, next: Event): Event {
  if (!("name" in next) || next.name !== THERE) return next;
  const lives = [...run.model.lives.values()].filter(({ isComplete }) => isComplete);
  const members = lives.flatMap((life) => life.members.map(({ session }) => ({ session, name: life.name })));
  return { ...next, name: "a", ...members[(run.now + next.session) % members.length] };
}
