import { DidafsError, isDidafsError } from "../../std/errors.ts";
import { parseClusterPath, showClusterPath } from "../cluster-path.ts";
import { type Context, withCluster } from "../context.ts";
import { forEach } from "../failure.ts";

interface RmOptions {
  readonly recursive?: boolean;
  readonly force?: boolean;
}

export async function run(context: Context, args: readonly string[], options: RmOptions): Promise<void> {
  const paths = args.map(parseClusterPath);
  if (paths.includes("/"))
    throw new DidafsError("ERR_INVALID_ARGUMENT", "the root directory cannot be removed");
  const recursive = options.recursive === true;
  await withCluster(context, async (cluster, call) => {
    await forEach(paths, async (path) => {
      try {
        const { type } = await cluster.stat(path, { ...call, follow: false });
        if (type === "directory" && !recursive) {
          throw new DidafsError("EISDIR", `${showClusterPath(path)} is a directory`, { path });
        }
        await cluster.remove(path, { ...call, recursive });
      } catch (error) {
        if (!(options.force && isDidafsError(error, "ENOENT"))) throw error;
      }
    });
  });
}
