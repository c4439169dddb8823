/** A full drive: whoever needs room is told so, and nobody else notices. */
import assert from "node:assert/strict";
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { type Cluster, connect, isDidafsError } from "../../src/index.ts";
import { readRunRecord } from "../../src/runtime/run-file.ts";
import { Home } from "../cli/didafs.ts";
import { until } from "../runtime/scratch.ts";
import { alsoWhereItMayMount, smallFileSystem } from "../support/small-file-system.ts";

const MIB = 1 << 20;
const NO_SPACE_EXIT = 10;
/** More small changes than there is room for. */
const CHANGES_MAX = 20_000;

const drive = smallFileSystem(24 * MIB);
if (drive === undefined) alsoWhereItMayMount(import.meta.filename);
else describe("a cluster on a full drive", () => onFullDrive(drive));

function onFullDrive(dir: string): void {
  let home: Home;
  let cluster: Cluster;
  before(async () => {
    home = new Home(path.join(dir, "data"));
    await home.up("--targets", "2");
    const keyFile = path.join(home.dir, ".config/didafs/key");
    cluster = await connect(home.env.DIDAFS_URL, { keyFile });
    await using file = await cluster.open("/kept", { create: true, size: MIB });
    await using window = await file.window({ rights: "rw" });
    await window.put(0, new Uint8Array(MIB).fill(1));
    await window.flush("stable");
    await cluster.mkdir("/directory");
    await cluster.setXattr("/kept", "user.was", Buffer.from("there"));
  });
  after(async () => {
    rmSync(path.join(dir, "ballast"), { force: true });
    await cluster.close();
    await home[Symbol.asyncDispose]();
  });

  /** Does it again and again, until there is no room for more. */
  async function untilFull(what: (count: number) => Promise<unknown>): Promise<void> {
    for (let count = 0; count < CHANGES_MAX; count += 1) {
      try {
        await what(count);
      } catch (error) {
        assert.ok(isDidafsError(error, "ERR_NO_SPACE"), String(error));
        assert.equal(error.applied, "no");
        return;
      }
    }
    assert.fail("there is room for everything");
  }

  /** What was there is read and written, the services live, and nothing was started again. */
  async function everythingElseWorks(): Promise<void> {
    await using file = await cluster.open("/kept");
    await using window = await file.window({ rights: "rw" });
    await window.store(0, 77);
    await window.flush("stable");
    assert.equal(
      (await window.get(8, new Uint8Array(MIB - 8))).every((byte) => byte === 1),
      true,
    );
    await using other = await connect(cluster.url, {
      keyFile: path.join(home.dir, ".config/didafs/key"),
      transport: "tcp",
    });
    await using seen = await other.open("/kept", { rights: "r" });
    await using tcp = await seen.window();
    assert.equal(await tcp.load(0), 77);
    assert.equal(Buffer.from(await cluster.getXattr("/kept", "user.was")).toString(), "there");
    assert.equal((await cluster.stat("/directory")).type, "directory");
    assert.deepEqual(await lives(), served);
  }

  /** Whose lives they are; a service that was started again has another one. */
  async function lives(): Promise<unknown> {
    const { pid, targets } = await cluster.status();
    return { meta: pid, targets: targets.map((target) => [target.state, target.pid]) };
  }

  let served: unknown;
  before(async () => {
    served = await lives();
  });

  test("new files, longer files and copies are refused; what is there stays", async () => {
    await assert.rejects(cluster.open("/too-big", { create: true, size: 64 * MIB }), {
      code: "ERR_NO_SPACE",
    });
    await assert.rejects(cluster.stat("/too-big"), { code: "ENOENT" });
    await using kept = await cluster.open("/kept");
    await assert.rejects(kept.resize(64 * MIB), { code: "ERR_NO_SPACE" });
    assert.equal((await cluster.stat("/kept")).size, MIB);
    const source = path.join(home.dir, "source");
    writeFileSync(source, new Uint8Array(64 * MIB));
    const { code, stderr } = await home.run(["cp", source, ":/copied"]);
    assert.deepEqual([code, /\(ERR_NO_SPACE\)/.test(stderr)], [NO_SPACE_EXIT, true], stderr);
    assert.equal((await home.run(["stat", ":/copied"])).code, 8);
    await untilFull((count) =>
      cluster.open(`/fill-${count}`, { create: true, size: MIB }).then((file) => file.close()),
    );
    await everythingElseWorks();
  });

  test("names are refused too, once the metadata have no room", async () => {
    fill(path.join(dir, "ballast"));
    await untilFull((count) => cluster.mkdir(`/directory/${count}`));
    await untilFull((count) => cluster.setXattr("/kept", `user.${count}`, new Uint8Array(60_000)));
    // Makes nothing longer, so it may find room; where it does not, it is told so.
    await cluster.rename("/kept", "/moved").then(
      () => cluster.rename("/moved", "/kept"),
      (error) => assert.equal(error.code, "ERR_NO_SPACE"),
    );
    await untilFull((count) =>
      cluster.open(`/empty-${count}`, { create: true }).then((file) => file.close()),
    );
    await everythingElseWorks();
  });

  test("removing works on a full drive, and gives room again", async () => {
    fill(path.join(dir, "ballast-2"));
    await cluster.remove("/fill-0");
    await cluster.remove("/fill-1");
    await everythingElseWorks();
  });

  test("with room again everything works again", async () => {
    for (const name of ["ballast", "ballast-2"]) rmSync(path.join(dir, name), { force: true });
    await cluster.mkdir("/new-directory");
    await using file = await cluster.open("/new-file", { create: true, size: MIB });
    await using window = await file.window({ rights: "rw" });
    await window.store(0, 1);
    await everythingElseWorks();
  });

  test("a cluster stops and starts on a full drive", async () => {
    fill(path.join(dir, "ballast"));
    await cluster.close();
    await home.ok("down");
    // What stopping gave back.
    fill(path.join(dir, "ballast-3"));
    const again = await home.run(["up", "--port", "0"]);
    assert.equal(again.code, 0, again.stderr);
    const url = /^serving (\S+)$/m.exec(again.stdout)?.[1];
    assert.ok(url !== undefined, again.stdout);
    assert.match(
      again.stdout,
      /stop +kill \d+ \(or didafs down/,
      "there was no room to note whom down is to stop",
    );
    home.env.DIDAFS_URL = url;
    const { stdout } = await home.run(["cat", ":/kept"]);
    assert.equal(stdout.length, MIB);
    for (const name of ["ballast", "ballast-3"]) rmSync(path.join(dir, name));
    await until(() => readRunRecord(home.data) !== undefined);
    await home.ok("down");
  });
}

/** Takes all room that is left. */
function fill(file: string): void {
  const descriptor = openSync(file, "w");
  try {
    for (const size of [MIB, 4096]) {
      const bytes = new Uint8Array(size);
      try {
        for (;;) if (writeSync(descriptor, bytes) < size) break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    }
  } finally {
    closeSync(descriptor);
  }
}
