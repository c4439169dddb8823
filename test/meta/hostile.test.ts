import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isDidafsError } from "../../src/std/errors.ts";
import type { Method, Params } from "../../src/wire/control.ts";
import { FakeTarget, World } from "./harness.ts";

const anyPath = fc.oneof(
  fc
    .array(fc.constantFrom("a", "b", "..", ".", "", "é", "\u0001", "x".repeat(256)), { maxLength: 5 })
    .map((parts) => `/${parts.join("/")}`),
  fc.string({ unit: "binary", maxLength: 10 }),
);
const anyNumber = fc.oneof(fc.integer(), fc.maxSafeNat(), fc.double(), fc.nat(5000));

/** Parameters that are nearly right, in the shapes of all calls at once. */
const nearly = fc.record(
  {
    path: fc.oneof({ weight: 9, arbitrary: anyPath }, { weight: 1, arbitrary: fc.jsonValue() }),
    from: anyPath,
    to: anyPath,
    after: fc.oneof(fc.string(), anyPath),
    recursive: fc.boolean(),
    create: fc.constantFrom("no", "yes", "exclusive"),
    size: anyNumber,
    stripeUnit: fc.oneof(anyNumber, fc.constantFrom(4096, 2 ** 20)),
    targets: fc.oneof(fc.nat(4), anyNumber),
    mode: fc.oneof(anyNumber, fc.constantFrom("set", "create", "replace")),
    follow: fc.boolean(),
    only: fc.constantFrom("file", "directory", "other"),
    existing: anyPath,
    target: anyPath,
    directory: fc.oneof(
      anyPath.map((path) => ({ path })),
      anyNumber.map((inode) => ({ inode })),
    ),
    name: fc.oneof(anyPath, fc.constantFrom("a", "b")),
    value: fc.oneof(fc.base64String(), fc.string()),
    inode: anyNumber,
    inodes: fc.array(anyNumber, { maxLength: 5 }),
    uid: anyNumber,
    gid: anyNumber,
    atimeMs: anyNumber,
    mtimeMs: anyNumber,
  },
  {
    requiredKeys: [
      "recursive",
      "create",
      "path",
      "from",
      "to",
      "follow",
      "existing",
      "target",
      "directory",
      "name",
      "value",
      "inode",
      "inodes",
    ],
    noNullPrototype: true,
  },
);
const METHODS = [
  "open",
  "close",
  "grant",
  "resize",
  "stat",
  "readdir",
  "mkdir",
  "rename",
  "remove",
  "link",
  "symlink",
  "readlink",
  "setattr",
  "getxattr",
  "setxattr",
  "listxattr",
  "removexattr",
  "statfs",
  "status",
] as const;

test("whatever an origin asks ends with a result or a typed error, and no fault of ours", async (context) => {
  const world = await World.open(context);
  await new FakeTarget(world, 1).register();
  await new FakeTarget(world, 2).register();
  const origin = await world.origin();
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...METHODS), nearly, fc.jsonValue(), async (name, params, other) => {
      const method: Method = `meta.${name}`;
      for (const asked of [params, other]) {
        try {
          await origin.call(method, asked as unknown as Params<typeof method>);
        } catch (error) {
          assert.ok(isDidafsError(error), String(error));
          assert.ok(!["ERR_INTERNAL", "ERR_CORRUPT", "ERR_UNREACHABLE"].includes(error.code), error.message);
        }
      }
    }),
    { numRuns: 800 },
  );
  assert.deepEqual(world.log.complaints, []);
  assert.equal(origin.channel.ended, undefined);
});
