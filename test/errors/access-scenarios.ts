import type { Cluster, DidafsWindow, Range } from "../../src/index.ts";
import { TargetFixture } from "../target/target-fixture.ts";
import type { Scenarios } from "./fixture.ts";

const BYTES = 8192;
const WHOLE = {
  inode: 1,
  index: 0,
  at: 0,
  byteLength: BYTES,
  rights: "rw",
  sharing: "managed",
  direct: false,
} as const;

/** Opens a window on a new file and does `body` with it. */
async function onWindow(
  cluster: Promise<Cluster>,
  path: string,
  rights: "r" | "rw",
  body: (window: DidafsWindow) => unknown,
): Promise<void> {
  await using file = await (await cluster).open(path, { create: true, size: BYTES });
  await using window = await file.window({ rights });
  await body(window);
}

/** A simulated target with a region, and an origin that speaks to it without the library. */
async function bareOrigin() {
  const target = new TargetFixture();
  await target.registered();
  await target.createRegion(WHOLE.inode, WHOLE.index, BYTES);
  const origin = await target.origin();
  await origin.openSession();
  return { target, origin };
}

/** What accesses to the bytes of a file give. */
export const ACCESS_SCENARIOS = {
  ERR_RANGE: {
    names: /8190/,
    provoke: ({ cluster }) =>
      onWindow(cluster, "/range", "r", (window) => window.get(BYTES - 2, new Uint8Array(3))),
  },
  ERR_ALIGNMENT: {
    names: /multiple of 8 bytes.*not at 3/,
    provoke: ({ cluster }) => onWindow(cluster, "/alignment", "r", (window) => window.loadSync(3)),
  },
  ERR_UNSAFE_INTEGER: {
    names: /1152921504606846976/,
    applied: "yes",
    provoke: ({ cluster }) =>
      onWindow(cluster, "/unsafe", "rw", async (window) => {
        await window.store(0, 2n ** 60n);
        await window.fetchAdd(0, 1);
      }),
  },
  ERR_RIGHTS: {
    names: /reading/,
    provoke: ({ cluster }) => onWindow(cluster, "/rights", "r", (window) => window.store(0, 1)),
  },
  ERR_BAD_HANDLE: {
    names: /99/,
    async provoke() {
      const { origin } = await bareOrigin();
      await origin.call("window.unbind", { handle: 99 });
    },
  },
  ERR_NOT_DIRECT: {
    names: /TCP/,
    provoke: (fixture) => onWindow(fixture.client("tcp"), "/not-direct", "r", (window) => window.view(0, 8)),
  },
  ERR_NOT_CONTIGUOUS: {
    names: /several targets/,
    async provoke({ cluster }) {
      const layout = { size: BYTES, targets: 2, stripeUnit: 4096 };
      await using file = await (await cluster).open("/striped", { create: true, ...layout });
      await using window = await file.window();
      window.view(0, BYTES);
    },
  },
  ERR_SHARING_CONFLICT: {
    names: /raw/,
    async provoke({ cluster }) {
      await using file = await (await cluster).open("/sharing", { create: true, size: BYTES });
      await using _ = await file.window({ rights: "rw", sharing: "managed" });
      await file.window({ rights: "rw", sharing: "raw" });
    },
  },
  ERR_REVOKED: {
    names: /taken back/,
    async provoke(fixture) {
      const cluster = await fixture.client("tcp");
      await using file = await cluster.open("/revoked", { create: true, size: BYTES });
      await using window = await file.window();
      await cluster.revoke("/revoked");
      await window.load(0);
    },
  },
  ERR_DEADLOCK: {
    names:
      /exclusive lock on 8 bytes at \d waits in a circle: this origin \(\w{8}\) waits for bytes .*; origin \w{8} waits for/,
    async provoke(fixture) {
      await using mine = await (await fixture.cluster).open("/deadlock", { create: true, size: BYTES });
      await using other = await (await fixture.client("tcp")).open("/deadlock");
      await using one = await mine.window({ rights: "rw" });
      await using two = await other.window({ rights: "rw" });
      const [left, right] = [0, 8].map((at) => ({ at, length: 8, mode: "exclusive" }) as const) as [
        Range,
        Range,
      ];
      await Promise.all([one.lock(left), two.lock(right)]);
      const waits = [one.lock(right), two.lock(left)];
      // The other one is granted, or ends, with the windows.
      for (const wait of waits) wait.catch(() => {});
      await Promise.race(waits);
    },
  },
  // Not by the library: it asks for another capability by itself.
  ERR_EXPIRED: {
    names: /capability has run out/,
    async provoke() {
      const { target, origin } = await bareOrigin();
      await origin.bind(WHOLE, { expiresMs: target.clock.wallMs() });
    },
  },
  ERR_CAPABILITY: {
    names: /forged|signature|refused/,
    async provoke() {
      const { origin } = await bareOrigin();
      const params = origin.bindParams(WHOLE);
      const last = params.capability.at(-1) === "0" ? "1" : "0";
      await origin.call("window.bind", { ...params, capability: params.capability.slice(0, -1) + last });
    },
  },
} satisfies Partial<Scenarios<string>>;
