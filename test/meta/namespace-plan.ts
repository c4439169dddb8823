import assert from "node:assert/strict";
import { bytesOf, type ModelNode } from "../../src/sim/checkers/model-tree.ts";
import type { NamespaceModel } from "../../src/sim/checkers/namespace-model.ts";
import type { Method, Params, Result, StatRecord } from "../../src/wire/control.ts";
import type { Origin } from "./harness.ts";
import type { Call, ClientCall } from "./namespace-commands.ts";

/** Calls that need nothing open. */
export type PathCall = Exclude<Call, { call: "open" | "close" | "resize" }>;

/** How one call is made, and what the model says of it. */
export interface Plan {
  /** Changes the model as the call does. @throws Refused */
  apply(model: NamespaceModel): void;
  /** Makes the call. @returns a check of the answer, which changes the model that it is given as the call does */
  begin(origin: Origin): Promise<(model: NamespaceModel) => void>;
  /** What a crash in the midst of the call leaves besides, whether it was applied or not. */
  tear?(model: NamespaceModel): void;
}

function plan<M extends Method, E>(
  method: M,
  params: Params<M>,
  apply: (model: NamespaceModel) => E,
  check: (expected: E, result: Result<M>) => void = () => {},
): Plan {
  return {
    apply,
    begin: async (origin) => {
      const result = await origin.begin(method, params);
      return (model) => check(apply(model), result);
    },
  };
}

/** @returns undefined where the call is about an open file and the client has none */
export function planOf({ client, of }: ClientCall, now: NamespaceModel): Plan | undefined {
  switch (of.call) {
    case "open":
      return planOpen(client, of);
    case "close":
    case "resize":
      return planHandle(client, of, now);
    default:
      return planPath(of);
  }
}

export function planPath(of: PathCall): Plan {
  switch (of.call) {
    case "stat":
      return plan("meta.stat", of, (model) => model.stat(of.path, of.follow), sameStat);
    case "readdir": {
      const params = { directory: { path: of.path } };
      return plan("meta.readdir", params, (model) => model.readdir(of.path), sameEntries);
    }
    case "mkdir":
      return plan("meta.mkdir", of, (model) => {
        if (of.recursive) model.mkdirAll(of.path, of.mode, of.owner);
        else model.mkdir(of.path, of.mode, of.owner);
      });
    case "rename":
      return plan("meta.rename", of, (model) => model.rename(of.from, of.to));
    case "remove":
      return plan("meta.remove", of, (model) => model.remove(of.path, of.recursive, of.only));
    case "link":
      return plan("meta.link", of, (model) => model.link(of.existing, of.path));
    case "symlink":
      return plan("meta.symlink", of, (model) => model.symlink(of.target, of.path, of.owner));
    case "readlink":
      return plan(
        "meta.readlink",
        of,
        (model) => model.readlink(of.path),
        (target, result) => assert.equal(result.target, target),
      );
    case "setattr":
      return plan("meta.setattr", of, (model) => model.setattr(of.path, of.follow, of), sameStat);
    case "statfs":
      return plan(
        "meta.statfs",
        {},
        (model) => ({ mayHoldMore: model.mayHoldMore, count: model.living().size }),
        ({ mayHoldMore, count }, { inodes }) => {
          if (mayHoldMore) assert.ok(inodes >= count, `${inodes} inodes, not even ${count}`);
          else assert.equal(inodes, count, "inodes");
        },
      );
    default:
      return planXattr(of);
  }
}

function planOpen(client: number, of: Call & { call: "open" }): Plan {
  return plan(
    "meta.open",
    { ...of, rights: "rw" },
    (model) => model.open(client, of.path, of.create, of),
    ({ node, created }, result) => {
      assert.equal(result.created, created, "created");
      sameStat(node, result.stat);
      assert.ok(result.stat.layout, "a file has a layout");
      if (created) assert.equal(result.stat.layout.regions.length, of.targets);
    },
  );
}

function planHandle(
  client: number,
  of: Call & { call: "close" | "resize" },
  now: NamespaceModel,
): Plan | undefined {
  const mine = now.handles.filter((handle) => handle.client === client);
  const chosen = mine[of.handle % mine.length];
  if (chosen === undefined) return undefined;
  const handle = now.handles.indexOf(chosen);
  const inode = chosen.node.inode as number;
  if (of.call === "close") return plan("meta.close", { inodes: [inode] }, (model) => model.close(handle));
  const resize = plan(
    "meta.resize",
    { inode, size: of.size },
    (model) => model.resize(handle, of.size),
    sameStat,
  );
  return { ...resize, tear: (model) => model.tear(handle) };
}

function planXattr(of: Extract<Call, { call: `${string}xattr` }>): Plan {
  switch (of.call) {
    case "getxattr":
      return plan(
        "meta.getxattr",
        of,
        (model) => model.getxattr(of.path, of.follow, of.name),
        (value, result) => assert.equal(result.value, value),
      );
    case "setxattr":
      return plan("meta.setxattr", of, (model) =>
        model.setxattr(of.path, of.follow, of.name, of.value, of.mode),
      );
    case "listxattr":
      return plan(
        "meta.listxattr",
        of,
        (model) => model.listxattr(of.path, of.follow),
        (names, result) => assert.deepEqual(result.names, names),
      );
    case "removexattr":
      return plan("meta.removexattr", of, (model) => model.removexattr(of.path, of.follow, of.name));
  }
}

/** What both say of a file, and the same file: its number is learned when it is first told. */
function sameStat(node: ModelNode, stat: StatRecord): void {
  const { type, size, mode, uid, gid, nlink } = node;
  const told = {
    type: stat.type,
    size: stat.size,
    mode: stat.mode,
    uid: stat.uid,
    gid: stat.gid,
    nlink: stat.nlink,
  };
  assert.deepEqual(told, { type, size, mode, uid, gid, nlink });
  if (node.atimeMs !== undefined) assert.equal(stat.atimeMs, node.atimeMs);
  if (node.mtimeMs !== undefined) assert.equal(stat.mtimeMs, node.mtimeMs);
  node.inode ??= stat.inode;
  node.layout ??= stat.layout;
  assert.equal(stat.inode, node.inode, "the number of the inode");
  assert.deepEqual(stat.layout, node.layout);
}

function sameEntries(directory: ModelNode, { entries }: Result<"meta.readdir">): void {
  const expected = [...directory.entries]
    .map(([name, { type }]) => ({ name, type }))
    .sort((a, b) => Buffer.compare(bytesOf(a.name), bytesOf(b.name)));
  assert.deepEqual(entries, expected);
}
