import assert from "node:assert/strict";
import { after, before } from "node:test";
import type { Cluster, DidafsFile, DidafsWindow, WindowOptions } from "../../src/index.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";
import { wordContract } from "./word-contract.ts";

type Way = "direct" | "unix" | "tcp";

let local: LocalCluster;
const clients = new Map<string, Cluster>();
let files = 0;

/** Who waits, and who writes. */
const PAIRS: readonly (readonly [Way, Way])[] = [
  ["direct", "direct"],
  ["direct", "tcp"],
  ["tcp", "direct"],
  ["tcp", "tcp"],
  ["unix", "unix"],
];

before(async () => {
  local = await startLocalCluster({ targets: 3 });
  for (const transport of ["direct", "tcp"] as const) {
    for (const who of ["waiter", "writer"]) clients.set(`${transport} ${who}`, await local.attach(transport));
  }
  // A part of a region is reached by commands on this machine, too.
  for (const who of ["waiter", "writer"]) clients.set(`unix ${who}`, await local.attach("auto"));
});
after(async () => {
  await local[Symbol.asyncDispose]();
});

function subject([waits, writes]: readonly [Way, Way], sharing: "managed" | "raw", targets: number) {
  return {
    async open(size: number) {
      const path = `/words/${files++}`;
      const first = clients.get(`${waits} waiter`) as Cluster;
      const second = clients.get(`${writes} writer`) as Cluster;
      const rest = 8 * 4096;
      const made = { create: "exclusive", size: size + rest, targets, stripeUnit: 4096 } as const;
      const whole = await first.open(path, made);
      if (!(waits === "unix" || writes === "unix")) await whole.resize(size);
      const open = async (file: DidafsFile, way: Way, options: WindowOptions): Promise<DidafsWindow> => {
        const length = way === "unix" ? { at: 0, length: size } : {};
        const window = await file.window({ sharing, ...length, ...options });
        assert.equal(window.locality, way);
        return window;
      };
      const waiter = await open(whole, waits, { rights: "rw" });
      const writer = await open(await second.open(path), writes, { rights: "rw" });
      return {
        file: whole,
        waiter,
        writer,
        again: (rights: "r" | "rw") => open(whole, waits, { rights }),
        revoke: () => local.cluster.revoke(path),
      };
    },
  };
}

for (const pair of PAIRS) {
  for (const sharing of ["managed", "raw"] as const) {
    for (const targets of [1, 3]) {
      const where = targets === 1 ? "" : ", striped over three targets";
      const name = `${pair[0]} waits, ${pair[1]} writes, ${sharing}${where}`;
      wordContract(name, () => subject(pair, sharing, targets));
    }
  }
}
