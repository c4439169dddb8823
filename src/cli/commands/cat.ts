import { parseClusterPath } from "../cluster-path.ts";
import { type Context, withCluster } from "../context.ts";
import { openSource } from "../copy/cluster-tree.ts";
import { writeOut } from "../copy/streams.ts";

export async function run(context: Context, args: readonly string[]): Promise<void> {
  const paths = args.map(parseClusterPath);
  await withCluster(context, async (cluster, call) => {
    for (const path of paths) await writeOut(await openSource(cluster, path, call), context.signal);
  });
}
