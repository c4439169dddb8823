import { addAbortSignal } from "node:stream";
import { buffer } from "node:stream/consumers";
import { textToBytes } from "../../std/byte-text.ts";
import { parseClusterPath } from "../cluster-path.ts";
import { type CommandModule, type Context, print, printJson, withCluster } from "../context.ts";
import { forEach } from "../failure.ts";
import { writeOutput } from "../output.ts";
import { printable } from "../printable.ts";

interface Dereference {
  /** False with --no-dereference. */
  readonly dereference: boolean;
}

interface SetOptions extends Dereference {
  readonly create?: boolean;
  readonly replace?: boolean;
}

export const get: CommandModule<Dereference> = {
  async run(context, [name = "", path = ""], { dereference: follow }) {
    const file = parseClusterPath(path);
    const value = await withCluster(context, (cluster, call) =>
      cluster.getXattr(file, name, { ...call, follow }),
    );
    if (context.global.json) {
      printJson({ path: file, name, base64: Buffer.from(value).toString("base64") });
    } else {
      await writeOutput(value);
      if (process.stdout.isTTY) print("");
    }
  },
};

export const set: CommandModule<SetOptions> = {
  async run(context, [name = "", text = "", path = ""], { dereference: follow, create, replace }) {
    const file = parseClusterPath(path);
    const value = text === "-" ? await standardInput(context) : (textToBytes(text) ?? Buffer.from(text));
    const mode = create ? "create" : replace ? "replace" : "set";
    await withCluster(context, (cluster, call) =>
      cluster.setXattr(file, name, value, { ...call, follow, mode }),
    );
  },
};

export const list: CommandModule<Dereference> = {
  async run(context, [path = ""], { dereference: follow }) {
    const file = parseClusterPath(path);
    const names = await withCluster(context, (cluster, call) =>
      cluster.listXattrs(file, { ...call, follow }),
    );
    if (context.global.json) printJson(names);
    else for (const name of names) print(printable(name));
  },
};

export const rm: CommandModule<Dereference> = {
  async run(context, [name = "", ...paths], { dereference: follow }) {
    const files = paths.map(parseClusterPath);
    await withCluster(context, (cluster, call) =>
      forEach(files, (file) => cluster.removeXattr(file, name, { ...call, follow })),
    );
  },
};

async function standardInput({ signal }: Context): Promise<Uint8Array> {
  return await buffer(addAbortSignal(signal, process.stdin));
}
