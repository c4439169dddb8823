import type { Epoch, EpochClass, EpochStep } from "../../../src/sim/checkers/epoch-history.ts";

/** What takes effect at one moment. */
type Part = readonly EpochStep[];

/** Whether an order explains a history, by trying all of them; shares nothing with the checker. For few epochs. */
export function isExplained(history: readonly Epoch[], asked: EpochClass): boolean {
  const unknown = history.filter(({ outcome }) => outcome === "unknown");
  for (let chosen = 0; chosen < 2 ** unknown.length; chosen += 1) {
    const effective = history.filter(
      (epoch) =>
        epoch.outcome === "committed" ||
        (epoch.outcome === "unknown" && (chosen >> unknown.indexOf(epoch)) % 2 === 1),
    );
    const parts = effective.map(({ steps }) => (asked.isolation === "none" ? partsOf(steps) : [steps]));
    const places = effective.map(() => 0);
    if (someOrder(effective, asked, parts, places, new Map(), new Set())) return true;
  }
  return false;
}

/** Each read on its own, with the writes before it, which it sees; at last all writes. */
function partsOf(steps: readonly EpochStep[]): Part[] {
  const isWrite = ({ op }: EpochStep): boolean => op === "write" || op === "append";
  const parts: Part[] = [];
  for (const [at, step] of steps.entries()) {
    if (!isWrite(step)) parts.push([...steps.slice(0, at).filter(isWrite), step]);
  }
  return [...parts, steps.filter(isWrite)];
}

type State = ReadonlyMap<string, readonly number[]>;

function someOrder(
  epochs: readonly Epoch[],
  asked: EpochClass,
  parts: readonly (readonly Part[])[],
  places: number[],
  state: State,
  /** Where nothing was found from on. */
  failed: Set<string>,
): boolean {
  if (places.every((place, epoch) => place === parts[epoch]?.length)) return true;
  const here = `${places}|${[...state].sort().join(";")}`;
  if (failed.has(here)) return false;
  for (const [epoch, place] of places.entries()) {
    const part = parts[epoch]?.[place];
    if (part === undefined || (place === 0 && mustWait(epoch, epochs, asked, parts, places))) continue;
    const after = run(part, state);
    if (after === undefined) continue;
    places[epoch] = place + 1;
    // Only the last part of an epoch stays.
    const next = place + 1 === parts[epoch]?.length ? after : state;
    const isFound = someOrder(epochs, asked, parts, places, next, failed);
    places[epoch] = place;
    if (isFound) return true;
  }
  failed.add(here);
  return false;
}

function mustWait(
  epoch: number,
  epochs: readonly Epoch[],
  asked: EpochClass,
  parts: readonly (readonly Part[])[],
  places: readonly number[],
): boolean {
  const later = epochs[epoch] as Epoch;
  return epochs.some((earlier, index) => {
    if (places[index] === parts[index]?.length) return false;
    if (later.final === true && earlier.final !== true) return true;
    return asked.consistency === "release" && earlier.returned < later.invoked;
  });
}

/** @returns what is there after it, or nothing where it reads something else */
function run(part: Part, before: State): State | undefined {
  const state = new Map(before);
  for (const step of part) {
    const held = state.get(step.key) ?? [];
    if (step.op === "append") state.set(step.key, [...held, step.value]);
    else if (step.op === "write") state.set(step.key, [step.value]);
    else if (step.op === "read" && (held[0] ?? 0) !== step.value) return undefined;
    else if (step.op === "list" && held.join() !== step.values.join()) return undefined;
  }
  return state;
}
