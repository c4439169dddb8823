import path from "node:path";
import { DidafsError } from "../../std/errors.ts";
import { labelled } from "../failure.ts";
import type { Source, Tree } from "./ends.ts";

/** One file to be copied. */
export interface Job {
  readonly from: string;
  readonly to: string;
  /** As far as it is known before the file is opened. */
  readonly size: number;
  open(): Promise<Source>;
  readonly tree: Tree;
  readonly destination: string;
}

/** A file or directory that the command line names. */
export interface Named {
  readonly tree: Tree;
  readonly path: string;
  /** Name that it gets in a directory that it is copied into; empty when only its contents are meant. */
  readonly base: string;
}

export interface PlanOptions {
  readonly recursive: boolean;
  /** The destination was written as a directory. */
  readonly intoDirectory: boolean;
  readonly openOther: (file: string) => Promise<Source>;
  /** Hears of what is left out: links that lead to no file, sockets and the like. */
  readonly onSkip: (name: string, why: string) => void;
  readonly onDirectory: () => void;
  /** Hears of a source that cannot be read. It may throw to end the plan. */
  readonly onFailure: (error: unknown) => void;
}

/** All files to be copied, as `cp` of POSIX understands its arguments. Makes the directories on its way. */
export async function* planCopies(
  sources: readonly Named[],
  destination: Pick<Named, "tree" | "path">,
  options: PlanOptions,
): AsyncGenerator<Job> {
  const { tree, path: place } = destination;
  const into = (await tree.stat(place))?.type === "directory";
  const needsDirectory = sources.length > 1 || (options.intoDirectory && !options.recursive);
  if (!into && needsDirectory) throw new DidafsError("ENOTDIR", `${tree.show(place)} is no directory`);
  for (const source of sources) {
    const to = into ? tree.join(place, source.base) : place;
    yield* walk(source, { tree, path: to }, options, true);
  }
}

async function* walk(
  source: Pick<Named, "tree" | "path">,
  destination: Pick<Named, "tree" | "path">,
  options: PlanOptions,
  named: boolean,
): AsyncGenerator<Job> {
  const { tree, path: file } = source;
  const job = (size: number, open: () => Promise<Source>): Job => {
    const { tree: toTree, path: to } = destination;
    return { from: tree.show(file), to: toTree.show(to), size, open, tree: toTree, destination: to };
  };
  try {
    const entry = await tree.stat(file);
    if (entry === undefined) throw new DidafsError("ENOENT", "no such file or directory");
    if (entry.type === "directory") yield* walkDirectory(source, destination, options);
    else if (entry.type === "file") {
      refuseSame(source, destination, false);
      yield job(entry.size, () => tree.openSource(file));
    } else if (named) yield job(0, () => options.openOther(file));
    else options.onSkip(tree.show(file), "neither a file nor a directory");
  } catch (error) {
    options.onFailure(labelled(tree.show(file), error));
  }
}

async function* walkDirectory(
  source: Pick<Named, "tree" | "path">,
  destination: Pick<Named, "tree" | "path">,
  options: PlanOptions,
): AsyncGenerator<Job> {
  const { tree, path: directory } = source;
  if (!options.recursive) throw new DidafsError("EISDIR", "it is a directory");
  refuseSame(source, destination, true);
  await destination.tree.makeDirectory(destination.path);
  options.onDirectory();
  for await (const { name, link } of tree.list(directory)) {
    const child = tree.join(directory, name);
    if (link && (await tree.stat(child).catch(() => undefined))?.type !== "file") {
      options.onSkip(tree.show(child), "a symbolic link that leads to no file");
      continue;
    }
    const to = destination.tree.join(destination.path, name);
    yield* walk({ tree, path: child }, { tree: destination.tree, path: to }, options, false);
  }
}

/** Only within one tree: a file onto itself, or a directory into itself, which would never end. */
function refuseSame(
  from: Pick<Named, "tree" | "path">,
  to: Pick<Named, "tree" | "path">,
  directory: boolean,
): void {
  if (from.tree.kind !== to.tree.kind) return;
  const inside = path.posix.relative(from.path, to.path);
  if (inside === "") throw new DidafsError("EINVAL", "source and destination are the same");
  if (directory && inside !== ".." && !inside.startsWith("../")) {
    throw new DidafsError("EINVAL", `a directory cannot be copied into itself (${to.tree.show(to.path)})`);
  }
}
