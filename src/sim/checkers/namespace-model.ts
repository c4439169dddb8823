import type { ErrorCode } from "../../std/errors.ts";
import {
  bytesOf,
  checkText,
  checkXattrName,
  detach,
  inByteOrder,
  isWithin,
  type ModelNode,
  make,
  maker,
  node,
  type Owner,
  Refused,
  ROOT_OWNER,
  setEntry,
  walk,
} from "./model-tree.ts";

export interface Handle {
  readonly client: number;
  readonly node: ModelNode;
}

interface AttributeChange {
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly atimeMs: number | undefined;
  readonly mtimeMs: number | undefined;
}

/** Where a link, or what has a slash behind it, does not lead to a directory: whatever is in the way. */
const LEADS_NOWHERE: readonly ErrorCode[] = ["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG"];

/**
 * A POSIX namespace as plainly as it can be said: objects and references, every rule where it applies, no thought of
 * speed. A call that is refused may leave things half done here: it is tried on a fork.
 */
export class NamespaceModel {
  root: ModelNode = node("directory", 0o755, ROOT_OWNER);
  handles: Handle[] = [];
  /** After a crash files that nobody can reach stay for a while: somebody may still say that they were open. */
  mayHoldMore = false;

  constructor() {
    this.root.nlink = 2;
    this.root.parent = this.root;
  }

  /** Another model of the same, which knows nothing of this one. */
  fork(): NamespaceModel {
    const copy = new NamespaceModel();
    Object.assign(
      copy,
      structuredClone({ root: this.root, handles: this.handles, mayHoldMore: this.mayHoldMore }),
    );
    return copy;
  }

  open(
    client: number,
    path: string,
    create: "no" | "yes" | "exclusive",
    {
      size = 0,
      mode = 0o644,
      owner = ROOT_OWNER,
    }: { size?: number; mode?: number | undefined; owner?: Owner | undefined },
  ): { node: ModelNode; created: boolean } {
    const missing = create === "no" ? undefined : maker(owner);
    if (create !== "no" && path.endsWith("/")) {
      const walked = tried(() => walk(this.root, path, "follow", missing));
      throw new Refused("EISDIR", ...(walked instanceof Refused ? walked.codes : []));
    }
    const place = walk(this.root, path, create === "exclusive" ? "name" : "follow", missing);
    const found = place.node;
    if (create !== "no" && place.name === undefined) throw new Refused("EISDIR", "EEXIST");
    if (found !== undefined && create === "exclusive") throw new Refused("EEXIST");
    if (found?.type === "directory") throw new Refused("EISDIR");
    if (found === undefined && create === "no") throw new Refused("ENOENT");
    if (found === undefined && place.slash) throw new Refused("EISDIR");
    const opened = found ?? make(place, "file", mode, owner);
    if (found === undefined) opened.size = size;
    this.handles.push({ client, node: opened });
    return { node: opened, created: found === undefined };
  }

  close(handle: number): void {
    this.handles.splice(handle, 1);
  }

  closeAll(client: number): void {
    this.handles = this.handles.filter((handle) => handle.client !== client);
  }

  stat(path: string, follow: boolean): ModelNode {
    return this.#existing(path, follow);
  }

  readdir(path: string): ModelNode {
    const found = this.#existing(path, true);
    if (found.type !== "directory") throw new Refused("ENOTDIR");
    return found;
  }

  mkdir(path: string, mode = 0o755, owner = ROOT_OWNER): void {
    const place = walk(this.root, path, "name");
    if (place.node !== undefined) throw new Refused("EEXIST");
    make(place, "directory", mode, owner);
  }

  /** With the directories above that are missing. */
  mkdirAll(path: string, mode = 0o755, owner = ROOT_OWNER): void {
    const place = walk(this.root, path, "name", maker(owner));
    if (place.node === undefined) make(place, "directory", mode, owner);
    else if (place.node.type !== "directory") {
      // A link is as good as the directory that it leads to.
      const led = tried(() => walk(this.root, path, "follow").node?.type);
      const alsoSaid = place.node.type === "symlink" || place.slash ? LEADS_NOWHERE : [];
      if (led !== "directory") throw new Refused("EEXIST", ...alsoSaid);
    }
  }

  rename(from: string, to: string): void {
    const [source, destination] = both(
      () => walk(this.root, from, "name"),
      () => walk(this.root, to, "name"),
    );
    const codes: ErrorCode[] = [];
    if (source.node === undefined) codes.push("ENOENT");
    if (source.name === undefined || destination.name === undefined) codes.push("EINVAL");
    if (source.node === undefined || source.name === undefined || destination.name === undefined) {
      throw new Refused(...codes);
    }
    const moved = source.node;
    if (moved.type !== "directory" && (source.slash || destination.slash)) throw new Refused("ENOTDIR");
    if (destination.node === moved) return;
    if (isWithin(destination.directory, moved)) throw new Refused("EINVAL");
    if (destination.node !== undefined) {
      replaceable(moved, destination.node);
      detach(destination.directory, destination.name);
    }
    setEntry(source.directory, source.name, undefined);
    setEntry(destination.directory, destination.name, moved);
    if (moved.type !== "directory") return;
    source.directory.nlink -= 1;
    destination.directory.nlink += 1;
    moved.parent = destination.directory;
  }

