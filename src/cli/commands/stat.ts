import type { Stat } from "../../client/api.ts";
import { parseClusterPath, showClusterPath } from "../cluster-path.ts";
import { type Context, print, printJson, withCluster } from "../context.ts";
import { forEach } from "../failure.ts";
import { formatBytes, formatMode } from "../format.ts";
import { groupName, userName } from "../owner.ts";
import { printable } from "../printable.ts";

interface Found extends Stat {
  readonly path: string;
  /** Of a symbolic link: what it says. */
  readonly target?: string;
}

export async function run(
  context: Context,
  args: readonly string[],
  { dereference: follow = false }: { readonly dereference?: boolean },
): Promise<void> {
  const paths = args.map(parseClusterPath);
  await withCluster(context, async (cluster, call) => {
    const found: Found[] = [];
    try {
      await forEach(paths, async (path) => {
        const stat = await cluster.stat(path, { ...call, follow });
        const target = stat.type === "symlink" ? { target: await cluster.readlink(path, call) } : {};
        found.push({ path, ...stat, ...target });
      });
    } finally {
      if (!context.global.json) for (const one of found) print(describe(one));
      else if (found.length > 0) printJson(paths.length === 1 ? found[0] : found);
    }
  });
}

function describe({ path, type, target, size, mode, layout, ...stat }: Found): string {
  const lines = [
    `path      ${printable(showClusterPath(path))}${target === undefined ? "" : ` -> ${printable(target)}`}`,
    `type      ${type}`,
    ...(type === "directory" ? [] : [`size      ${size} (${formatBytes(size)})`]),
    `mode      ${formatMode(type, mode)} (0${(mode & 0o7777).toString(8)})`,
    `owner     ${who(userName, stat.uid)}, group ${who(groupName, stat.gid)}`,
    `inode     ${stat.inode}, with ${stat.nlink} name(s)`,
    `accessed  ${new Date(stat.atimeMs).toISOString()}`,
    `modified  ${new Date(stat.mtimeMs).toISOString()}`,
    `changed   ${new Date(stat.ctimeMs).toISOString()}`,
    `made      ${new Date(stat.birthtimeMs).toISOString()}`,
  ];
  if (layout !== undefined) {
    lines.push(`stripes   ${formatBytes(layout.stripeUnit)} over ${layout.regions.length} target(s)`);
    for (const [index, { target: place, drive }] of layout.regions.entries()) {
      lines.push(`region ${index}  ${drive} drive of target ${place}`);
    }
  }
  return lines.join("\n");
}

/** `1000 (alice)`, or the number alone where nobody has it. */
function who(nameOf: (id: number) => string, id: number): string {
  const name = printable(nameOf(id));
  return name === String(id) ? name : `${id} (${name})`;
}
