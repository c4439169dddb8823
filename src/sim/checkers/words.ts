import type { Operation } from "../history.ts";
import { linearize, type Model, type Verdict } from "./linearizability.ts";

/**
 * Linearizability of one word, of raw and of managed windows alike: loads, stores, atomic additions and compare-and-swaps
 * have one order. After a loss of power of its machine the word has a value that it had, not older than what the last
 * flush of whoever wrote it has made stable.
 *
 * Does not verify: the order of accesses to different words; what puts of more than a word do to it; that what was never
 * flushed is lost.
 */
export type WordInput =
  | { readonly op: "load" }
  | { readonly op: "store"; readonly value: number; readonly window: string }
  | { readonly op: "add"; readonly delta: number; readonly window: string }
  | { readonly op: "cas"; readonly expected: number; readonly desired: number; readonly window: string }
  /** A stable flush by a window: what it has changed before is there from now on. */
  | { readonly op: "flush"; readonly window: string }
  /** The machine of the word's region loses power. */
  | { readonly op: "loss" };

/** What was there before, of what tells it. */
export type WordOutput = number | null;

export type WordOperation = Operation<WordInput, WordOutput>;

interface Version {
  readonly value: number;
  /** Who wrote it. */
  readonly window: string;
}

/** Versions since the last that is surely stable, that one first, the present one last. */
type State = readonly Version[];

/** @param operations of one word */
export function checkWord(operations: readonly WordOperation[]): Verdict<WordInput, WordOutput> {
  return linearize(relevant(operations), new WordModel(lastLoss(operations)));
}

class WordModel implements Model<State, WordInput, WordOutput> {
  readonly initial: State = [{ value: 0, window: "" }];
  readonly #lastLoss: number;

  /** @param lastLoss after it nobody cares for what is stable */
  constructor(lastLoss: number) {
    this.#lastLoss = lastLoss;
  }

  apply(state: State, { input, output, outcome, invoked }: WordOperation): readonly State[] {
    const before = state.at(-1) as Version;
    const tells = outcome === "done" && input.op !== "store" && input.op !== "flush" && input.op !== "loss";
    if (tells && output !== before.value) return [];
    const written = (value: number, window: string): readonly State[] => {
      const version = { value, window };
      return [invoked > this.#lastLoss ? [version] : [...state, version]];
    };
    switch (input.op) {
      case "load":
        return [state];
      case "store":
        return written(input.value, input.window);
      case "add":
        return written(before.value + input.delta, input.window);
      case "cas":
        return before.value === input.expected ? written(input.desired, input.window) : [state];
      case "flush":
        return [
          state.slice(
            Math.max(
              0,
              state.findLastIndex(({ window }) => window === input.window),
            ),
          ),
        ];
      case "loss":
        return [...new Map(state.map((version) => [version.value, [version]])).values()];
    }
  }

  key(state: State): string {
    return state.map(({ value, window }) => `${value}${window}`).join(",");
  }
}

function lastLoss(operations: readonly WordOperation[]): number {
  return Math.max(0, ...operations.filter(({ input }) => input.op === "loss").map(({ invoked }) => invoked));
}

/** Without loads that nobody has an answer to, and flushes that nothing depends on. */
function relevant(operations: readonly WordOperation[]): WordOperation[] {
  const loss = lastLoss(operations);
  return operations.filter(({ input, outcome, invoked }) => {
    if (input.op === "load") return outcome === "done";
    return input.op !== "flush" || (outcome === "done" && invoked < loss);
  });
}
