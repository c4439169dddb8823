import fc from "fast-check";
import type { WordLimits } from "../../src/epoch/word-wait.ts";
import { type Explored, visitEveryState } from "./every-state.ts";
import type { Word } from "./word-model.ts";
import { type Event, type Setting, TICK_MS, type Touched, WordRun } from "./word-run.ts";

const LONG: Word = { region: "5.0", at: 8, bytes: 8 };
/** Right behind the long one. */
const SHORT: Word = { region: "5.0", at: 16, bytes: 4 };

type Table = Setting["table"];

interface Exploration {
  readonly limits: WordLimits;
  readonly words: readonly { readonly word: Word; readonly values: readonly bigint[] }[];
  readonly waitTicks: readonly number[];
}

const TOUCHED: readonly Touched[] = ["all", "first", "last", "before", "behind", "none"];
const SESSIONS = [0, 1];
/** Each session asks through its own one. */
const HANDLE = 1;

/** Two waiters; words are written to, stored to and told of later, back and forth; one window or session ends. */
export const CASES: Readonly<Record<string, Exploration>> = {
  "one word of three values, two waits each": {
    limits: { sessionWaitsMax: 2, regionWaitsMax: 3, waitsMax: 3 },
    words: [{ word: LONG, values: [0n, 1n, 1n << 32n] }],
    waitTicks: [1],
  },
  "two words, one wait each": {
    limits: { sessionWaitsMax: 1, regionWaitsMax: 2, waitsMax: 2 },
    words: [
      { word: LONG, values: [0n, 1n << 63n] },
      { word: SHORT, values: [0n, 0xffff_ffffn] },
    ],
    waitTicks: [1, 2],
  },
};

export function explore({ limits, words, waitTicks }: Exploration, table: Table): Explored {
  const setting: Setting = { limits, words: words.map(({ word }) => word), table };
  const possible = (run: WordRun): Event[] => {
    const events: Event[] = [];
    if (run.model.waits.length > 0) events.push({ kind: "tick" });
    for (const [word, { values }] of words.entries()) {
      for (const value of values) {
        for (const session of SESSIONS.filter((one) => !run.ended.has(one))) {
          for (const ticks of [0, ...waitTicks])
            events.push({ kind: "wait", session, handle: HANDLE, word, seen: value, waitTicks: ticks });
        }
        events.push({ kind: "write", word, value }, { kind: "store", word, value });
      }
      for (const touched of TOUCHED) events.push({ kind: "tell", word, touched });
    }
    if (run.ended.size > 0 || run.hasUnbound) return events;
    for (const session of SESSIONS)
      events.push({ kind: "end", session }, { kind: "unbind", session, handle: HANDLE });
    return events;
  };
  return visitEveryState({ start: () => new WordRun(setting), possible, described });
}

/** What words are, and who waits for which to be another than what, in the order of coming. */
function described(run: WordRun): string {
  const { words } = run.setting;
  const values = words.map((word) => `${run.model.valueOf(word)}${run.model.dirty.has(word) ? "!" : ""}`);
  const waits = run.model.waits.map(({ session, word, seen, deadline }) =>
    [session, words.indexOf(word), seen, deadline - run.now].join("."),
  );
  const dueTicks = run.table.dueMs / TICK_MS - run.now;
  return `${values} ${waits} ${[...run.ended]} ${run.hasUnbound} ${dueTicks}`;
}

/** More than there may be, also in another region and of several windows. */
const MANY: Omit<Setting, "table"> = {
  limits: { sessionWaitsMax: 4, regionWaitsMax: 6, waitsMax: 7 },
  words: [
    LONG,
    SHORT,
    { region: "5.0", at: 2 ** 40, bytes: 8 },
    { region: "6.0", at: 8, bytes: 4 },
    { region: "6.0", at: 16, bytes: 8 },
  ],
};

const session = fc.nat(3);
const word = fc.nat(MANY.words.length - 1);
const handle = fc.integer({ min: 1, max: 2 });
const value = fc.constantFrom(0n, 0n, 0n, 1n, 0xffff_ffffn, 1n << 63n);
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 60,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      session,
      handle,
      word,
      seen: value,
      waitTicks: fc.nat(6),
    }),
  },
  {
    weight: 16,
    arbitrary: fc.record({ kind: fc.constantFrom("write" as const, "store" as const), word, value }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("tell" as const),
      word,
      touched: fc.constantFrom(...TOUCHED),
    }),
  },
  { weight: 8, arbitrary: fc.constant({ kind: "tick" as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("unbind" as const), session, handle }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("end" as const), session }) },
);

/** What happens, to sessions that have not ended. */
export const EVENTS: fc.Arbitrary<Event[]> = fc.array(event, { maxLength: 100, size: "max" });

/** Lets that happen which can, and ends all of it. @returns the answers by kind, up to the end */
export function runMany(table: Table, events: readonly Event[]): Record<string, number> {
  const run = new WordRun({ ...MANY, table });
  for (const next of events) if (!("session" in next) || !run.ended.has(next.session)) run.apply(next);
  const tally = { ...run.tally };
  run.finish();
  return tally;
}
