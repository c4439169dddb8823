import fc from "fast-check";
import type { Owner } from "../../src/sim/checkers/model-tree.ts";

/** What the model test does to a namespace, as plain data: so a failing run can be made smaller, printed and repeated. */
export type Call =
  | {
      readonly call: "open";
      readonly path: string;
      readonly create: "no" | "yes" | "exclusive";
      readonly size: number;
      readonly targets: number;
      readonly mode: number | undefined;
      readonly owner: Owner | undefined;
    }
  | { readonly call: "close"; readonly handle: number }
  | { readonly call: "resize"; readonly handle: number; readonly size: number }
  | { readonly call: "stat"; readonly path: string; readonly follow: boolean }
  | { readonly call: "readdir"; readonly path: string }
  | {
      readonly call: "mkdir";
      readonly path: string;
      readonly recursive: boolean;
      readonly mode: number | undefined;
      readonly owner: Owner | undefined;
    }
  | { readonly call: "rename"; readonly from: string; readonly to: string }
  | {
      readonly call: "remove";
      readonly path: string;
      readonly recursive: boolean;
      readonly only: "file" | "directory" | undefined;
    }
  | { readonly call: "link"; readonly existing: string; readonly path: string }
  | {
      readonly call: "symlink";
      readonly target: string;
      readonly path: string;
      readonly owner: Owner | undefined;
    }
  | { readonly call: "readlink"; readonly path: string }
  | {
      readonly call: "setattr";
      readonly path: string;
      readonly follow: boolean;
      readonly mode: number | undefined;
      readonly uid: number | undefined;
      readonly gid: number | undefined;
      readonly atimeMs: number | undefined;
      readonly mtimeMs: number | undefined;
    }
  | { readonly call: "getxattr"; readonly path: string; readonly follow: boolean; readonly name: string }
  | {
      readonly call: "setxattr";
      readonly path: string;
      readonly follow: boolean;
      readonly name: string;
      readonly value: string;
      readonly mode: "set" | "create" | "replace";
    }
  | { readonly call: "listxattr"; readonly path: string; readonly follow: boolean }
  | { readonly call: "removexattr"; readonly path: string; readonly follow: boolean; readonly name: string }
  | { readonly call: "statfs" };

export interface ClientCall {
  readonly client: number;
  readonly of: Call;
}

export type Command =
  | { readonly kind: "call"; readonly call: ClientCall }
  /** The metadata process ends `steps` steps after the call began, or at rest, and another begins. */
  | {
      readonly kind: "crash";
      readonly during: ClientCall | undefined;
      readonly steps: number;
      /** Whether the clients come back with what they had open. */
      readonly keep: boolean;
    }
  /** A client goes away, and comes back with nothing open. */
  | { readonly kind: "leave"; readonly client: number };

export const CLIENT_COUNT = 2;
export const TARGET_COUNT = 2;

const LONGEST = "n".repeat(255);

const name = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom("a", "a", "b", "b", "c") },
  { weight: 3, arbitrary: fc.constantFrom("..", ".") },
  // A byte that is no UTF-8; four bytes for one character; the longest name, and one too long; no bytes at all; NUL.
  { weight: 1, arbitrary: fc.constantFrom("\udcff", "\u{1f980}", LONGEST, `${LONGEST}n`, "\ud800", "\0") },
);

function slashed(leading: string): fc.Arbitrary<string> {
  const parts = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(name) },
    { weight: 4, arbitrary: fc.tuple(name, name) },
    { weight: 2, arbitrary: fc.tuple(name, name, name) },
  );
  const end = fc.oneof(
    { weight: 12, arbitrary: fc.constant("") },
    { weight: 1, arbitrary: fc.constant("/") },
  );
  return fc.tuple(parts, end).map(([names, slash]) => leading + names.join("/") + slash);
}

const path = fc.oneof(
  { weight: 60, arbitrary: slashed("/") },
  { weight: 1, arbitrary: fc.constantFrom("/", "", "a", "//a", `/${"a/".repeat(2050)}`) },
);

