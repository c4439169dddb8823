import { hash } from "node:crypto";
import type { EpochTable, EpochTableParts } from "../../src/epoch/epoch-table.ts";
import { CommitWorld, type Event, type Workload } from "./commit-world.ts";

export interface CommitExploration {
  // biome-ignore lint/suspicious/noExplicitAny: askers and payloads are the world's own
  readonly create: (parts: EpochTableParts) => EpochTable<any, any>;
  readonly workloads: readonly Workload[];
  readonly crashes: boolean;
  /** Time passes, so that whoever says nothing counts as gone. */
  readonly ticks: boolean;
}

/** What led to a state. */
interface Step {
  readonly event: Event;
  readonly before: Step | undefined;
}

/**
 * Visits every state that origins, workers, their logs and the messages between them can be in, and lets each go on without
 * faults to its end, where all must be well. Each state is reached by doing anew what led there.
 * @throws what is wrong, with the events that lead to it
 */
export function exploreCommits({ create, workloads, crashes, ticks }: CommitExploration): {
  readonly states: number;
  readonly transitions: number;
} {
  const steps: (Step | undefined)[] = [undefined];
  /** Their hashes: descriptions are long. */
  const seen = new Set<string>();
  let transitions = 0;
  const replay = (path: readonly Event[]): CommitWorld => {
    const world = new CommitWorld(workloads, create);
    for (const event of path) world.apply(event);
    return world;
  };
  for (let next = 0; next < steps.length; next += 1) {
    const before = steps[next];
    steps[next] = undefined;
    const path = pathTo(before);
    for (const event of replay(path).events(crashes, ticks)) {
      const longer = [...path, event];
      transitions += 1;
      try {
        const world = replay(longer);
        const state = hash("sha1", world.describe(), "base64");
        if (seen.has(state)) continue;
        seen.add(state);
        steps.push({ event, before });
        world.settle();
      } catch (error) {
        const lines = longer.map((one) => JSON.stringify(one)).join("\n");
        throw new Error(`${(error as Error).message}, after\n${lines}`, { cause: error });
      }
    }
  }
  return { states: seen.size, transitions };
}

function pathTo(last: Step | undefined): Event[] {
  const path: Event[] = [];
  for (let step = last; step !== undefined; step = step.before) path.push(step.event);
  return path.reverse();
}
