import type { Result } from "../wire/control.ts";

/** A wait for a lock, and where. */
export type HomeWait = Result<"lock.waits">["waits"][number] & { readonly target: string };

/** Without those that nobody waits for, or that wait for nobody who waits: of a mere crowd nothing is left. */
export function mayBeInCircles(waits: readonly HomeWait[]): HomeWait[] {
  for (let left = [...waits]; ; ) {
    const waiting = new Set(left.map(({ request }) => request.origin));
    const holding = new Set(left.flatMap(({ holders }) => holders));
    const fewer = left.filter(
      ({ request, holders }) => holding.has(request.origin) && holders.some((holder) => waiting.has(holder)),
    );
    if (fewer.length === left.length) return left;
    left = fewer;
  }
}

/**
 * A circle of waits over more than one home, beginning with the one that is to end: the youngest. Each waits for what the
 * origin of the next one holds, the last for what the first one's holds. What goes round within one home ends there.
 */
export function nextVictim(waits: readonly HomeWait[]): [HomeWait, ...HomeWait[]] | undefined {
  const byOrigin = new Map<string, HomeWait[]>();
  for (const wait of waits) {
    const { origin } = wait.request;
    byOrigin.set(origin, [...(byOrigin.get(origin) ?? []), wait]);
  }
  for (const from of waits) {
    const circle = circleOf(from, byOrigin);
    if (circle !== undefined && new Set(circle.map(homeOf)).size > 1) return beginningWithYoungest(circle);
  }
  return undefined;
}

function circleOf(
  from: HomeWait,
  byOrigin: ReadonlyMap<string, readonly HomeWait[]>,
): HomeWait[] | undefined {
  const reachedFrom = new Map<HomeWait, HomeWait | undefined>([[from, undefined]]);
  for (const wait of reachedFrom.keys()) {
    for (const holder of wait.holders) {
      if (holder === from.request.origin) return pathTo(wait, reachedFrom);
      for (const next of byOrigin.get(holder) ?? []) if (!reachedFrom.has(next)) reachedFrom.set(next, wait);
    }
  }
  return undefined;
}

function pathTo(last: HomeWait, reachedFrom: ReadonlyMap<HomeWait, HomeWait | undefined>): HomeWait[] {
  const path: HomeWait[] = [];
  for (let wait: HomeWait | undefined = last; wait !== undefined; wait = reachedFrom.get(wait))
    path.unshift(wait);
  return path;
}

function beginningWithYoungest(circle: readonly HomeWait[]): [HomeWait, ...HomeWait[]] {
  const youngest = circle.reduce((best, wait) => (isYounger(wait, best) ? wait : best));
  const at = circle.indexOf(youngest);
  return [youngest, ...circle.slice(at + 1), ...circle.slice(0, at)];
}

function isYounger(one: HomeWait, other: HomeWait): boolean {
  if (one.waitedMs !== other.waitedMs) return one.waitedMs < other.waitedMs;
  return one.request.origin < other.request.origin;
}

function homeOf({ target, worker }: HomeWait): string {
  return `${target} ${worker}`;
}
