import path from "node:path";
import { DidafsError } from "../../std/errors.ts";
import { parseClusterPath, parsePlace } from "../cluster-path.ts";
import { type Context, printJson, withCluster } from "../context.ts";
import { Budget } from "../copy/budget.ts";
import { openSource } from "../copy/cluster-tree.ts";
import { copyFile } from "../copy/copy-file.ts";
import { localTree } from "../copy/local-tree.ts";
import { writeOut } from "../copy/streams.ts";

interface GetOptions {
  readonly at?: number;
  readonly length?: number;
}

const MEMORY_BYTES = 16 * 2 ** 20;

export async function run(context: Context, args: readonly string[], options: GetOptions): Promise<void> {
  const [from = "", to = "-"] = args;
  const name = parseClusterPath(from);
  const place = parsePlace(to);
  const { signal } = context;
  if (place.kind === "cluster") throw usage("get writes to a local file, or to - for standard output");
  if (place.kind === "stream" && context.global.json) throw usage("--json needs a local file to write to");
  await withCluster(context, async (cluster, call) => {
    const open = () => openSource(cluster, name, call, options);
    if (place.kind === "stream") {
      await writeOut(await open(), signal);
      return;
    }
    const into = (await localTree.stat(place.path, true))?.type === "directory";
    const file = into ? path.join(place.path, path.posix.basename(name)) : place.path;
    const settings = { verify: false, signal, budget: new Budget(MEMORY_BYTES), onBytes: () => {} };
    const bytes = await copyFile(
      open,
      ({ size, mode }) => localTree.openSink(file, { size, mode }),
      settings,
    );
    if (context.global.json) printJson({ path: name, at: options.at ?? 0, bytes, file });
  });
}

function usage(message: string): DidafsError {
  return new DidafsError("ERR_INVALID_ARGUMENT", message);
}
