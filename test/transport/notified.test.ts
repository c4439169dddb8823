import { after, before } from "node:test";
import type { Cluster, Transport } from "../../src/index.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";
import { notifiedContract } from "./notified-contract.ts";

let local: LocalCluster;
const clients = new Map<string, Cluster>();
let files = 0;

const PAIRS = [
  ["direct", "direct"],
  ["direct", "tcp"],
  ["tcp", "direct"],
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
  const [first, second] = pair.map((transport, i) => clients.get(`${transport} ${i}`) as Cluster) as [
    Cluster,
    Cluster,
  ];
  return {
    source: first.origin,
    async open(size: number) {
      const path = `/notified/${files++}`;
      const file = await first.open(path, { create: "exclusive", size, targets, stripeUnit: 4096 });
      const producer = await file.window({ rights: "rw", sharing });
      const opened = await second.open(path);
      const consumer = await opened.window({ rights: "rw", sharing });
      return {
        producer,
        consumer,
        // Whole files alone are mapped.
        part: async (at: number, length: number) =>
          (await (clients.get("tcp 1") as Cluster).open(path)).window({ at, length, sharing }),
      };
    },
  };
}

for (const pair of PAIRS) {
  for (const sharing of ["managed", "raw"] as const) {
    for (const targets of [1, 3]) {
      const where = targets === 1 ? "" : ", striped over three targets";
      notifiedContract(`${pair.join(" to ")}, ${sharing}${where}`, () => subject(pair, sharing, targets));
    }
  }
}
