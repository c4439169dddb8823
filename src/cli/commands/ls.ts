import type { CallOptions, Cluster, Dirent, Stat } from "../../client/api.ts";
import { parseClusterPath } from "../cluster-path.ts";
import { type Context, print, printJson, withCluster } from "../context.ts";
import { formatMode, formatTable, formatTime } from "../format.ts";
import { mapInOrder } from "../map-in-order.ts";
import { printable } from "../printable.ts";

const STATS_IN_FLIGHT = 16;

interface Row extends Partial<Omit<Stat, "type">> {
  readonly name: string;
  readonly type: Dirent["type"];
}

export async function run(
  context: Context,
  args: readonly string[],
  options: { long?: boolean },
): Promise<void> {
  const path = parseClusterPath(args[0] ?? "/");
  const rows = await withCluster(context, (cluster, call) =>
    collect(cluster, path, options.long === true, call),
  );
  if (context.global.json) printJson(rows);
  else if (rows.length > 0)
    print(options.long ? longList(rows) : rows.map(({ name }) => printable(name)).join("\n"));
}

async function collect(cluster: Cluster, path: string, long: boolean, call: CallOptions): Promise<Row[]> {
  const stat = await cluster.stat(path, call);
  if (stat.type !== "directory") return [{ name: path, ...(long ? stat : { type: stat.type }) }];
  const base = path === "/" ? "" : path;
  const rows: Row[] = [];
  const statOf = async ({ name, type }: Dirent): Promise<Row> => ({
    name,
    type,
    ...(long ? await cluster.stat(`${base}/${name}`, call) : {}),
  });
  for await (const row of mapInOrder(cluster.readdir(path, call), long ? STATS_IN_FLIGHT : 1, statOf))
    rows.push(row);
  return rows;
}

function longList(rows: readonly Row[]): string {
  const cells = rows.map(({ name, type, mode = 0, size = 0, mtimeMs = 0 }) => [
    formatMode(type, mode),
    String(size),
    formatTime(mtimeMs),
    printable(name),
  ]);
  return formatTable(cells, new Set([1]));
}
