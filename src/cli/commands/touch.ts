import type { CallOptions, Cluster } from "../../client/api.ts";
import { isDidafsError } from "../../std/errors.ts";
import { parseClusterPath } from "../cluster-path.ts";
import { type Context, withCluster } from "../context.ts";
import { forEach } from "../failure.ts";

interface TouchOptions {
  /** False with --no-create. */
  readonly create: boolean;
  readonly date?: number;
  readonly stamp?: number;
}

export async function run(context: Context, args: readonly string[], options: TouchOptions): Promise<void> {
  const paths = args.map(parseClusterPath);
  const time = options.stamp ?? options.date ?? Date.now();
  await withCluster(context, (cluster, call) =>
    forEach(paths, async (path) => {
      const times = { atimeMs: time, mtimeMs: time };
      try {
        await cluster.setAttributes(path, times, call);
      } catch (error) {
        if (!isDidafsError(error, "ENOENT")) throw error;
        if (!options.create) return;
        await make(cluster, path, call);
        await cluster.setAttributes(path, times, call);
      }
    }),
  );
}

async function make(cluster: Cluster, path: string, call: CallOptions): Promise<void> {
  await using _file = await cluster.open(path, { ...call, create: true });
}
