import type { CallOptions, Cluster, Dirent, Stat } from "../../client/api.ts";
import { childPath } from "../../client/child-path.ts";
import { isDidafsError } from "../../std/errors.ts";
import { parseClusterPath, showClusterPath } from "../cluster-path.ts";
import { type Context, print, printJson, withCluster } from "../context.ts";
import { forEach } from "../failure.ts";
import { formatMode, formatTable, formatTime } from "../format.ts";
import { mapInOrder } from "../map-in-order.ts";
import { groupName, userName } from "../owner.ts";
import { printable } from "../printable.ts";

const STATS_IN_FLIGHT = 16;

interface Row extends Partial<Omit<Stat, "type">> {
  readonly name: string;
  readonly type: Dirent["type"];
  /** Of a symbolic link: what it says. */
  readonly target?: string;
}

interface LsOptions {
  readonly long?: boolean;
  readonly directory?: boolean;
  readonly classify?: boolean;
}

export async function run(context: Context, args: readonly string[], options: LsOptions): Promise<void> {
  const paths = (args.length === 0 ? ["/"] : args).map(parseClusterPath);
  const lists: { readonly path: string; readonly entries: readonly Row[] }[] = [];
  try {
    await withCluster(context, (cluster, call) =>
      forEach(paths, async (path) => {
        lists.push({ path, entries: await collect(cluster, path, options, call) });
      }),
    );
  } finally {
    if (!context.global.json) show(lists, paths.length > 1, options);
    else if (paths.length > 1) printJson(lists);
    else if (lists[0] !== undefined) printJson(lists[0].entries);
  }
}

function show(
  lists: readonly { readonly path: string; readonly entries: readonly Row[] }[],
  several: boolean,
  options: LsOptions,
): void {
  const texts = lists.map(({ path, entries }) => {
    const lines = options.long
      ? longList(entries, options)
      : entries.map((row) => marked(row, options)).join("\n");
    // What is listed as itself says its path already.
    const itself = entries.length === 1 && entries[0]?.name === path;
    const head = several && !itself ? `${printable(showClusterPath(path))}:\n` : "";
    return `${head}${lines}`;
  });
  const text = texts.join(options.directory ? "\n" : "\n\n");
  if (text !== "") print(text);
}

async function collect(
  cluster: Cluster,
  path: string,
  { long, directory }: LsOptions,
  call: CallOptions,
): Promise<Row[]> {
  const rowOf = async (name: string, file: string, type: Row["type"]): Promise<Row> => {
    if (!long) return { name, type };
    const stat = await cluster.stat(file, { ...call, follow: false });
    const target = stat.type === "symlink" ? { target: await cluster.readlink(file, call) } : {};
    return { name, ...stat, ...target };
  };
  // As with ls(1), a link that is named stands for what it leads to, unless it is shown itself.
  const follow = !long && !directory;
  const { type } = await cluster.stat(path, { ...call, follow });
  const listed =
    type === "directory" ||
    (type === "symlink" && !directory && (await leadsToDirectory(cluster, path, call)));
  if (!listed || directory) return [await rowOf(path, path, type)];
  const rows: Row[] = [];
  const entries = mapInOrder(cluster.readdir(path, call), long ? STATS_IN_FLIGHT : 1, (entry) =>
    rowOf(entry.name, childPath(path, entry.name), entry.type).catch(unlessGone),
  );
  for await (const row of entries) if (row !== undefined) rows.push(row);
  return rows;
}

async function leadsToDirectory(cluster: Cluster, path: string, call: CallOptions): Promise<boolean> {
  try {
    return (await cluster.stat(path, call)).type === "directory";
  } catch (error) {
    if (isDidafsError(error, "ENOENT", "ELOOP")) return false;
    throw error;
  }
}

/** What was removed since it was listed is not there. */
function unlessGone(error: unknown): undefined {
  if (!isDidafsError(error, "ENOENT")) throw error;
}

const MARKS = { file: "", directory: "/", symlink: "@" };

function marked({ name, type }: Row, { classify }: LsOptions): string {
  return `${printable(name)}${classify ? MARKS[type] : ""}`;
}

function longList(rows: readonly Row[], options: LsOptions): string {
  const cells = rows.map((row) => {
    const { type, target, mode = 0, nlink = 0, uid = 0, gid = 0, size = 0, mtimeMs = 0 } = row;
    const name =
      target === undefined ? marked(row, options) : `${printable(row.name)} -> ${printable(target)}`;
    const owner = [printable(userName(uid)), printable(groupName(gid))];
    return [formatMode(type, mode), String(nlink), ...owner, String(size), formatTime(mtimeMs), name];
  });
  return formatTable(cells, new Set([1, 4]));
}
