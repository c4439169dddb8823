import type { StatFs } from "../../client/api.ts";
import { type Context, print, printJson, withCluster } from "../context.ts";
import { formatBytes, formatTable } from "../format.ts";

interface Row {
  readonly name: string;
  readonly drive: string;
  readonly state: string;
  readonly medium?: string | undefined;
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly freeBytes: number;
}

export async function run(
  context: Context,
  _args: readonly string[],
  options: { readonly bytes?: boolean },
): Promise<void> {
  await withCluster(context, async (cluster, call) => {
    const [statfs, status] = await Promise.all([cluster.statfs(call), cluster.status(call)]);
    const targets = status.targets.map(({ name, drive, state, medium, totalBytes, freeBytes }) => {
      return { name, drive, state, medium, totalBytes, usedBytes: totalBytes - freeBytes, freeBytes };
    });
    if (context.global.json) printJson({ ...statfs, targets });
    else print(describe(statfs, targets, options.bytes ? String : formatBytes));
  });
}

function describe(
  { totalBytes, freeBytes, inodes }: StatFs,
  targets: readonly Row[],
  show: (bytes: number) => string,
): string {
  const sizes = (total: number, free: number): string[] => {
    const used = total - free;
    const share = total === 0 ? "-" : `${Math.ceil((used / total) * 100)}%`;
    return [show(total), show(used), show(free), share];
  };
  const rows = targets.map(({ name, drive, state, ...target }) => [
    state === "up" ? name : `${name} (${state})`,
    drive,
    ...sizes(target.totalBytes, target.freeBytes),
  ]);
  const head = ["TARGET", "DRIVE", "SIZE", "USED", "AVAIL", "USE%"];
  const all = ["all that are up", "", ...sizes(totalBytes, freeBytes)];
  const table = formatTable([head, ...rows, all], new Set([2, 3, 4, 5]));
  return [table, ...sharedText(targets), `${inodes} files, directories and links`].join("\n");
}

/** Says which targets have their room in common, where there are such. */
function sharedText(targets: readonly Row[]): string[] {
  const up = targets.filter(({ state, medium }) => state === "up" && medium !== undefined);
  const groups = Object.values(Object.groupBy(up, ({ medium }) => medium as string));
  return groups.flatMap((group = []) => {
    if (group.length === 1) return [];
    const names = new Intl.ListFormat("en").format(group.map(({ name }) => name));
    return [`${names} share one ${group[0]?.drive === "file" ? "file system" : "memory"}, which counts once`];
  });
}
