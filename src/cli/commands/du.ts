import type { CallOptions, Cluster, Dirent, Stat } from "../../client/api.ts";
import { childPath } from "../../client/child-path.ts";
import { isDidafsError } from "../../std/errors.ts";
import { parseClusterPath, showClusterPath } from "../cluster-path.ts";
import { type Context, print, printJson, withCluster } from "../context.ts";
import { labelled, noteFailure, throwNoted } from "../failure.ts";
import { formatBytes, formatTable } from "../format.ts";
import { mapInOrder } from "../map-in-order.ts";
import { printable } from "../printable.ts";

const STATS_IN_FLIGHT = 16;

interface DuOptions {
  readonly summarize?: boolean;
  readonly depth?: number;
  readonly bytes?: boolean;
}

interface Row {
  readonly path: string;
  readonly bytes: number;
  readonly files: number;
}

export async function run(context: Context, args: readonly string[], options: DuOptions): Promise<void> {
  const paths = (args.length === 0 ? ["/"] : args).map(parseClusterPath);
  const depth = options.summarize ? 0 : (options.depth ?? Number.POSITIVE_INFINITY);
  const rows: Row[] = [];
  const failures: unknown[] = [];
  await withCluster(context, async (cluster, call) => {
    const usage = new Usage(cluster, call, failures, (row) => void rows.push(row));
    for (const path of paths) await usage.of(path, depth);
  });
  const size = ({ bytes }: Row): string => (options.bytes ? String(bytes) : formatBytes(bytes));
  const cells = rows.map((row) => [size(row), printable(showClusterPath(row.path))]);
  if (context.global.json) printJson(rows);
  else if (rows.length > 0) print(formatTable(cells, new Set([0])));
  throwNoted(failures);
}

/** Sums up sizes of files. What has several names counts once, at the first name met. */
class Usage {
  readonly #cluster: Cluster;
  readonly #call: CallOptions;
  readonly #failures: unknown[];
  readonly #tell: (row: Row) => void;
  readonly #counted = new Set<number>();

  constructor(cluster: Cluster, call: CallOptions, failures: unknown[], tell: (row: Row) => void) {
    this.#cluster = cluster;
    this.#call = call;
    this.#failures = failures;
    this.#tell = tell;
  }

  async of(path: string, depth: number): Promise<void> {
    try {
      const stat = await this.#cluster.stat(path, { ...this.#call, follow: false });
      if (stat.type === "directory") await this.#directory(path, depth);
      else this.#tell({ path, bytes: this.#bytes(stat), files: 1 });
    } catch (error) {
      noteFailure(this.#failures, labelled(showClusterPath(path), error));
    }
  }

  /** @param depth levels of directories in it that are told */
  async #directory(path: string, depth: number): Promise<Row> {
    let [bytes, files] = [0, 0];
    try {
      const entries = await Array.fromAsync(this.#cluster.readdir(path, this.#call));
      const others = entries.filter(({ type }) => type !== "directory");
      const stats = mapInOrder(others, STATS_IN_FLIGHT, ({ name }) =>
        this.#statIfThere(childPath(path, name)),
      );
      for await (const stat of stats) {
        if (stat === undefined) continue;
        bytes += this.#bytes(stat);
        files += 1;
      }
      for (const { name } of entries.filter(isDirectory)) {
        const inside = await this.#directory(childPath(path, name), depth - 1);
        bytes += inside.bytes;
        files += inside.files;
      }
    } catch (error) {
      noteFailure(this.#failures, labelled(showClusterPath(path), error));
    }
    const row = { path, bytes, files };
    if (depth >= 0) this.#tell(row);
    return row;
  }

  #bytes({ inode, nlink, size }: Stat): number {
    if (nlink <= 1) return size;
    if (this.#counted.has(inode)) return 0;
    this.#counted.add(inode);
    return size;
  }

  /** undefined when it has been removed since it was listed. */
  async #statIfThere(path: string): Promise<Stat | undefined> {
    try {
      return await this.#cluster.stat(path, { ...this.#call, follow: false });
    } catch (error) {
      if (isDidafsError(error, "ENOENT")) return undefined;
      throw error;
    }
  }
}

function isDirectory({ type }: Dirent): boolean {
  return type === "directory";
}
