import path from "node:path";
import type { CallOptions, Cluster, FileType } from "../../client/api.ts";
import { DidafsError, isDidafsError } from "../../std/errors.ts";
import { parseClusterPath, showClusterPath } from "../cluster-path.ts";
import { type Context, withCluster } from "../context.ts";
import { forEach } from "../failure.ts";

export async function run(context: Context, args: readonly string[]): Promise<void> {
  const last = args.at(-1);
  if (args.length < 2 || last === undefined) {
    throw new DidafsError("ERR_INVALID_ARGUMENT", "mv takes at least one source and a destination");
  }
  const sources = args.slice(0, -1).map(parseClusterPath);
  const destination = parseClusterPath(last);
  await withCluster(context, async (cluster, call) => {
    const type = await typeOf(cluster, destination, call);
    const into = type === "directory";
    if (!into && (sources.length > 1 || last.endsWith("/"))) {
      const shown = showClusterPath(destination);
      throw type === undefined
        ? new DidafsError("ENOENT", `there is no directory ${shown} to move into; make it first`, {
            path: destination,
          })
        : new DidafsError("ENOTDIR", `${shown} is no directory`, { path: destination });
    }
    await forEach(sources, async (source) => {
      const to = into ? path.posix.join(destination, path.posix.basename(source)) : destination;
      await cluster.rename(source, to, call);
    });
  });
}

async function typeOf(
  cluster: Cluster,
  clusterPath: string,
  call: CallOptions,
): Promise<FileType | undefined> {
  try {
    return (await cluster.stat(clusterPath, call)).type;
  } catch (error) {
    if (isDidafsError(error, "ENOENT")) return undefined;
    throw error;
  }
}
