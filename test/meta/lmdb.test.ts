import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { LmdbEngine } from "../../src/meta/engines/lmdb.ts";
import type { KvEngine } from "../../src/ports/kv.ts";
import { kvConformance } from "./kv-conformance.ts";

kvConformance("LMDB", async () => {
  const dir = mkdtempSync(path.join(tmpdir(), "didafs-lmdb-"));
  let engine: KvEngine | undefined;
  return {
    open: async () => {
      await engine?.close();
      engine = new LmdbEngine({ path: path.join(dir, "meta.mdb"), freeBytes: () => 1e9 });
      return engine;
    },
    close: async () => {
      await engine?.close();
      rmSync(dir, { recursive: true });
    },
  };
});

const key = (...bytes: number[]) => Uint8Array.from(bytes);

/** A file system of `byteLength` bytes, where this user may make one. */
function smallFileSystem(byteLength: number): { dir: string; free(): void } | undefined {
  const dir = mkdtempSync(path.join(tmpdir(), "didafs-small-"));
  const shell = (command: string) => spawnSync("sh", ["-c", command]).status === 0;
  const mounted = shell(`mount -t tmpfs -o size=${byteLength} didafs-test ${dir}`);
  if (!mounted) {
    rmSync(dir, { recursive: true });
    return undefined;
  }
  const free = () => {
    shell(`umount ${dir}`);
    rmSync(dir, { recursive: true });
  };
  return { dir, free };
}

test("a full drive is ERR_NO_SPACE for what needs space; the rest goes on", async (context) => {
  const small = smallFileSystem(4 << 20);
  if (small === undefined) return context.skip("this user may not mount a small file system");
  const { dir } = small;
  const freeBytes = () => {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  };
  const engine = new LmdbEngine({ path: path.join(dir, "meta.mdb"), freeBytes });
  try {
    const fill = async (count: number) => {
      for (let i = 0; i < count; i++) {
        await engine.transact((kv) => {
          for (let j = 0; j < 10; j++) kv.set(key(1, i, j), Buffer.alloc(3000));
        });
      }
    };
    await assert.rejects(fill(255), { code: "ERR_NO_SPACE" });
    const counted = () => engine.read((reader) => [...reader.scan(key(0), key(9), 10_000)].length);
    const before = counted();
    const tooMuch = engine.transact((kv) => {
      for (let j = 0; j < 250; j++) kv.set(key(2, j), Buffer.alloc(3000));
    });
    const neighbour = engine.transact((kv) => kv.delete(key(1, 0, 0)));
    await assert.rejects(tooMuch, { code: "ERR_NO_SPACE", applied: "no" });
    await neighbour;
    assert.equal(counted(), before - 1);
  } finally {
    await engine.close();
    small.free();
  }
});

test("a commit that fails with room left is ERR_IO", async (context) => {
  const small = smallFileSystem(1 << 20);
  if (small === undefined) return context.skip("this user may not mount a small file system");
  const engine = new LmdbEngine({ path: path.join(small.dir, "meta.mdb"), freeBytes: () => 1e9 });
  try {
    const write = engine.transact((kv) => {
      for (let j = 0; j < 250; j++) for (let i = 0; i < 4; i++) kv.set(key(1, i, j), Buffer.alloc(3000));
    });
    await assert.rejects(write, { code: "ERR_IO", applied: "no" });
  } finally {
    await engine.close();
    small.free();
  }
});
