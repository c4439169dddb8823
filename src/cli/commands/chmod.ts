import { parseClusterPath } from "../cluster-path.ts";
import { type Context, withCluster } from "../context.ts";
import { forEach } from "../failure.ts";
import { parseModeChange } from "../mode-change.ts";

export async function run(context: Context, args: readonly string[]): Promise<void> {
  const [text = "", ...names] = args;
  const change = parseModeChange(text);
  const paths = names.map(parseClusterPath);
  await withCluster(context, (cluster, call) =>
    forEach(paths, async (path) => {
      const { mode, type } = await cluster.stat(path, call);
      await cluster.setAttributes(path, { mode: change(mode, type === "directory") }, call);
    }),
  );
}
