import type { CallOptions, Cluster, FileType } from "../../client/api.ts";
import { childPath } from "../../client/child-path.ts";
import { isDidafsError } from "../../std/errors.ts";
import { parseClusterPath, showClusterPath } from "../cluster-path.ts";
import { type Context, print, printJson, withCluster } from "../context.ts";
import { labelled, noteFailure, throwNoted } from "../failure.ts";
import { printable } from "../printable.ts";

interface Branch {
  readonly name: string;
  readonly type: FileType;
  /** Of a symbolic link: what it says. */
  readonly target?: string;
  /** Of a directory, unless it is deeper than was asked for. */
  readonly children?: readonly Branch[];
}

interface Counts {
  directories: number;
  files: number;
}

export async function run(
  context: Context,
  args: readonly string[],
  { depth = Number.POSITIVE_INFINITY }: { readonly depth?: number },
): Promise<void> {
  const path = parseClusterPath(args[0] ?? "/");
  const failures: unknown[] = [];
  const { type, children } = await withCluster(context, async (cluster, call) => {
    const stat = await cluster.stat(path, call);
    const grown = stat.type === "directory" ? await grow(cluster, path, depth, call, failures) : [];
    return { type: stat.type, children: grown };
  });
  const counts: Counts = { directories: 0, files: 0 };
  count(children, counts);
  if (context.global.json) printJson({ path, type, ...counts, children });
  else {
    const { directories, files } = counts;
    const lines = [
      showClusterPath(path),
      ...drawing(children, ""),
      "",
      `${directories} directories, ${files} files`,
    ];
    print(lines.map(printable).join("\n"));
  }
  throwNoted(failures);
}

async function grow(
  cluster: Cluster,
  directory: string,
  depth: number,
  call: CallOptions,
  failures: unknown[],
): Promise<Branch[]> {
  const branches: Branch[] = [];
  try {
    for await (const { name, type } of cluster.readdir(directory, call)) {
      const path = childPath(directory, name);
      if (type === "symlink") branches.push({ name, type, ...(await linkTarget(cluster, path, call)) });
      else if (type === "directory" && depth > 1) {
        branches.push({ name, type, children: await grow(cluster, path, depth - 1, call, failures) });
      } else branches.push({ name, type });
    }
  } catch (error) {
    noteFailure(failures, labelled(showClusterPath(directory), error));
  }
  return branches;
}

/** Nothing, when it has been removed since it was listed. */
async function linkTarget(cluster: Cluster, path: string, call: CallOptions): Promise<{ target?: string }> {
  try {
    return { target: await cluster.readlink(path, call) };
  } catch (error) {
    if (isDidafsError(error, "ENOENT", "EINVAL")) return {};
    throw error;
  }
}

function count(branches: readonly Branch[], counts: Counts): void {
  for (const { type, children = [] } of branches) {
    if (type === "directory") counts.directories += 1;
    else counts.files += 1;
    count(children, counts);
  }
}

function drawing(branches: readonly Branch[], indent: string): string[] {
  return branches.flatMap(({ name, target, children = [] }, at) => {
    const last = at === branches.length - 1;
    const line = `${indent}${last ? "└── " : "├── "}${name}${target === undefined ? "" : ` -> ${target}`}`;
    return [line, ...drawing(children, `${indent}${last ? "    " : "│   "}`)];
  });
}
