import type { CountersLook, WorkerLook } from "../../runtime/counters-look.ts";
import { codeOf } from "../../std/errors.ts";
import {
  type Latency,
  latencyCount,
  latencyPercentile,
  latencySince,
  latencySum,
} from "../../structs/latency.ts";
import { COUNTER_NAMES, type CounterName } from "../../structs/worker-counters.ts";
import { OPCODE } from "../../wire/header.ts";
import type { TargetLook } from "./targets.ts";

/** What happened between two looks at one target, and since it started. `--json` prints it as it is. */
export interface TargetReport {
  readonly name: string;
  readonly state: CountersLook["state"] | "unknown";
  /** Why it is not simply serving; null when it is. */
  readonly problem: string | null;
  readonly pid: number | null;
  readonly uptimeMs: number | null;
  readonly sessions: number;
  readonly connections: number;
  /** That are held, also by sessions that have ended, and requests that wait. */
  readonly locks: { readonly held: number; readonly waiting: number };
  /** Not ended at this target's workers, and what their logs hold. */
  readonly epochs: { readonly underWay: number; readonly logBytes: number };
  /** Queues of notifications, and places in which notifications wait for room. */
  readonly queues: { readonly open: number; readonly waiting: number };
  /** Descriptors passed for mapping since the start. What is done through a mapping reaches no target. */
  readonly mappings: number;
  /** Null until there are two looks at the same life of the target. */
  readonly perSecond: Readonly<Record<RateName, number>> | null;
  readonly commands: LatencyReport | null;
  readonly flushes: LatencyReport | null;
  /** Since the start: refused commands by the code that they were answered with. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Since the start. */
  readonly totals: Readonly<Record<string, number>>;
}

export interface LatencyReport {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

const OPERATIONS = {
  gets: [OPCODE.GET, OPCODE.EPOCH_GET, OPCODE.GET_NOTIFY],
  puts: [OPCODE.PUT, OPCODE.PUT_NOTIFY],
  accumulates: [OPCODE.ACCUMULATE],
  atomics: [OPCODE.FETCH_OP, OPCODE.COMPARE_AND_SWAP],
  flushes: [OPCODE.FLUSH],
} as const;

/** What is counted as it is at this moment; nothing happens so many times a second. */
const GAUGES = [
  "connections",
  "locksHeld",
  "locksWaiting",
  "epochsUnderWay",
  "epochLogBytes",
  "queues",
  "notificationsWaiting",
  "groups",
  "groupsWaiting",
] as const;
type Gauge = (typeof GAUGES)[number];

type RateName = Exclude<CounterName, Gauge> | keyof typeof OPERATIONS | "mappings";

/** @param before an earlier look at the same target, if there was one */
export function reportTarget(
  { name, look, failure }: TargetLook,
  before: TargetLook | undefined,
): TargetReport {
  if (look === undefined) return { ...NOTHING, name, problem: failure?.message ?? null };
  const { header, control, nowMs, lastSignMs, state } = look;
  const earlier = isSameLife(look, before?.look) ? before?.look : undefined;
  const now = totalsOf(look);
  return {
    name,
    state,
    problem: problemOf(look),
    pid: header.pid,
    uptimeMs: Math.max(0, (state === "gone" ? lastSignMs : nowMs) - header.startedMs),
    sessions: control.sessions,
    connections: now.connections,
    locks: { held: now.locksHeld, waiting: now.locksWaiting },
    epochs: { underWay: now.epochsUnderWay, logBytes: now.epochLogBytes },
    queues: { open: now.queues, waiting: now.notificationsWaiting },
    mappings: control.mappings,
    perSecond: earlier === undefined ? null : rates(now, totalsOf(earlier), nowMs - earlier.nowMs),
    commands: earlier === undefined ? null : latencyOf(look, earlier, (worker) => worker.commands),
    flushes: earlier === undefined ? null : latencyOf(look, earlier, (worker) => worker.flushes),
    refusals: refusalsOf(look),
    totals: { ...now, ...control },
  };
}

const NOTHING: Omit<TargetReport, "name"> = {
  state: "unknown",
  problem: null,
  pid: null,
  uptimeMs: null,
  sessions: 0,
  connections: 0,
  locks: { held: 0, waiting: 0 },
  epochs: { underWay: 0, logBytes: 0 },
  queues: { open: 0, waiting: 0 },
  mappings: 0,
  perSecond: null,
  commands: null,
  flushes: null,
  refusals: {},
  totals: {},
};

export function isSameLife(look: CountersLook, other: CountersLook | undefined): boolean {
  const [a, b] = [look.header, other?.header];
  return a.target === b?.target && a.startedWallMs === b.startedWallMs && a.pid === b.pid;
}

function problemOf({ state, ageMs, header }: CountersLook): string | null {
  const seconds = (ageMs / 1000).toFixed(ageMs < 10_000 ? 1 : 0);
  if (state === "hung") return `process ${header.pid} is there, but has done nothing for ${seconds} s`;
  if (state === "gone") return `process ${header.pid} has ended; its last sign of life was ${seconds} s ago`;
  return null;
}

type Totals = Readonly<Record<RateName | Gauge, number>>;

function totalsOf({ workers, control }: CountersLook): Totals {
  const sum = (of: (worker: WorkerLook) => number): number => workers.reduce((all, one) => all + of(one), 0);
  const counted = COUNTER_NAMES.map((name) => [name, sum(({ counts }) => counts[name])]);
  const commands = Object.entries(OPERATIONS).map(([name, opcodes]) => [
    name,
    sum((worker) => opcodes.reduce((all, opcode) => all + (worker.opcodes[opcode] as number), 0)),
  ]);
  return { ...Object.fromEntries(counted), ...Object.fromEntries(commands), mappings: control.mappings };
}

function rates(now: Totals, before: Totals, elapsedMs: number): Record<RateName, number> {
  const names = (Object.keys(now) as (RateName | Gauge)[]).filter(isRate);
  const seconds = Math.max(elapsedMs, 1) / 1000;
  const perSecond = names.map((name) => [name, Math.max(0, now[name] - before[name]) / seconds]);
  return Object.fromEntries(perSecond) as Record<RateName, number>;
}

function isRate(name: RateName | Gauge): name is RateName {
  return !GAUGES.includes(name as Gauge);
}

function latencyOf(
  { workers }: CountersLook,
  before: CountersLook,
  of: (worker: WorkerLook) => Latency,
): LatencyReport | null {
  const since = latencySum(
    workers.map((worker, at) => {
      const earlier = before.workers[at];
      return latencySince(of(worker), earlier === undefined ? undefined : of(earlier));
    }),
  );
  const count = latencyCount(since);
  if (count === 0) return null;
  const [p50Ms = 0, p90Ms = 0, p99Ms = 0, p999Ms = 0] = [0.5, 0.9, 0.99, 0.999].map((fraction) =>
    latencyPercentile(since, fraction),
  );
  return { count, p50Ms, p90Ms, p99Ms, p999Ms };
}

function refusalsOf({ workers }: CountersLook): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { refusals } of workers) {
    for (const [status, count] of refusals.entries()) {
      if (count === 0) continue;
      const code = codeOf(status);
      counts[code] = (counts[code] ?? 0) + count;
    }
  }
  return counts;
}
