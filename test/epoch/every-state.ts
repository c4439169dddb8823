/** A core beside what it must do, in one state. */
export interface Run<Event> {
  /** False while only what is known to be right is done once more. */
  checks: boolean;
  /** @throws where it leads to anything but what it must */
  apply(event: Event): void;
  /** Ends all that goes on, where everything must come back to its number. */
  finish(): void;
}

export interface Explorable<Event, R extends Run<Event>> {
  readonly start: () => R;
  readonly possible: (run: R) => readonly Event[];
  /** States of which it says the same go on alike. */
  readonly described: (run: R) => string;
}

export interface Explored {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
}

/**
 * Visits every state that can come about. Each is reached by doing anew what led there, and from each everything is ended.
 * @throws what is wrong, with the events that lead to it
 */
export function visitEveryState<Event, R extends Run<Event>>(how: Explorable<Event, R>): Explored {
  const paths: (readonly Event[])[] = [[]];
  const seen = new Set<string>();
  let transitions = 0;
  let depth = 0;
  const visit = (path: readonly Event[]): void => {
    transitions += 1;
    const run = replayed(how.start(), path);
    const state = how.described(run);
    const isNew = !seen.has(state);
    seen.add(state);
    // Also where the same has been seen before: the core may have got there with something else inside.
    run.finish();
    if (!isNew) return;
    paths.push(path);
    depth = Math.max(depth, path.length);
  };
  for (let next = 0; next < paths.length; next += 1) {
    const path = paths[next] as readonly Event[];
    paths[next] = [];
    for (const event of how.possible(replayed(how.start(), path))) {
      const longer = [...path, event];
      try {
        visit(longer);
      } catch (error) {
        const lines = longer.map(lineOf).join("\n");
        throw new Error(`${(error as Error).message}, after\n${lines}`, { cause: error });
      }
    }
  }
  return { states: seen.size, transitions, depth };
}

/** @param path all but its last event has been done before, and was right */
function replayed<Event, R extends Run<Event>>(run: R, path: readonly Event[]): R {
  for (const [i, event] of path.entries()) {
    run.checks = i === path.length - 1;
    run.apply(event);
  }
  run.checks = true;
  return run;
}

function lineOf(event: unknown): string {
  return JSON.stringify(event, (_, value) => (typeof value === "bigint" ? `${value}n` : value));
}
