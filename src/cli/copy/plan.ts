import path from "node:path";
import { DidafsError } from "../../std/errors.ts";
import { labelled } from "../failure.ts";
import type { Entry, Flow, Source, Tree } from "./ends.ts";

/** One file to be copied. */
export interface Job {
  readonly from: string;
  readonly to: string;
  /** As far as it is known before the file is opened. */
  readonly size: number;
  open(): Promise<Source | Flow>;
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
  /** Whether symbolic links stand for what they lead to: those that are named, and those in directories. */
  readonly follow: { readonly named: boolean; readonly inside: boolean };
  /** Copies keep mode, owner and times. */
  readonly preserve: boolean;
  /** Names of one file become names of one copy. */
  readonly keepNames: boolean;
  /** The destination was written as a directory. */
  readonly intoDirectory: boolean;
  readonly openOther: (file: string) => Flow;
  /** Hears of what is left out: sockets and the like, and links that are followed and lead to no file. */
  readonly onSkip: (name: string, why: string) => void;
  readonly onDirectory: () => void;
  readonly onLink: () => void;
  /** Is given what can only be done when all files are copied, the first thing last. */
  readonly later: (what: () => Promise<void>) => void;
  /** Hears of a source that cannot be read. It may throw to end the plan. */
  readonly onFailure: (error: unknown) => void;
}

type Point = Pick<Named, "tree" | "path">;

/** All files to be copied, as `cp` of POSIX understands its arguments. Makes directories and links on its way. */
export async function* planCopies(
  sources: readonly Named[],
  destination: Point,
  options: PlanOptions,
): AsyncGenerator<Job> {
  const { tree, path: place } = destination;
  const there = await tree.stat(place, true);
  const into = there?.type === "directory";
  const needsDirectory = sources.length > 1 || (options.intoDirectory && !options.recursive);
  if (!into && needsDirectory) {
    throw there === undefined
      ? new DidafsError("ENOENT", `there is no directory ${tree.show(place)} to copy into; make it first`, {
          path: place,
        })
      : new DidafsError("ENOTDIR", `${tree.show(place)} is no directory`, { path: place });
  }
  const walk = new Walk(options);
  for (const source of sources) {
    const to = into ? tree.join(place, source.base) : place;
    yield* walk.named(source, { tree, path: to });
  }
}

class Walk {
  readonly #options: PlanOptions;
  /** Directories that were copied into: none of them is a source. */
  readonly #made = new Set<string>();
  /** First copies of files that have other names. */
  readonly #copies = new Map<string, string>();

  constructor(options: PlanOptions) {
    this.#options = options;
  }

  named(source: Point, destination: Point): AsyncGenerator<Job> {
    return this.#copy(source, destination, true);
  }

  async *#copy(source: Point, destination: Point, named: boolean): AsyncGenerator<Job> {
    const { tree, path: file } = source;
    const { follow, openOther, onSkip, onFailure } = this.#options;
    try {
      const itself = await tree.stat(file, false);
      const followed = itself?.type === "symlink" && (named ? follow.named : follow.inside);
      const entry = followed ? await tree.stat(file, true) : itself;
      if (followed && !named && entry?.type !== "file")
        onSkip(tree.show(file), "a symbolic link that leads to no file");
      else if (entry === undefined) throw new DidafsError("ENOENT", "no such file or directory");
      else if (entry.type === "directory") yield* this.#directory(source, destination, entry);
      else if (entry.type === "symlink") await this.#link(source, destination, entry);
      else if (entry.type === "file") {
        refuseSame(source, destination, false);
        if (!this.#isAnotherName(entry, source, destination)) {
          yield job(source, destination, entry.size, () => tree.openSource(file));
        }
      } else if (named) yield job(source, destination, 0, async () => openOther(file));
      else onSkip(tree.show(file), "neither a file nor a directory");
    } catch (error) {
      onFailure(labelled(tree.show(file), error));
    }
  }

  async *#directory(source: Point, destination: Point, entry: Entry): AsyncGenerator<Job> {
    const { recursive, preserve, onDirectory, later } = this.#options;
    const { tree, path: directory } = source;
    if (!recursive) throw new DidafsError("EISDIR", "it is a directory");
    refuseSame(source, destination, true);
    if (tree.kind === destination.tree.kind && this.#made.has(entry.id)) throw intoItself(destination);
    await destination.tree.makeDirectory(destination.path, entry.mode & 0o777);
    const made = await destination.tree.stat(destination.path, true);
    if (made !== undefined) this.#made.add(made.id);
    onDirectory();
    if (preserve) later(() => destination.tree.keep(destination.path, entry, false));
    for await (const name of tree.list(directory)) {
      const to = destination.tree.join(destination.path, name);
      yield* this.#copy(
        { tree, path: tree.join(directory, name) },
        { tree: destination.tree, path: to },
        false,
      );
    }
  }

  async #link(source: Point, { tree, path: to }: Point, entry: Entry): Promise<void> {
    refuseSame(source, { tree, path: to }, false);
    await tree.makeLink(await source.tree.readLink(source.path), to);
    if (this.#options.preserve) await tree.keep(to, entry, true);
    this.#options.onLink();
  }

  /** Whether the file is copied by another of its names; then its copy gets this name in the end. */
  #isAnotherName({ id, nlink }: Entry, { tree: from }: Point, { tree, path: to }: Point): boolean {
    if (!this.#options.keepNames || nlink < 2) return false;
    const key = `${from.kind} ${id}`;
    const first = this.#copies.get(key);
    if (first === undefined) {
      this.#copies.set(key, to);
      return false;
    }
    this.#options.later(async () => {
      try {
        await tree.addName(first, to);
      } catch (error) {
        throw labelled(`${tree.show(first)} to ${tree.show(to)}`, error);
      }
    });
    this.#options.onLink();
    return true;
  }
}

function job(source: Point, { tree, path: to }: Point, size: number, open: Job["open"]): Job {
  return { from: source.tree.show(source.path), to: tree.show(to), size, open, tree, destination: to };
}

/** Only within one tree: a file onto itself, or a directory into itself, which would never end. */
function refuseSame(from: Point, to: Point, directory: boolean): void {
  if (from.tree.kind !== to.tree.kind) return;
  const inside = path.posix.relative(from.path, to.path);
  if (inside === "") throw new DidafsError("EINVAL", "source and destination are the same");
  if (directory && inside !== ".." && !inside.startsWith("../")) throw intoItself(to);
}

function intoItself({ tree, path: to }: Point): DidafsError {
  return new DidafsError("EINVAL", `a directory cannot be copied into itself (${tree.show(to)})`);
}
