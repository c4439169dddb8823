import { parseClusterPath } from "../cluster-path.ts";
import { type Context, withCluster } from "../context.ts";
import { forEach } from "../failure.ts";
import { parseOwner } from "../owner.ts";

export async function run(
  context: Context,
  args: readonly string[],
  { dereference }: { readonly dereference: boolean },
): Promise<void> {
  const [text = "", ...names] = args;
  const owner = parseOwner(text);
  const paths = names.map(parseClusterPath);
  await withCluster(context, (cluster, call) =>
    forEach(
      paths,
      async (path) => void (await cluster.setAttributes(path, owner, { ...call, follow: dereference })),
    ),
  );
}
