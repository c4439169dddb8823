import { type NotifyingOperation, nameOf, type QueueLife, type Told } from "./notification-history.ts";

/** Entries that one answer tells at most. */
const ANSWER_MAX = 64;

type Attempts = ReadonlyMap<number, NotifyingOperation>;

/** @param attempts by number @returns what is wrong with a life of a queue, if anything */
export function checkQueueLife(life: QueueLife, attempts: Attempts): string | undefined {
  const fault = checkSent(life, attempts);
  if (fault !== undefined) return fault;
  const toldAt = new Map(life.told.map(({ tag, told }) => [tag, told]));
  const all = life.told.map(({ tag }) => attempts.get(tag) as NotifyingOperation);
  for (const region of new Set(all.map(({ input }) => input.region))) {
    const told = all.filter(({ input }) => input.region === region);
    const last = Math.max(...told.map(({ invoked }) => invoked));
    // What the queue was surely there for, because it has told of something that was begun later.
    const due = [...attempts.values()].filter(
      (attempt) =>
        attempt.input.region === region &&
        attempt.outcome === "done" &&
        attempt.invoked > life.opened &&
        attempt.returned < last &&
        letsIn(life, attempt),
    );
    const lost = due.find(({ input }) => !toldAt.has(input.number));
    if (lost !== undefined) return `has not told of ${nameOf(lost)}, but of what was begun later`;
    const wrong = checkOrder(told) ?? checkCredits(life, due, toldAt);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function letsIn({ source }: QueueLife, { input }: NotifyingOperation): boolean {
  return source === undefined || source === input.source;
}

/** Each once, and of what somebody sent while it was there. */
function checkSent(life: QueueLife, attempts: Attempts): string | undefined {
  const seen = new Set<number>();
  for (const told of life.told) {
    const { tag } = told;
    const attempt = attempts.get(tag);
    if (attempt === undefined) return `has told of ${tag}, which nobody sent`;
    const name = nameOf(attempt);
    if (seen.has(tag)) return `has told twice of ${name}`;
    seen.add(tag);
    if (attempt.outcome === "not done" || attempt.invoked > told.told)
      return `has told of ${name}, which was not done`;
    if (!isAsSent(told, attempt)) return `has told of ${name} as ${told.length} bytes at ${told.at}`;
    if (!letsIn(life, attempt)) return `has told of ${name}, which it does not ask for`;
    if (attempt.outcome === "done" && attempt.returned < life.asked)
      return `has told of ${name}, which was over before`;
  }
  return undefined;
}

function isAsSent({ source, at, length }: Told, { input }: NotifyingOperation): boolean {
  return source === input.source && at === input.at && length === input.length;
}

/** @param told of one region, in the order of telling */
function checkOrder(told: readonly NotifyingOperation[]): string | undefined {
  let ended: NotifyingOperation | undefined;
  /** The first of each window, from the end on. */
  const ofWindow = new Map<string, NotifyingOperation>();
  for (const attempt of told.toReversed()) {
    if (ended !== undefined && ended.returned < attempt.invoked)
      return `has told of ${nameOf(ended)} behind ${nameOf(attempt)}`;
    if (attempt.outcome === "done" && !(ended !== undefined && ended.returned < attempt.returned))
      ended = attempt;
    const { isCut, window } = attempt.input;
    if (isCut) continue;
    const next = ofWindow.get(window);
    if (next !== undefined && next.invoked < attempt.invoked)
      return `has told of ${nameOf(next)} behind ${nameOf(attempt)}`;
    ofWindow.set(window, attempt);
  }
  return undefined;
}

/** @param due of one region */
function checkCredits(
  { capacity, ring }: QueueLife,
  due: readonly NotifyingOperation[],
  toldAt: ReadonlyMap<number, number>,
): string | undefined {
  const windows = new Set(due.map(({ input }) => input.window)).size;
  // What was taken from a ring is told a moment later.
  const onBoard = ring === 0 ? 0 : windows * ring + 1;
  const most = capacity + Math.min(capacity, ANSWER_MAX) + onBoard;
  const changes = due.flatMap(({ input, returned }) => {
    const told = toldAt.get(input.number) as number;
    return told < returned ? [] : [[returned, 1] as const, [told, -1] as const];
  });
  let untold = 0;
  for (const [at, change] of changes.sort(([a], [b]) => a - b)) {
    untold += change;
    if (untold > most)
      return `has room for ${capacity}, and at ${at} ${untold} were answered that it had not told of`;
  }
  return undefined;
}
