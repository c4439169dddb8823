import type { MetaService } from "../meta/service.ts";
import { type Latency, latencyBucketMs } from "../structs/latency.ts";
import type { TargetControl } from "../target/control.ts";
import type { MeteredEngine } from "./metered-engine.ts";
import { histogramSamples, type MetricName, type Sample, sample } from "./metrics.ts";

export function metaSamples({ calls, channelCount }: MetaService, engine: MeteredEngine): Sample[] {
  const { outcomes, durations } = calls;
  return [
    ...[...outcomes].flatMap(([method, counts]) =>
      [...counts].map(([outcome, count]) => sample("didafs_meta_calls_total", count, { method, outcome })),
    ),
    ...[...durations].flatMap(([method, seconds]) =>
      histogramSamples("didafs_meta_call_seconds", seconds, { method }),
    ),
    ...histogramSamples("didafs_meta_commit_seconds", engine.commits),
    ...[...engine.failures].map(([code, count]) =>
      sample("didafs_meta_commit_failures_total", count, { code }),
    ),
    sample("didafs_meta_channels", channelCount),
  ];
}

/** What a target's counters are called outside. */
const COUNTED: Readonly<Record<string, readonly [MetricName, labels?: Readonly<Record<string, string>>]>> = {
  operations: ["didafs_target_operations_total"],
  tcpBytesIn: ["didafs_target_received_bytes_total", { transport: "tcp" }],
  unixBytesIn: ["didafs_target_received_bytes_total", { transport: "unix" }],
  tcpBytesOut: ["didafs_target_sent_bytes_total", { transport: "tcp" }],
  unixBytesOut: ["didafs_target_sent_bytes_total", { transport: "unix" }],
  refused: ["didafs_target_refused_total"],
  protocolErrors: ["didafs_target_protocol_errors_total"],
  syncs: ["didafs_target_syncs_total"],
  connections: ["didafs_target_connections"],
  locksHeld: ["didafs_target_locks", { state: "held" }],
  locksWaiting: ["didafs_target_locks", { state: "waiting" }],
  locksGranted: ["didafs_target_locks_granted_total"],
  deadlocks: ["didafs_target_deadlocks_total"],
  epochsCommitted: ["didafs_target_epochs_total", { outcome: "committed" }],
  epochConflicts: ["didafs_target_epochs_total", { outcome: "conflict" }],
  epochsAborted: ["didafs_target_epochs_total", { outcome: "aborted" }],
  epochsUnderWay: ["didafs_target_epochs"],
  epochLogBytes: ["didafs_target_epoch_log_bytes"],
  notified: ["didafs_target_notifications_total"],
  queues: ["didafs_target_queues"],
  notificationsWaiting: ["didafs_target_notifications_waiting"],
  groups: ["didafs_target_groups"],
  groupsWaiting: ["didafs_target_group_members"],
  mappings: ["didafs_target_mappings_total"],
  mappedBytes: ["didafs_target_mapped_bytes_total"],
};

/** The buckets that a scrape is told: from 1 us on each is four times the one before, to 4 s. */
const TOLD_BUCKETS = Array.from({ length: 12 }, (_, at) => 16 + 32 * at);

/** The fine buckets of a latency in few. */
function coarse({ sumMs, counts }: Latency): Parameters<typeof histogramSamples>[1] {
  const below = (end: number): number => counts.subarray(0, end).reduce((sum, count) => sum + count, 0);
  return {
    bounds: TOLD_BUCKETS.map((bucket) => latencyBucketMs(bucket) / 1000),
    sum: sumMs / 1000,
    cumulative: () => [...TOLD_BUCKETS, counts.length].map(below),
  };
}

export function targetSamples(control: TargetControl): Sample[] {
  const { totalBytes, freeBytes, regions, sessions, counters } = control.report();
  const { commands, flushes } = control.latencies();
  return [
    sample("didafs_target_registered", control.registered ? 1 : 0),
    sample("didafs_target_capacity_bytes", totalBytes),
    sample("didafs_target_free_bytes", freeBytes),
    sample("didafs_target_regions", regions),
    sample("didafs_target_sessions", sessions),
    sample("didafs_target_failed_regions_total", control.failedRegionCount),
    ...histogramSamples("didafs_target_command_seconds", coarse(commands)),
    ...histogramSamples("didafs_target_flush_seconds", coarse(flushes)),
    ...Object.entries(counters).flatMap(([name, value]) => {
      const known = COUNTED[name];
      return known === undefined ? [] : [sample(known[0], value, known[1])];
    }),
  ];
}
