import type { Stat } from "../../client/api.ts";
import { parseClusterPath, showClusterPath } from "../cluster-path.ts";
import { type Context, print, printJson, withCluster } from "../context.ts";
import { forEach } from "../failure.ts";
import { formatBytes, formatMode } from "../format.ts";
import { printable } from "../printable.ts";

export async function run(context: Context, args: readonly string[]): Promise<void> {
  const paths = args.map(parseClusterPath);
  await withCluster(context, async (cluster, call) => {
    const found: ({ path: string } & Stat)[] = [];
    try {
      await forEach(paths, async (path) => void found.push({ path, ...(await cluster.stat(path, call)) }));
    } finally {
      if (!context.global.json) for (const { path, ...stat } of found) print(describe(path, stat));
      else if (found.length > 0) printJson(paths.length === 1 ? found[0] : found);
    }
  });
}

function describe(path: string, { type, size, mode, mtimeMs, layout }: Stat): string {
  const lines = [
    `path      ${printable(showClusterPath(path))}`,
    `type      ${type}`,
    ...(type === "file" ? [`size      ${size} (${formatBytes(size)})`] : []),
    `mode      ${formatMode(type, mode)} (0${(mode & 0o7777).toString(8)})`,
    `modified  ${new Date(mtimeMs).toISOString()}`,
  ];
  if (layout !== undefined) {
    lines.push(`stripes   ${formatBytes(layout.stripeUnit)} over ${layout.regions.length} target(s)`);
    for (const [index, { target, drive }] of layout.regions.entries()) {
      lines.push(`region ${index}  ${drive} drive of target ${target}`);
    }
  }
  return lines.join("\n");
}
