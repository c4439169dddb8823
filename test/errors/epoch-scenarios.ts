import type { DidafsWindow } from "../../src/index.ts";
import type { Fixture, Scenarios } from "./fixture.ts";

/** Opens a window on a new file and does `body` with it. */
async function onWindow(
  { cluster }: Fixture,
  path: string,
  sharing: "managed" | "raw",
  body: (window: DidafsWindow) => Promise<unknown>,
): Promise<void> {
  await using file = await (await cluster).open(path, { create: true, size: 8192 });
  await using window = await file.window({ rights: "rw", sharing });
  await body(window);
}

/** What epochs give. */
export const EPOCH_SCENARIOS = {
  ERR_EPOCH_CONFLICT: {
    names: /run it again/,
    provoke: (fixture) =>
      onWindow(fixture, "/conflict", "managed", (window) =>
        window.epoch(async (e) => {
          await e.store(8, await e.load(0));
          await window.store(0, 1);
        }),
      ),
  },
  ERR_INVALID_EPOCH: {
    names: /atomicity "none".*a conflict is found when it closes/,
    provoke: (fixture) =>
      onWindow(fixture, "/invalid", "managed", (window) =>
        window.epoch({ atomicity: "none" }, (e) => e.store(0, 1)),
      ),
  },
  ERR_REGION_RAW: {
    names: /raw window/,
    provoke: (fixture) =>
      onWindow(fixture, "/raw-epoch", "raw", (window) => window.epoch((e) => e.store(0, 1))),
  },
} satisfies Partial<Scenarios<string>>;
