import { after, before } from "node:test";
import type { Cluster, Transport } from "../../src/index.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";
import { lockContract } from "./lock-contract.ts";

let local: LocalCluster;
const clients = new Map<string, Cluster>();
let files = 0;

const PAIRS = [
  ["direct", "direct"],
  ["direct", "tcp"],
  ["tcp", "tcp"],
] as const;

before(async () => {
  local = await startLocalCluster({ targets: 3 });
  for (const transport of ["direct", "tcp"] as const) {
    for (const which of [0, 1]) clients.set(`${transport} ${which}`, await local.attach(transport));
  }
});
after(async () => {
  await local[Symbol.asyncDispose]();
});

function subject(pair: readonly [Transport, Transport], sharing: "managed" | "raw", targets: number) {
  return {
    async open(size: number) {
      const path = `/locks/${files++}`;
      const [first, second] = pair.map((transport, i) => clients.get(`${transport} ${i}`) as Cluster) as [
        Cluster,
        Cluster,
      ];
      const file = await first.open(path, { create: "exclusive", size, targets, stripeUnit: 4096 });
      const one = await file.window({ rights: "rw", sharing });
      const other = await (await second.open(path)).window({ rights: "rw", sharing });
      return { one, other, again: (rights: "r" | "rw") => file.window({ rights, sharing }) };
    },
  };
}

for (const pair of PAIRS) {
  for (const sharing of ["managed", "raw"] as const) {
    for (const targets of [1, 3]) {
      const where = targets === 1 ? "" : ", striped over three targets";
      lockContract(`${pair.join(" and ")}, ${sharing}${where}`, () => subject(pair, sharing, targets));
    }
  }
}
