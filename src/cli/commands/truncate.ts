import type { CallOptions, Cluster, DidafsFile } from "../../client/api.ts";
import { DidafsError, isDidafsError } from "../../std/errors.ts";
import { parseClusterPath, showClusterPath } from "../cluster-path.ts";
import { type Context, withCluster } from "../context.ts";
import { forEach } from "../failure.ts";
import type { SizeChange } from "../options.ts";

export async function run(
  context: Context,
  args: readonly string[],
  options: { readonly size: SizeChange; readonly create: boolean },
): Promise<void> {
  const paths = args.map(parseClusterPath);
  await withCluster(context, (cluster, call) =>
    forEach(paths, async (path) => {
      const file = await openIfWanted(cluster, path, options.create, call);
      if (file === undefined) return;
      await using _closing = file;
      const size = options.size(file.size);
      if (!Number.isSafeInteger(size)) {
        const message = `${showClusterPath(path)} cannot have ${size} bytes`;
        throw new DidafsError("ERR_INVALID_ARGUMENT", message, { path });
      }
      await file.resize(size, call);
    }),
  );
}

/** undefined where there is no file and none is to be made. */
async function openIfWanted(
  cluster: Cluster,
  path: string,
  create: boolean,
  call: CallOptions,
): Promise<DidafsFile | undefined> {
  try {
    return await cluster.open(path, { ...call, create });
  } catch (error) {
    if (!create && isDidafsError(error, "ENOENT")) return undefined;
    throw error;
  }
}