const linkTarget = fc.oneof(
  { weight: 5, arbitrary: slashed("/") },
  { weight: 5, arbitrary: slashed("") },
  { weight: 1, arbitrary: fc.constantFrom("", "..", ".", "/") },
);

function one<const T>(...values: readonly T[]): fc.Arbitrary<T> {
  return fc.constantFrom(...values);
}

const size = one(0, 1, 4096, 10_000, 3_000_000);
const mode = one(undefined, 0o600, 0o2775, 0o7777);
const owner = one(undefined, { uid: 7, gid: 8 });
const handle = fc.nat(9);
const follow = fc.boolean();
const recursive = fc.boolean();
const xattr = fc.oneof(
  { weight: 20, arbitrary: one("user.a", "user.b", "user.\udcfe") },
  { weight: 1, arbitrary: one("", LONGEST, `${LONGEST}n`, "/", "\0") },
);

/** The weights are those of a namespace that stays small and is used for everything. */
const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      call: one("open"),
      path,
      create: one("no", "yes", "yes", "exclusive"),
      size,
      targets: fc.integer({ min: 1, max: TARGET_COUNT }),
      mode,
      owner,
    }),
  },
  { weight: 4, arbitrary: fc.record({ call: one("close"), handle }) },
  { weight: 4, arbitrary: fc.record({ call: one("resize"), handle, size }) },
  { weight: 4, arbitrary: fc.record({ call: one("stat"), path, follow }) },
  { weight: 2, arbitrary: fc.record({ call: one("readdir"), path }) },
  { weight: 4, arbitrary: fc.record({ call: one("mkdir"), path, recursive, mode, owner }) },
  { weight: 9, arbitrary: fc.record({ call: one("rename"), from: path, to: path }) },
  {
    weight: 7,
    arbitrary: fc.record({
      call: one("remove"),
      path,
      recursive,
      only: one(undefined, undefined, "file", "directory"),
    }),
  },
  { weight: 10, arbitrary: fc.record({ call: one("link"), existing: path, path }) },
  { weight: 6, arbitrary: fc.record({ call: one("symlink"), target: linkTarget, path, owner }) },
  { weight: 1, arbitrary: fc.record({ call: one("readlink"), path }) },
  {
    weight: 3,
    arbitrary: fc.record({
      call: one("setattr"),
      path,
      follow,
      mode,
      uid: one(undefined, 5),
      gid: one(undefined, 6),
      atimeMs: one(undefined, -1.5),
      mtimeMs: one(undefined, 1e12 + 0.25),
    }),
  },
  { weight: 1, arbitrary: fc.record({ call: one("getxattr"), path, follow, name: xattr }) },
  {
    weight: 3,
    arbitrary: fc.record({
      call: one("setxattr"),
      path,
      follow,
      name: xattr,
      value: one("", "AAEC"),
      mode: one("set", "set", "create", "replace"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ call: one("listxattr"), path, follow }) },
  { weight: 1, arbitrary: fc.record({ call: one("removexattr"), path, follow, name: xattr }) },
  { weight: 1, arbitrary: fc.record({ call: one("statfs") }) },
);

const client = fc.nat(CLIENT_COUNT - 1);
const clientCall: fc.Arbitrary<ClientCall> = fc.record({ client, of: call });

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 40, arbitrary: fc.record({ kind: one("call"), call: clientCall }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: one("crash"),
      during: fc.option(clientCall, { nil: undefined, freq: 10 }),
      steps: fc.nat(15),
      keep: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: one("leave"), client }) },
);

/** Runs of a namespace from its beginning; `seed` is the network's and the engine's. */
export const runs: fc.Arbitrary<{ readonly seed: number; readonly commands: readonly Command[] }> = fc.record(
  {
    seed: fc.nat(1000),
    commands: fc.array(command, { maxLength: 60, size: "max" }),
  },
);
