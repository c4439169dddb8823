/**
 * A party's program on shared memory: at each `yield` others may go on. What it yields says when it can go on itself; nothing
 * where that is at any time.
 */
export type Program = Generator<(() => boolean) | undefined, void>;

/** What one interleaving is tried with: fresh memory, fresh parties. */
export interface Attempt {
  readonly parties: readonly Program[];
  /** All have come to their end. @throws where something is not as it must be */
  check(): void;
}

/** No party can go on, and not all have come to their end. */
export class Stuck extends Error {}

const RUNS_MAX = 1_000_000;

/**
 * Runs the parties in every order that their steps can have.
 * @returns how many there are
 * @throws Stuck where all wait for each other, and what a party or `check` throws; the choices are in the message
 */
export function everyInterleaving(begin: () => Attempt): number {
  const choices: { taken: number; of: number }[] = [];
  for (let runs = 1; runs <= RUNS_MAX; runs += 1) {
    try {
      runOnce(begin(), choices);
    } catch (error) {
      (error as Error).message += ` (run ${runs}, choices ${choices.map(({ taken }) => taken).join("")})`;
      throw error;
    }
    // The next order differs in the last choice that has another way to go.
    while (choices.length > 0) {
      const last = choices[choices.length - 1] as { taken: number; of: number };
      last.taken += 1;
      if (last.taken < last.of) break;
      choices.pop();
    }
    if (choices.length === 0) return runs;
  }
  throw new Error(`more than ${RUNS_MAX} interleavings`);
}

function runOnce({ parties, check }: Attempt, choices: { taken: number; of: number }[]): void {
  const waits = new Map<Program, (() => boolean) | undefined>(parties.map((party) => [party, undefined]));
  for (let step = 0; waits.size > 0; step += 1) {
    const able = [...waits].filter(([, wait]) => wait === undefined || wait()).map(([party]) => party);
    if (able.length === 0) throw new Stuck("all parties wait");
    const choice = choices[step] ?? { taken: 0, of: able.length };
    choices[step] = choice;
    const party = able[choice.taken] as Program;
    const { done, value } = party.next();
    if (done === true) waits.delete(party);
    else waits.set(party, value);
  }
  check();
}

const ACCESSES = ["load", "store", "add", "sub", "and", "or", "xor", "exchange", "compareExchange"] as const;

/**
 * Runs `body` again and again, and once before each of its atomic accesses lets `other` run whole, so that whatever it has
 * read before is old by then.
 * @param attempt makes fresh memory and says what to do with it
 * @returns how many places there were
 */
export function betweenAtomicAccesses(
  attempt: () => { readonly body: () => void; readonly other: () => void; check(): void },
): number {
  for (let place = 0; ; place += 1) {
    const { body, other, check } = attempt();
    if (!runWithOtherAt(place, body, other)) return place;
    check();
  }
}

/** @returns whether there is such a place */
function runWithOtherAt(place: number, body: () => void, other: () => void): boolean {
  const atomics = Atomics as unknown as Record<string, (...operands: unknown[]) => unknown>;
  const before = ACCESSES.map((name) => [name, atomics[name]] as const);
  const restore = (): void => {
    for (const [name, access] of before) atomics[name] = access as (typeof atomics)[string];
  };
  let count = 0;
  for (const [name, access] of before) {
    atomics[name] = (...operands) => {
      if (count === place) {
        restore();
        other();
      }
      count += 1;
      return access?.(...operands);
    };
  }
  try {
    body();
  } finally {
    restore();
  }
  return count > place;
}
