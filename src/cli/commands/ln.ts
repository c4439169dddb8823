import path from "node:path";
import type { CallOptions, Cluster } from "../../client/api.ts";
import { childPath } from "../../client/child-path.ts";
import { isDidafsError } from "../../std/errors.ts";
import { parseClusterPath } from "../cluster-path.ts";
import { type Context, withCluster } from "../context.ts";
import { inPlaceOf } from "../copy/cluster-tree.ts";

interface LnOptions {
  readonly symbolic?: boolean;
  readonly force?: boolean;
}

export async function run(context: Context, args: readonly string[], options: LnOptions): Promise<void> {
  const [target = "", named = ""] = args;
  const existing = options.symbolic ? linkText(target) : parseClusterPath(target);
  await withCluster(context, async (cluster, call) => {
    const name = await nameOfLink(cluster, parseClusterPath(named), existing, call);
    const make = (at: string): Promise<void> =>
      options.symbolic ? cluster.symlink(existing, at, call) : cluster.link(existing, at, call);
    if (options.force) await inPlaceOf(cluster, name, make, call);
    else await make(name);
  });
}

/** What a symbolic link is to say: as it was written, but for the colon of a cluster's path. */
function linkText(target: string): string {
  return target.startsWith(":/") ? target.slice(1) : target;
}

/** In a directory, a link has the last name of what it leads to. */
async function nameOfLink(
  cluster: Cluster,
  named: string,
  existing: string,
  call: CallOptions,
): Promise<string> {
  try {
    const { type } = await cluster.stat(named, call);
    return type === "directory" ? childPath(named, path.posix.basename(existing)) : named;
  } catch (error) {
    if (isDidafsError(error, "ENOENT")) return named;
    throw error;
  }
}
