import { startCluster } from "../../runtime/cluster.ts";
import { defaultDataDirectory, defaultUrl } from "../../runtime/paths.ts";
import { readRunRecord } from "../../runtime/run-file.ts";
import { type Context, print, printJson, warn } from "../context.ts";
import { type ServingCluster, startDetached } from "../detached-supervisor.ts";
import { untilAborted } from "../until-aborted.ts";
import { clusterOptions, planUp, type UpOptions } from "../up-plan.ts";

export async function run(context: Context, _args: readonly string[], options: UpOptions): Promise<void> {
  const { global, signal } = context;
  const plan = planUp(global, options);
  const tell = (serving: ServingCluster): void => {
    if (global.json) printJson(serving);
    else print(describe(serving, options.foreground === true));
  };
  if (!options.foreground) {
    tell(await startDetached(plan, signal));
    return;
  }
  const cluster = await startCluster({ ...clusterOptions(plan), signal, onLog: warn });
  const { url, id, dir, targets, drive, metricsUrl } = cluster;
  tell({ url, id, dir, targets, drive, pid: process.pid, ...(metricsUrl && { metricsUrl }) });
  await untilAborted(signal);
  await cluster.stop();
}

function describe(
  { url, dir, targets, drive, pid, metricsUrl }: ServingCluster,
  foreground: boolean,
): string {
  const down = dir === defaultDataDirectory() ? "didafs down" : `didafs down --data ${dir}`;
  // A full drive has no room for the record that it finds the supervisor by.
  const isFindable = readRunRecord(dir)?.pid === pid;
  const stop = isFindable ? down : `kill ${pid} (or ${down}, once the drive has room again)`;
  const lines = [
    `serving ${url}`,
    `  data     ${dir}`,
    `  targets  ${targets} (${drive})`,
    ...(metricsUrl === undefined ? [] : [`  metrics  ${metricsUrl}/metrics`]),
    `  stop     ${foreground ? "Ctrl-C" : stop}`,
  ];
  if (url !== defaultUrl()) lines.push(`  use it   export DIDAFS_URL=${url}`);
  return lines.join("\n");
}
