import { parseClusterPath } from "../cluster-path.ts";
import { type Context, print, printJson, withCluster } from "../context.ts";
import { forEach } from "../failure.ts";
import { printable } from "../printable.ts";

export async function run(context: Context, args: readonly string[]): Promise<void> {
  const paths = args.map(parseClusterPath);
  const found: { path: string; target: string }[] = [];
  try {
    await withCluster(context, (cluster, call) =>
      forEach(paths, async (path) => void found.push({ path, target: await cluster.readlink(path, call) })),
    );
  } finally {
    if (!context.global.json) for (const { target } of found) print(printable(target));
    else if (found.length > 0) printJson(paths.length === 1 ? found[0] : found);
  }
}
