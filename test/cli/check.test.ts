import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeEntry } from "../../src/meta/entry-record.ts";
import {
  entryKey,
  INODE_COUNT_KEY,
  inodeKey,
  linkKey,
  NEXT_INODE_KEY,
  orphanKey,
  ROOT_INODE,
  removalKey,
  trashKey,
  xattrKey,
} from "../../src/meta/keys.ts";
import { changeInode } from "../../src/meta/tables.ts";
import { CheckWorld, kindsOf } from "./check-world.ts";

interface Case {
  readonly name: string;
  readonly plant: (check: CheckWorld) => Promise<void>;
  readonly kinds: readonly string[];
  /** What the finding is about. */
  readonly where: RegExp;
  /** What the cluster says after the repair; where it is left out, the findings stay. */
  readonly after?: (check: CheckWorld) => Promise<void>;
}

const EMPTY = new Uint8Array(0);

/** The target that holds a region, and its length there. */
function holder({ targets }: CheckWorld, name: string) {
  const target = targets.find(({ regions }) => regions.has(name));
  assert.ok(target, `nobody has region ${name}`);
  return target;
}

const CASES: readonly Case[] = [
  {
    name: "a region that no file has, never written to",
    plant: async ({ targets }) => void targets[0].regions.set("900.0", 5),
    kinds: ["orphan-region"],
    where: /^region 900\.0 on target-0+1 \(5 B, never written to\)$/,
    after: async ({ targets }) => assert.equal(targets[0].regions.has("900.0"), false),
  },
  {
    name: "a region that no file has, written to",
    plant: async ({ targets }) => {
      targets[1].regions.set("900.3", 5000);
      targets[1].written.add("900.3");
    },
    kinds: ["orphan-region"],
    where: /^region 900\.3 on target-0+2 \(4\.9 KiB, written to\)$/,
    after: async ({ targets }) => assert.equal(targets[1].regions.has("900.3"), false),
  },
  {
    name: "a region of a number that was never given out",
    plant: async ({ targets }) => void targets[0].regions.set("70000.0", 5),
    kinds: ["low-inode-number", "orphan-region"],
    where: /70000/,
    after: async ({ origin }) => {
      const { stat } = await origin.create("/new");
      assert.ok(stat.inode < 70_000, "what was reserved before is still used");
    },
  },
  {
    name: "a region that is gone",
    plant: async (check) => {
      const name = `${await check.inode("/d/f")}.1`;
      holder(check, name).regions.delete(name);
    },
    kinds: ["missing-region"],
    where: /^region \d+\.1 on target-\w+ of :\/d\/f \(48 KiB\)$/,
  },
  {
    name: "a region that is shorter than its file",
    plant: async (check) => {
      const name = `${await check.inode("/g")}.0`;
      holder(check, name).regions.set(name, 4000);
    },
    kinds: ["short-region"],
    where: /of :\/(g|d\/g2) \(1000 B/,
  },
  {
    name: "a region that is longer than its file's extent",
    plant: async (check) => {
      const name = `${await check.inode("/g")}.0`;
      holder(check, name).regions.set(name, 9000);
    },
    kinds: ["long-region"],
    where: /of :\/(g|d\/g2) \(3\.9 KiB/,
    after: async (check) => {
      const name = `${await check.inode("/g")}.0`;
      assert.equal(holder(check, name).regions.get(name), 5000);
    },
  },
  {
    name: "a region whose header cannot be used",
    plant: async (check) => {
      const name = `${await check.inode("/g")}.0`;
      holder(check, name).faults.set(name, "its checksum is wrong");
    },
    kinds: ["unusable-region"],
    where: /^region \d+\.0 on target/,
  },
  {
    name: "a second region on another target",
    plant: async (check) => {
      const name = `${await check.inode("/g")}.0`;
      const home = holder(check, name);
      for (const target of check.targets) if (target !== home) target.regions.set(name, 5000);
    },
    kinds: ["misplaced-region"],
    where: /of :\/(g|d\/g2)/,
    after: async (check) => {
      const name = `${await check.inode("/g")}.0`;
      assert.equal(check.targets.filter(({ regions }) => regions.has(name)).length, 1);
    },
  },
  {
    name: "the only copy of a region on another target stays",
    plant: async (check) => {
      const name = `${await check.inode("/g")}.0`;
      const home = holder(check, name);
      home.regions.delete(name);
      for (const target of check.targets) if (target !== home) target.regions.set(name, 5000);
    },
    kinds: ["misplaced-region", "missing-region"],
    where: /of :\/(g|d\/g2)/,
  },
  {
    name: "a name that leads to no inode",
    plant: (check) => plantEntry(check, ROOT_INODE, "dangling", 999, "file"),
    kinds: ["dangling-entry"],
    where: /^:\/dangling \(inode 999\)$/,
    after: async ({ origin }) => assert.deepEqual(await origin.names("/"), ["d/", "g", "link -> d/f"]),
  },
];

async function plantEntry(
  check: CheckWorld,
  directory: number,
  name: string,
  inode: number,
  type: "file" | "directory" | "symlink",
): Promise<void> {
  await check.edit((kv) => kv.set(entryKey(directory, name), encodeEntry({ inode, type })));
}

const NAME_CASES: readonly Case[] = [
  {
    name: "a name of another type",
    plant: async (check) => plantEntry(check, ROOT_INODE, "g", await check.inode("/g"), "symlink"),
    kinds: ["wrong-type-entry"],
    where: /^:\/g \(inode \d+\)$/,
    after: async ({ origin }) => assert.equal((await origin.stat("/g")).size, 5000),
  },
  {
    name: "a name in a directory that is not there",
    plant: async (check) => {
      const inode = await check.inode("/link");
      await check.edit((kv) => kv.delete(entryKey(ROOT_INODE, "link")));
      await plantEntry(check, 800, "odd", inode, "symlink");
    },
    kinds: ["stray-entry"],
    where: /^"odd" in directory 800 \(inode \d+\)$/,
    after: async (check) => {
      const { origin } = check;
      assert.deepEqual(await origin.names("/"), ["d/", "g", "lost+found/"]);
      assert.match((await origin.names("/lost+found")).join(), /^\d+ -> d\/f$/);
    },
  },
  {
    name: "a directory in two places",
    plant: async (check) => plantEntry(check, ROOT_INODE, "z", await check.inode("/d/e"), "directory"),
    kinds: ["second-entry", "wrong-nlink"],
    where: /inode/,
    after: async ({ origin }) => {
      const places = [...(await origin.names("/")), ...(await origin.names("/d"))];
      assert.equal(places.filter((name) => name === "e/" || name === "z/").length, 1);
    },
  },
  {
    name: "a file without a name",
    plant: async (check) => {
      const directory = await check.inode("/d");
      await check.edit((kv) => kv.delete(entryKey(directory, "f")));
    },
    kinds: ["nameless-inode"],
    where: /^inode \d+$/,
    after: async ({ origin }) => {
      const [name] = await origin.names("/lost+found");
      assert.equal((await origin.stat(`/lost+found/${name}`)).size, 100_000);
    },
  },
  {
    name: "a directory without a name, with what is in it",
    plant: (check) =>
      check.edit((kv) => {
        kv.delete(entryKey(ROOT_INODE, "d"));
        changeInode(kv, ROOT_INODE, { nlink: 2 }, 1);
      }),
    kinds: ["nameless-inode"],
    where: /^inode \d+$/,
    after: async ({ origin }) => {
      const [name = ""] = await origin.names("/lost+found");
      assert.deepEqual(await origin.names(`/lost+found/${name}`), ["e/", "f", "g2"]);
    },
  },
  {
    name: "a file that says too many names",
    plant: async (check) => {
      const inode = await check.inode("/g");
      await check.edit((kv) => void changeInode(kv, inode, { nlink: 7 }, 1));
    },
    kinds: ["wrong-nlink"],
    where: /^:\/(g|d\/g2) \(inode \d+\)$/,
    after: async ({ origin }) => assert.equal((await origin.stat("/g")).nlink, 2),
  },
  {
    name: "a directory that says too few directories",
    plant: async (check) => {
      const inode = await check.inode("/d");
      await check.edit((kv) => void changeInode(kv, inode, { nlink: 2 }, 1));
    },
    kinds: ["wrong-nlink"],
    where: /^:\/d \(inode \d+\)$/,
    after: async ({ origin }) => assert.equal((await origin.stat("/d")).nlink, 3),
  },
  {
    name: "directories that lie in each other",
    plant: async (check) => {
      const [d, e] = [await check.inode("/d"), await check.inode("/d/e")];
      await check.edit((kv) => {
        kv.delete(entryKey(ROOT_INODE, "d"));
        kv.set(entryKey(e, "up"), encodeEntry({ inode: d, type: "directory" }));
        changeInode(kv, e, { nlink: 3 }, 1);
        changeInode(kv, ROOT_INODE, { nlink: 2 }, 1);
      });
    },
    kinds: ["directory-loop"],
    where: /"(up|e)".*>/,
    after: async ({ origin }) => assert.equal((await origin.names("/lost+found")).length, 1),
  },
  {
    name: "a symbolic link that says nothing",
    plant: async (check) => {
      const inode = await check.inode("/link");
      await check.edit((kv) => kv.delete(linkKey(inode)));
    },
    kinds: ["silent-link"],
    where: /^:\/link/,
  },
  {
    name: "attributes, a link's text and an orphan's note of nobody",
    plant: (check) =>
      check.edit((kv) => {
        kv.set(xattrKey(700, "user.a"), EMPTY);
        kv.set(linkKey(700), Buffer.from("x"));
        kv.set(orphanKey(700), EMPTY);
      }),
    kinds: ["stray-record", "stray-record", "stray-record"],
    where: /^record [0-9a-f]+$/,
    after: async () => {},
  },
  {
    name: "notes that would remove what is alive",
    plant: async (check) => {
      const [g, d] = [await check.inode("/g"), await check.inode("/d")];
      const { id } = holder(check, `${g}.0`);
      await check.edit((kv) => {
        kv.set(removalKey(id, g, 0), EMPTY);
        kv.set(trashKey(d), EMPTY);
        kv.set(orphanKey(g), EMPTY);
      });
    },
    kinds: ["stray-record", "stray-record", "stray-record"],
    where: /^record [0-9a-f]+/,
    after: async (check) => {
      // Both begin what would have acted on the notes.
      await check.origin.mkdir("/t/u", { recursive: true });
      await check.origin.create("/t/v", { size: 100_000, stripeUnit: 4096, targets: 2 });
      await check.origin.remove("/t", { recursive: true });
      await check.world.settle();
      assert.deepEqual(await check.origin.names("/d"), ["e/", "f", "g2"]);
      holder(check, `${await check.inode("/g")}.0`);
    },
  },
  {
    name: "a name that cannot be read",
    plant: (check) => check.edit((kv) => kv.set(entryKey(ROOT_INODE, "bad"), Buffer.of(1, 2, 3))),
    kinds: ["damaged-record"],
    where: /^record 65/,
    after: async ({ origin }) => assert.deepEqual(await origin.names("/"), ["d/", "g", "link -> d/f"]),
  },
  {
    name: "an inode that cannot be read, whose names are no findings",
    plant: async (check) => {
      const inode = await check.inode("/g");
      await check.edit((kv) => kv.set(inodeKey(inode), Buffer.of(1, 2, 3)));
    },
    kinds: ["damaged-record"],
    where: /^record 69\w+ of :\/(g|d\/g2)$/,
  },
  {
    name: "a record of no kind that is known",
    plant: (check) => check.edit((kv) => kv.set(Buffer.from("Zebra"), EMPTY)),
    kinds: ["damaged-record"],
    where: /^record 5a65627261$/,
  },
  {
    name: "numbers that would be given out again",
    plant: (check) => check.edit((kv) => kv.set(NEXT_INODE_KEY, u64(3))),
    kinds: ["low-inode-number"],
    where: /inode \d+/,
    after: async () => {},
  },
  {
    name: "a wrong count of inodes",
    plant: (check) => check.edit((kv) => kv.set(INODE_COUNT_KEY, u64(99))),
    kinds: ["wrong-inode-count"],
    where: /^6 inodes$/,
    after: async ({ origin }) => assert.equal((await origin.call("meta.statfs", {})).inodes, 6),
  },
];

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

describe("what check finds, and how it ends", () => {
  for (const { name, plant, kinds, where, after } of [...CASES, ...NAME_CASES]) {
    test(name, async (context) => {
      const check = await CheckWorld.open(context);
      assert.deepEqual(await check.kinds(), []);
      await plant(check);
      const examined = await check.look();
      assert.deepEqual(kindsOf(examined), kinds);
      assert.deepEqual(examined.notChecked, []);
      for (const { finding } of examined.found) assert.match(finding.where, where);
      const refused = await check.repair(examined);
      if (after === undefined) {
        assert.ok(refused.length > 0);
        assert.deepEqual(await check.kinds(), kinds);
      } else {
        assert.deepEqual(refused, []);
        assert.deepEqual(await check.kinds(), []);
        await after(check);
      }
    });
  }
});

describe("a look at a cluster", () => {
  test("that goes on all the while finds nothing that is not wrong", async (context) => {
    const check = await CheckWorld.open(context);
    const busy = await check.world.origin();
    for (let i = 0; i < 40; i += 1) await busy.symlink("x", `/d/${i}`);
    let step = 0;
    const changes = [
      () => busy.create(`/n${step}`, { size: 10_000, targets: 2, stripeUnit: 4096 }),
      () => busy.call("meta.link", { existing: "/g", path: `/d/l${step}` }),
      () => busy.rename(`/d/l${step - 1}`, `/l${step}`),
      () => busy.mkdir(`/d/e/m${step}/x`, { recursive: true }),
      () => busy.rename(`/d/e/m${step - 1}`, `/m${step}`),
      () => busy.remove(`/m${step - 1}`, { recursive: true }),
      () => busy.remove(`/n${step - 6}`),
      () => busy.remove(`/l${step - 5}`),
    ];
    const change = async (): Promise<void> => {
      await (changes[step % changes.length] as () => Promise<unknown>)();
      step += 1;
      check.world.clock.advance(1);
    };
    let changed = Promise.resolve();
    const between = (): Promise<void> => {
      changed = changed.then(change);
      return changed;
    };
    for (let round = 0; round < 3; round += 1) {
      const { found } = await check.look({ between });
      assert.deepEqual(
        found.map(({ finding }) => finding),
        [],
      );
    }
    assert.ok(step >= 5 * changes.length, `the cluster was changed ${step} times`);
  });

  test("goes over pages, however many records there are", async (context) => {
    const check = await CheckWorld.open(context);
    await check.edit((kv) => {
      for (let i = 0; i < 3000; i += 1) kv.set(xattrKey(1000 + i, "user.a"), EMPTY);
    });
    for (let i = 0; i < 600; i += 1) check.targets[0].regions.set(`${100 + i}.0`, 1);
    const kinds = await check.kinds();
    assert.equal(kinds.filter((kind) => kind === "stray-record").length, 3000);
    assert.equal(kinds.filter((kind) => kind === "orphan-region").length, 600);
  });

  test("says what it could not look at: targets that are down, and those that nobody knows", async (context) => {
    const check = await CheckWorld.open(context);
    check.targets[1].leave();
    await check.world.settle();
    const { found, notChecked } = await check.look();
    assert.deepEqual(found, []);
    assert.deepEqual(
      notChecked.map(({ what }) => what),
      [`target-${check.targets[1].id}`],
    );
    await check.world.stop();
    await check.world.start();
    const again = CheckWorld.around(check, await check.world.origin());
    const unknown = await again.look();
    assert.deepEqual(unknown.found, []);
    assert.equal(unknown.notChecked.length, 2);
    assert.match(unknown.notChecked[0]?.why ?? "", /no such target has registered/);
  });

  test("of a part tells what is wrong there, and nothing else", async (context) => {
    const check = await CheckWorld.open(context);
    await plantEntry(check, ROOT_INODE, "a", 998, "file");
    await plantEntry(check, await check.inode("/d/e"), "b", 999, "file");
    const { found } = await check.look({ below: await check.inode("/d") });
    assert.deepEqual(
      found.map(({ finding }) => finding.where),
      [":/d/e/b (inode 999)"],
    );
  });

  test("a repair that comes too late changes nothing", async (context) => {
    const check = await CheckWorld.open(context);
    const inode = await check.inode("/g");
    await check.edit((kv) => void changeInode(kv, inode, { nlink: 7 }, 1));
    await plantEntry(check, ROOT_INODE, "a", 999, "file");
    const examined = await check.look();
    await check.origin.call("meta.link", { existing: "/g", path: "/more" });
    await plantEntry(check, ROOT_INODE, "a", await check.inode("/link"), "symlink");
    await check.repair(examined);
    assert.equal((await check.origin.stat("/g")).nlink, 8);
    assert.ok((await check.origin.names("/")).includes("a -> d/f"));
  });

  test("a file that somebody has open without a name is no finding", async (context) => {
    const check = await CheckWorld.open(context);
    const other = await check.world.origin();
    await other.open("/d/f");
    await check.origin.remove("/d/f");
    assert.deepEqual(await check.kinds(), []);
    other.leave();
    await check.world.settle();
    assert.deepEqual(await check.kinds(), []);
  });

  test("regions that a target has still to remove are no findings", async (context) => {
    const check = await CheckWorld.open(context);
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const target of check.targets) target.removalHold = promise;
    check.origin.begin("meta.remove", { path: "/d/f", recursive: false });
    await check.world.settle();
    assert.deepEqual(await check.kinds(), []);
    resolve();
    await check.world.settle();
    assert.deepEqual(await check.kinds(), []);
  });
});
