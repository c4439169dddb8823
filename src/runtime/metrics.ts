import * as v from "valibot";
import type { Histogram } from "../std/histogram.ts";

/** Every metric: its name, Prometheus' type, and what it says. docs/operating.md holds a copy. */
export const METRICS = {
  didafs_up: ["gauge", "1 when the service answered within a second, else 0"],
  didafs_service_restarts_total: ["counter", "times that the service was started again"],
  didafs_process_uptime_seconds: ["gauge", "since the process started"],
  didafs_process_cpu_seconds_total: ["counter", "processor time, of users and of the system"],
  didafs_process_resident_memory_bytes: ["gauge", "memory in use, mapped files included"],
  didafs_process_open_fds: ["gauge", "open descriptors"],
  didafs_loop_step_seconds: [
    "histogram",
    "steps of the control loop that did work; long ones delay everybody",
  ],
  didafs_meta_calls_total: ["counter", "calls served, by method and outcome (ok or the error's code)"],
  didafs_meta_call_seconds: ["histogram", "from a call to its answer, by method"],
  didafs_meta_commit_seconds: ["histogram", "from asking for a transaction until it is durable"],
  didafs_meta_commit_failures_total: ["counter", "transactions that the engine failed, by code"],
  didafs_meta_channels: ["gauge", "connected origins and targets"],
  didafs_target_registered: ["gauge", "1 while the metadata service knows the target"],
  didafs_target_capacity_bytes: ["gauge", "size of the drive"],
  didafs_target_free_bytes: ["gauge", "room on the drive"],
  didafs_target_regions: ["gauge", "regions on the drive"],
  didafs_target_sessions: ["gauge", "sessions of origins"],
  didafs_target_mappings_total: ["counter", "descriptors passed to origins for mapping"],
  didafs_target_mapped_bytes_total: ["counter", "bytes of the regions whose descriptors were passed"],
  didafs_target_connections: ["gauge", "data connections"],
  didafs_target_operations_total: ["counter", "commands carried out by data-plane workers"],
  didafs_target_command_seconds: [
    "histogram",
    "from the step that received a command until its answer was handed over, at the worker",
  ],
  didafs_target_flush_seconds: ["histogram", "from a stable flush until the sync that serves it was done"],
  didafs_target_received_bytes_total: ["counter", "bytes that came on data connections, by transport"],
  didafs_target_sent_bytes_total: ["counter", "bytes that left on data connections, by transport"],
  didafs_target_refused_total: [
    "counter",
    "commands refused: rights, range, a handle or region that is gone",
  ],
  didafs_target_protocol_errors_total: ["counter", "data connections that sent what no DiDAFS sends"],
  didafs_target_locks: ["gauge", "locks that are held, and requests that wait for one, by state"],
  didafs_target_locks_granted_total: ["counter", "locks granted"],
  didafs_target_deadlocks_total: ["counter", "waits for locks that were ended because they formed a circle"],
  didafs_target_epochs: [
    "gauge",
    "epochs under way at workers, in doubt among them, and decisions not finished everywhere",
  ],
  didafs_target_epochs_total: ["counter", "epochs at workers, by outcome: committed, conflict or aborted"],
  didafs_target_epoch_log_bytes: ["gauge", "what the workers' logs of epochs hold"],
  didafs_target_notifications_total: [
    "counter",
    "notifications that had room in every queue that they matched",
  ],
  didafs_target_queues: ["gauge", "notification queues that are open"],
  didafs_target_notifications_waiting: ["gauge", "places in which notifications wait for room in a queue"],
  didafs_target_groups: [
    "gauge",
    "groups that are at home at the target, those that fill and those that have ended among them",
  ],
  didafs_target_group_members: ["gauge", "members of groups that wait for others"],
  didafs_target_syncs_total: ["counter", "syncs of regions asked of the drive"],
  didafs_target_failed_regions_total: ["counter", "regions taken out of service because their sync failed"],
} as const satisfies Record<string, readonly [type: "gauge" | "counter" | "histogram", help: string]>;

export type MetricName = keyof typeof METRICS;
type Labels = Readonly<Record<string, string>>;

/** One series: name (of a histogram with _bucket, _sum or _count), labels, value. */
export type Sample = readonly [name: string, labels: Labels, value: number];

/** What comes from another process is checked. */
export const Samples = v.pipe(
  v.array(v.tuple([v.string(), v.record(v.string(), v.string()), v.number()])),
  v.maxLength(10_000),
);

export function sample(name: MetricName, value: number, labels: Labels = {}): Sample {
  return [name, labels, value];
}

export function histogramSamples(
  name: MetricName,
  histogram: Pick<Histogram, "bounds" | "sum" | "cumulative">,
  labels: Labels = {},
): Sample[] {
  const counts = histogram.cumulative();
  const buckets = counts.map((count, at): Sample => {
    const le = at < histogram.bounds.length ? String(histogram.bounds[at]) : "+Inf";
    return [`${name}_bucket`, { ...labels, le }, count];
  });
  return [
    ...buckets,
    [`${name}_sum`, labels, histogram.sum],
    [`${name}_count`, labels, counts.at(-1) as number],
  ];
}

/** The text that Prometheus reads. Source: its exposition formats, text format 0.0.4. */
export function metricsText(samples: readonly Sample[]): string {
  const families = new Map<string, Sample[]>();
  for (const one of samples) {
    const family = familyOf(one[0]);
    if (family === undefined) continue;
    const known = families.get(family);
    if (known === undefined) families.set(family, [one]);
    else known.push(one);
  }
  let text = "";
  for (const [name, [type, help]] of Object.entries(METRICS)) {
    const series = families.get(name);
    if (series === undefined) continue;
    text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    for (const [full, labels, value] of series) text += `${full}${labelText(labels)} ${value}\n`;
  }
  return text;
}

function familyOf(name: string): string | undefined {
  if (Object.hasOwn(METRICS, name)) return name;
  const family = name.replace(/_(bucket|sum|count)$/, "");
  return Object.hasOwn(METRICS, family) && METRICS[family as MetricName][0] === "histogram"
    ? family
    : undefined;
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

/** The table as it stands in the documentation. */
export function metricsTable(): string {
  const rows = Object.entries(METRICS).map(([name, [type, help]]) => `| \`${name}\` | ${type} | ${help} |`);
  return ["| metric | type | what |", "|---|---|---|", ...rows].join("\n");
}
