import assert from "node:assert/strict";
import { mkdtempSync, statfsSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { alsoWhereItMayMount, smallFileSystem } from "../support/small-file-system.ts";
import { type EngineHome, LmdbHome } from "./engine-homes.ts";
import { kvConformance, SMALL_BYTES } from "./kv-conformance.ts";

const smallDir = smallFileSystem(SMALL_BYTES);
const failingDir = smallFileSystem(1 << 20);
if (smallDir === undefined) alsoWhereItMayMount(import.meta.filename);

function smallHome(dir: string): EngineHome {
  return new LmdbHome(mkdtempSync(path.join(dir, "home-")), () => {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  });
}

kvConformance("LMDB", () => new LmdbHome(), smallDir === undefined ? undefined : () => smallHome(smallDir));

const key = (...bytes: number[]) => Uint8Array.from(bytes);

if (failingDir !== undefined)
  test("a commit that fails with room left is ERR_IO, and may be there or not", async () => {
    const home = new LmdbHome(mkdtempSync(path.join(failingDir, "home-")));
    try {
      const write = home.open().transact((kv) => {
        for (let j = 0; j < 250; j++) for (let i = 0; i < 4; i++) kv.set(key(1, i, j), Buffer.alloc(3000));
      });
      await assert.rejects(write, { code: "ERR_IO", applied: "unknown" });
    } finally {
      await home.close();
    }
  });
