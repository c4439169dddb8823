import { parseClusterPath } from "../cluster-path.ts";
import { type Context, withCluster } from "../context.ts";
import { forEach } from "../failure.ts";

export async function run(context: Context, args: readonly string[]): Promise<void> {
  const paths = args.map(parseClusterPath);
  await withCluster(context, (cluster, call) => forEach(paths, (path) => cluster.revoke(path, call)));
}
