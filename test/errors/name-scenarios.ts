import { encodeInode } from "../../src/meta/inode-record.ts";
import { inodeKey } from "../../src/meta/keys.ts";
import { LINKS_MAX } from "../../src/meta/links.ts";
import { getInode } from "../../src/meta/tables.ts";
import { FakeTarget, World } from "../meta/harness.ts";
import type { Scenarios } from "./fixture.ts";

/** The codes of POSIX that names and files give. */
export const NAME_SCENARIOS = {
  ENOENT: {
    names: /\/no\/such/,
    provoke: async ({ cluster }) => (await cluster).stat("/no/such"),
  },
  EEXIST: {
    names: /\/twice/,
    async provoke({ cluster }) {
      await (await cluster).mkdir("/twice");
      await (await cluster).mkdir("/twice");
    },
  },
  ENOTDIR: {
    names: /\/a-file\/below/,
    async provoke({ cluster }) {
      await using _ = await (await cluster).open("/a-file", { create: true });
      await (await cluster).stat("/a-file/below");
    },
  },
  EISDIR: {
    names: /\/a-directory/,
    async provoke({ cluster }) {
      await (await cluster).mkdir("/a-directory");
      await (await cluster).open("/a-directory");
    },
  },
  ENOTEMPTY: {
    names: /\/full/,
    async provoke({ cluster }) {
      await (await cluster).mkdir("/full/inner", { recursive: true });
      await (await cluster).remove("/full");
    },
  },
  ELOOP: {
    names: /\/ring-a/,
    async provoke({ cluster }) {
      await (await cluster).symlink("/ring-b", "/ring-a");
      await (await cluster).symlink("/ring-a", "/ring-b");
      await (await cluster).stat("/ring-a");
    },
  },
  ENAMETOOLONG: {
    names: /255 bytes/,
    provoke: async ({ cluster }) => (await cluster).mkdir(`/${"x".repeat(256)}`),
  },
  EINVAL: {
    names: /absolute/,
    provoke: async ({ cluster }) => (await cluster).mkdir("relative"),
  },
  EPERM: {
    names: /\/no-second-name/,
    async provoke({ cluster }) {
      await (await cluster).mkdir("/no-second-name");
      await (await cluster).link("/no-second-name", "/second-name");
    },
  },
  ENODATA: {
    names: /user\.none/,
    provoke: async ({ cluster }) => (await cluster).getXattr("/", "user.none"),
  },
  EMLINK: {
    names: new RegExp(`${LINKS_MAX} names`),
    async provoke(fixture) {
      const world = await World.open({
        after: (body) => void fixture.keep({ [Symbol.asyncDispose]: body }),
      });
      await new FakeTarget(world, 1).register();
      const origin = await world.origin();
      await origin.create("/popular");
      const { inode } = await origin.stat("/popular");
      // Stands for so many links, of which each is a commit.
      await world.engine.transact((kv) => {
        kv.set(inodeKey(inode), encodeInode({ ...getInode(kv, inode), nlink: LINKS_MAX }));
      });
      await origin.call("meta.link", { existing: "/popular", path: "/one-more" });
    },
  },
} satisfies Partial<Scenarios<string>>;
