import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { type EngineHome, LmdbHome } from "./engine-homes.ts";
import { kvConformance, SMALL_BYTES } from "./kv-conformance.ts";

const shell = (command: string) => spawnSync("sh", ["-c", command]).status === 0;

/** A file system of `byteLength` bytes, where this user may make one; it goes away with the tests. */
function smallFileSystem(byteLength: number): string | undefined {
  const dir = mkdtempSync(path.join(tmpdir(), "didafs-small-"));
  const mounted = shell(`mount -t tmpfs -o size=${byteLength} didafs-test ${dir}`);
  after(() => {
    if (mounted) shell(`umount ${dir}`);
    rmSync(dir, { recursive: true });
  });
  return mounted ? dir : undefined;
}

const smallDir = smallFileSystem(SMALL_BYTES);

function smallHome(dir: string): EngineHome {
  return new LmdbHome(mkdtempSync(path.join(dir, "home-")), () => {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  });
}

kvConformance("LMDB", () => new LmdbHome(), smallDir === undefined ? undefined : () => smallHome(smallDir));

const key = (...bytes: number[]) => Uint8Array.from(bytes);

test("a commit that fails with room left is ERR_IO", async (context) => {
  const dir = smallFileSystem(1 << 20);
  if (dir === undefined) return context.skip("this user may not mount a small file system");
  const home = new LmdbHome(mkdtempSync(path.join(dir, "home-")));
  try {
    const write = home.open().transact((kv) => {
      for (let j = 0; j < 250; j++) for (let i = 0; i < 4; i++) kv.set(key(1, i, j), Buffer.alloc(3000));
    });
    await assert.rejects(write, { code: "ERR_IO", applied: "no" });
  } finally {
    await home.close();
  }
});
