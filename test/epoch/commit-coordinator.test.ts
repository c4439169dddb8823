import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CommitCoordinator } from "../../src/epoch/commit-coordinator.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { CoordinatorWorld } from "./coordinator-world.ts";
import { planted } from "./planted.ts";

const RUNS = 3000;

/** @returns how often each outcome came about */
function runAll(Coordinator: typeof CommitCoordinator, lossesMax: number): Map<string, number> {
  const outcomes = new Map<string, number>();
  for (let seed = 1; seed <= RUNS; seed += 1) {
    try {
      for (const outcome of new CoordinatorWorld(Coordinator, new SimRandom(seed), lossesMax).run()) {
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    } catch (error) {
      throw new Error(`seed ${seed}, ${lossesMax} losses: ${(error as Error).message}`, { cause: error });
    }
  }
  return outcomes;
}

const MUTANTS = {
  "decides before all have prepared": {
    file: "commit-coordinator.ts",
    from: "this.#prepared.size === this.#count",
    to: "this.#prepared.size === this.#count - 1",
  },
  "takes what only reads for committed though somebody denied it": {
    file: "commit-coordinator.ts",
    from: "if (answer !== EPOCH_ANSWER.COMMITTED) this.#abort(answer, undefined);\n    else if (this.#isLast(from)) this.outcome",
    to: "if (this.#isLast(from)) this.outcome",
  },
  "takes a lost answer to a decision for an abort": {
    file: "commit-coordinator.ts",
    from: "if (certain) this.#abort(undefined, error);",
    to: "if (error !== undefined) this.#abort(undefined, error);",
  },
  "tells only those to give it up that have answered": {
    file: "commit-coordinator.ts",
    from: "if (!this.#free.has(to)) this.#send(EPOCH_MESSAGE.FINISH_ABORTED, to);",
    to: "if (this.#prepared.has(to)) this.#send(EPOCH_MESSAGE.FINISH_ABORTED, to);",
  },
  "says that it is in place everywhere once it is decided": {
    file: "commit-coordinator.ts",
    from: "this.#finishing = this.#count - 1;",
    to: "",
  },
  "acknowledges whoever has answered, whatever": {
    file: "commit-coordinator.ts",
    from: "if (answer === EPOCH_ANSWER.COMMITTED) this.#finished.push(from);",
    to: "this.#finished.push(0);",
  },
} as const;

describe("an origin that commits", () => {
  for (const losses of [0, 1, 3]) {
    it(`brings its epoch to the same end everywhere, with ${losses} sessions or answers lost`, () => {
      const outcomes = runAll(CommitCoordinator, losses);
      const expected = losses === 0 ? ["aborted", "committed"] : ["aborted", "committed", "unknown"];
      assert.deepEqual([...outcomes.keys()].sort(), expected);
    });
  }

  const mutant = planted(MUTANTS, "../../src/epoch/commit-coordinator.ts");
  for (const name of Object.keys(MUTANTS) as (keyof typeof MUTANTS)[]) {
    it(`is seen through where it ${name}`, async () => {
      const broken = (await mutant(name)).CommitCoordinator as typeof CommitCoordinator;
      assert.throws(() => [0, 1, 3].forEach((losses) => void runAll(broken, losses)), /seed \d+/);
    });
  }
});
