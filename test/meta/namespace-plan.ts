import assert from "node:assert/strict";
import type { Method, Params, Result, StatRecord } from "../../src/wire/control.ts";
import type { Origin } from "./harness.ts";
import { bytesOf, type ModelNode } from "./model-tree.ts";
import type { Call, ClientCall } from "./namespace-commands.ts";
import type { NamespaceModel } from "./namespace-model.ts";

/** How one call is made, and what the model says of it. */
export interface Plan {
  /** Changes the model as the call does. @throws Refused */
  apply(model: NamespaceModel): void;
  /** Makes the call. @returns a check of the answer, which changes the model that it is given as the call does */
  begin(origin: Origin): Promise<(model: NamespaceModel) => void>;
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

export function planOf({ client, of }: ClientCall): Plan {
  switch (of.call) {
    case "open":
      return planOpen(client, of);
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
  }
}

/** Opens a file, and closes it again. */
function planOpen(client: number, of: Call & { call: "open" }): Plan {
  const apply = (model: NamespaceModel) => {
    const opened = model.open(client, of.path, of.create, of);
    model.handles = [];
    return opened;
  };
  return {
    apply,
    begin: async (origin) => {
      const { created, stat } = await origin.begin("meta.open", { ...of, rights: "rw" });
      await origin.begin("meta.close", { inodes: [stat.inode] });
      return (model) => {
        const expected = apply(model);
        assert.equal(created, expected.created, "created");
        sameStat(expected.node, stat);
        assert.ok(stat.layout, "a file has a layout");
        if (created) assert.equal(stat.layout.regions.length, of.targets);
      };
    },
  };
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
