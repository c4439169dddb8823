import type { Operation } from "../history.ts";

/**
 * Whether there is an order of a history's operations, each at one moment between its invocation and its return, in which
 * every one gives the result that it gave. What is unknown may come at any moment after its invocation, or not at all.
 *
 * Sources: Wing and Gong, Testing and verifying concurrent objects (1993); Lowe, Testing for linearizability (2017), for
 * the memory of what was tried; Porcupine (Athalye) for the form with linked lists.
 *
 * Does not verify: what operations of different keys have to do with each other (callers decompose by key); anything
 * where the search gives up (`undecided`).
 */
export interface Model<S, I, O> {
  readonly initial: S;
  /** All states that may be after an operation with that result; none where it cannot give it. */
  apply(state: S, operation: Operation<I, O>): readonly S[];
  /** The same for equal states only. */
  key(state: S): string;
}

export type Verdict<I, O> =
  | { readonly kind: "linearizable" }
  | { readonly kind: "undecided"; readonly tried: number }
  /** `placed` operations can be put in order; no order has place for any of `stuck`. */
  | { readonly kind: "violated"; readonly placed: number; readonly stuck: readonly Operation<I, O>[] };

/** Steps that are tried before the search gives up. */
const TRIED_MAX_DEFAULT = 200_000;

interface Entry<I, O> {
  readonly number: number;
  readonly operation: Operation<I, O>;
  readonly isCall: boolean;
  /** Of a call: its return, if it has one. */
  match: Entry<I, O> | undefined;
  previous: Entry<I, O> | undefined;
  next: Entry<I, O> | undefined;
}

/** @param operations in any order; those that are certainly not done are left out */
export function linearize<S, I, O>(
  operations: readonly Operation<I, O>[],
  model: Model<S, I, O>,
  triedMax: number = TRIED_MAX_DEFAULT,
): Verdict<I, O> {
  const { head, count, definite } = entriesOf(operations);
  const placed = new Uint16Array(Math.ceil(count / 16));
  const seen = new Set<string>();
  const stack: { entry: Entry<I, O>; states: readonly S[] }[] = [];
  let states: readonly S[] = [model.initial];
  let left = definite;
  let tried = 0;
  let best = { placed: -1, stuck: [] as Operation<I, O>[] };
  for (let entry = head.next; left > 0; ) {
    if (entry?.isCall === true) {
      const after = applyAll(model, states, entry.operation);
      tried += 1;
      if (tried > triedMax) return { kind: "undecided", tried };
      if (after.length > 0) {
        flip(placed, entry.number);
        const key = `${String.fromCharCode(...placed)}|${keyOf(model, after)}`;
        if (!seen.has(key)) {
          seen.add(key);
          stack.push({ entry, states });
          states = after;
          lift(entry);
          if (entry.match !== undefined) left -= 1;
          entry = head.next;
          continue;
        }
        flip(placed, entry.number);
      }
      entry = entry.next;
      continue;
    }
    // Something has returned by now that has found no place.
    if (stack.length > best.placed) best = { placed: stack.length, stuck: pendingAt(head) };
    const last = stack.pop();
    if (last === undefined) return { kind: "violated", ...best };
    states = last.states;
    flip(placed, last.entry.number);
    unlift(last.entry);
    if (last.entry.match !== undefined) left += 1;
    entry = last.entry.next;
  }
  return { kind: "linearizable" };
}

function applyAll<S, I, O>(
  model: Model<S, I, O>,
  states: readonly S[],
  operation: Operation<I, O>,
): readonly S[] {
  if (states.length === 1) return model.apply(states[0] as S, operation);
  const after = new Map<string, S>();
  for (const state of states) {
    for (const next of model.apply(state, operation)) after.set(model.key(next), next);
  }
  return [...after.values()];
}

function keyOf<S, I, O>(model: Model<S, I, O>, states: readonly S[]): string {
  return states.length === 1
    ? model.key(states[0] as S)
    : states
        .map((state) => model.key(state))
        .sort()
        .join("&");
}

function entriesOf<I, O>(
  operations: readonly Operation<I, O>[],
): {
  head: Entry<I, O>;
  count: number;
  definite: number;
} {
  const known = operations.filter(({ outcome }) => outcome !== "not done");
  const timed: { at: number; entry: Entry<I, O> }[] = [];
  let definite = 0;
  for (const [number, operation] of known.entries()) {
    const links = { match: undefined, previous: undefined, next: undefined };
    const call: Entry<I, O> = { number, operation, isCall: true, ...links };
    timed.push({ at: operation.invoked, entry: call });
    if (operation.outcome !== "done") continue;
    definite += 1;
    call.match = { number, operation, isCall: false, ...links };
    timed.push({ at: operation.returned, entry: call.match });
  }
  timed.sort((a, b) => a.at - b.at);
  const head: Entry<I, O> = {
    number: -1,
    operation: undefined as never,
    isCall: false,
    match: undefined,
    previous: undefined,
    next: undefined,
  };
  let last = head;
  for (const { entry } of timed) {
    last.next = entry;
    entry.previous = last;
    last = entry;
  }
  return { head, count: known.length, definite };
}

/** Takes a call and its return out of the list. */
function lift<I, O>({ previous, next, match }: Entry<I, O>): void {
  if (previous !== undefined) previous.next = next;
  if (next !== undefined) next.previous = previous;
  if (match === undefined) return;
  if (match.previous !== undefined) match.previous.next = match.next;
  if (match.next !== undefined) match.next.previous = match.previous;
}

/** Puts them back; the last that was lifted first. */
function unlift<I, O>(entry: Entry<I, O>): void {
  const { match } = entry;
  if (match !== undefined) {
    if (match.previous !== undefined) match.previous.next = match;
    if (match.next !== undefined) match.next.previous = match;
  }
  if (entry.previous !== undefined) entry.previous.next = entry;
  if (entry.next !== undefined) entry.next.previous = entry;
}

/** What is invoked and not placed before the first return that is left. */
function pendingAt<I, O>(head: Entry<I, O>): Operation<I, O>[] {
  const pending: Operation<I, O>[] = [];
  for (let entry = head.next; entry?.isCall === true; entry = entry.next) pending.push(entry.operation);
  return pending;
}

function flip(bits: Uint16Array, number: number): void {
  const word = number >>> 4;
  bits[word] = (bits[word] as number) ^ (1 << (number & 15));
}
