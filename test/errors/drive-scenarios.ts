import { existsSync, mkdirSync, rmSync, truncateSync } from "node:fs";
import path from "node:path";
import type { Fixture, Scenarios } from "./fixture.ts";

const BYTES = 8192;

/** Makes a file, has `damage` done to what its target keeps of it, and then opens it for access. */
async function openAfter(fixture: Fixture, name: string, damage: (region: string) => void): Promise<void> {
  await using file = await (await fixture.cluster).open(name, { create: true, size: BYTES });
  const { inode } = await file.stat();
  for (const target of ["target-0", "target-1"]) {
    damage(path.join(fixture.dataOf("files"), target, "regions", `${inode}.0`));
  }
  await file.window();
}

/** What drives and the regions on them give. */
export const DRIVE_SCENARIOS = {
  ERR_NO_SPACE: {
    names: /cannot reserve \d+ (more )?bytes.*free/,
    provoke: async ({ cluster }) => (await cluster).open("/too-big", { create: true, size: 2 ** 50 }),
  },
  ERR_NOT_DURABLE: {
    names: /memory drive/,
    async provoke({ memoryCluster }) {
      await using file = await (await memoryCluster).open("/fleeting", { create: true, size: BYTES });
      await using window = await file.window({ rights: "rw" });
      await window.flush("stable");
    },
  },
  ERR_IO: {
    names: /EISDIR/,
    provoke: (fixture) =>
      openAfter(fixture, "/io", (region) => {
        rmSync(region, { force: true });
        mkdirSync(region);
      }),
  },
  ERR_DATA_LOST: {
    names: /Region \d+\.0 is gone/,
    provoke: (fixture) => openAfter(fixture, "/lost", (region) => rmSync(region, { force: true })),
  },
  ERR_CORRUPT: {
    names: /Region \d+\.0 cannot be used/,
    provoke: (fixture) =>
      openAfter(fixture, "/damaged", (region) => {
        if (existsSync(region)) truncateSync(region, 4096);
      }),
  },
  ERR_NO_TARGET: {
    names: /3 targets.*2 live/,
    provoke: async ({ cluster }) => (await cluster).open("/too-wide", { create: true, targets: 3 }),
  },
} satisfies Partial<Scenarios<string>>;
