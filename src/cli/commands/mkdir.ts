import { parseClusterPath } from "../cluster-path.ts";
import { type Context, withCluster } from "../context.ts";

export async function run(
  context: Context,
  args: readonly string[],
  options: { parents?: boolean },
): Promise<void> {
  const paths = args.map(parseClusterPath);
  await withCluster(context, async (cluster, call) => {
    for (const path of paths) await cluster.mkdir(path, { ...call, recursive: options.parents === true });
  });
}
