import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
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
