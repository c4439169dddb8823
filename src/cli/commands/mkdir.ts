import { parseClusterPath } from "../cluster-path.ts";
import { type Context, withCluster } from "../context.ts";
import { forEach } from "../failure.ts";

export async function run(
  context: Context,
  args: readonly string[],
  options: { parents?: boolean },
): Promise<void> {
  const paths = args.map(parseClusterPath);
  await withCluster(context, async (cluster, call) => {
    await forEach(paths, (path) => cluster.mkdir(path, { ...call, recursive: options.parents === true }));
  });
}