  remove(path: string, recursive: boolean, only?: "file" | "directory"): void {
    const place = walk(this.root, path, "name");
    if (place.node === undefined) throw new Refused("ENOENT");
    const codes: ErrorCode[] = [];
    const isDirectory = place.node.type === "directory";
    if (place.name === undefined) codes.push("EINVAL");
    if (only === "file" && isDirectory) codes.push("EISDIR");
    if ((only === "directory" || place.slash) && !isDirectory) codes.push("ENOTDIR");
    if (codes.length > 0 || place.name === undefined) throw new Refused(...codes);
    if (!recursive && place.node.entries.size > 0) throw new Refused("ENOTEMPTY");
    detach(place.directory, place.name);
  }

  link(existing: string, path: string): void {
    const [source, destination] = both(
      () => this.#existing(existing, false),
      () => walk(this.root, path, "name"),
    );
    const codes: ErrorCode[] = [];
    if (source.type === "directory") codes.push("EPERM");
    if (destination.node !== undefined || destination.name === undefined) codes.push("EEXIST");
    if (destination.slash) codes.push("ENOENT", "ENOTDIR");
    if (codes.length > 0) throw new Refused(...codes);
    setEntry(destination.directory, destination.name as string, source);
    source.nlink += 1;
  }

  symlink(target: string, path: string, owner = ROOT_OWNER): void {
    const [, place] = both(
      () => checkText(target),
      () => walk(this.root, path, "name"),
    );
    if (place.node !== undefined || place.name === undefined) throw new Refused("EEXIST");
    if (place.slash) throw new Refused("ENOENT", "ENOTDIR");
    const made = make(place, "symlink", 0o777, owner, target);
    made.size = bytesOf(target).byteLength;
  }

  readlink(path: string): string {
    const found = this.#existing(path, false);
    if (found.type !== "symlink") throw new Refused("EINVAL");
    return found.target;
  }

  setattr(path: string, follow: boolean, change: AttributeChange): ModelNode {
    const found = this.#existing(path, follow);
    const { mode, uid, gid, atimeMs, mtimeMs } = change;
    if (mode !== undefined) found.mode = mode & 0o7777;
    if (uid !== undefined) found.uid = uid;
    if (gid !== undefined) found.gid = gid;
    if (atimeMs !== undefined) found.atimeMs = atimeMs;
    if (mtimeMs !== undefined) found.mtimeMs = mtimeMs;
    return found;
  }

  getxattr(path: string, follow: boolean, name: string): string {
    const value = this.#xattrs(path, follow, name).get(name);
    if (value === undefined) throw new Refused("ENODATA");
    return value;
  }

  setxattr(
    path: string,
    follow: boolean,
    name: string,
    value: string,
    mode: "set" | "create" | "replace",
  ): void {
    const xattrs = this.#xattrs(path, follow, name);
    if (mode === "create" && xattrs.has(name)) throw new Refused("EEXIST");
    if (mode === "replace" && !xattrs.has(name)) throw new Refused("ENODATA");
    xattrs.set(name, value);
  }

  listxattr(path: string, follow: boolean): string[] {
    return inByteOrder(this.#existing(path, follow).xattrs.keys());
  }

  removexattr(path: string, follow: boolean, name: string): void {
    if (!this.#xattrs(path, follow, name).delete(name)) throw new Refused("ENODATA");
  }

  resize(handle: number, size: number): ModelNode {
    const { node: found } = this.handles[handle] as Handle;
    found.size = size;
    found.mtimeMs = undefined;
    found.torn = false;
    return found;
  }

  /** A resize of the file was cut off. */
  tear(handle: number): void {
    (this.handles[handle] as Handle).node.torn = true;
  }

  /** Every name with what it stands for, parents before what is in them, in the order of bytes. */
  *tree(path = "", directory: ModelNode = this.root): Generator<readonly [path: string, node: ModelNode]> {
    if (path === "") yield ["/", directory];
    for (const name of inByteOrder(directory.entries.keys())) {
      const found = directory.entries.get(name) as ModelNode;
      yield [`${path}/${name}`, found];
      if (found.type === "directory") yield* this.tree(`${path}/${name}`, found);
    }
  }

  /** All that has a name or is open. */
  living(): Set<ModelNode> {
    const nodes = new Set(this.handles.map((handle) => handle.node));
    for (const [, found] of this.tree()) nodes.add(found);
    return nodes;
  }

  #xattrs(path: string, follow: boolean, name: string): Map<string, string> {
    const [{ xattrs }] = both(
      () => this.#existing(path, follow),
      () => checkXattrName(name),
    );
    return xattrs;
  }

  #existing(path: string, follow: boolean): ModelNode {
    const { node: found } = walk(this.root, path, follow ? "follow" : "keep");
    if (found === undefined) throw new Refused("ENOENT");
    return found;
  }
}

function replaceable(by: ModelNode, there: ModelNode): void {
  if (by.type === "directory" && there.type !== "directory") throw new Refused("ENOTDIR");
  if (by.type !== "directory" && there.type === "directory") throw new Refused("EISDIR");
  if (there.entries.size > 0) throw new Refused("ENOTEMPTY");
}

function tried<T>(body: () => T): T | Refused {
  try {
    return body();
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
}

/** Both results; where both are refused, for the reasons of either. */
function both<A, B>(first: () => A, second: () => B): [A, B] {
  const a = tried(first);
  const b = tried(second);
  if (!(a instanceof Refused) && !(b instanceof Refused)) return [a, b];
  throw new Refused(...[a, b].flatMap((one) => (one instanceof Refused ? one.codes : [])));
}
