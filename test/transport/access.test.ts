import { after, before } from "node:test";
import type { Cluster, Transport } from "../../src/index.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";
import { accessContract } from "./access-contract.ts";
import { batchContract } from "./batch-contract.ts";

let local: LocalCluster;
const clients = new Map<Transport, Cluster>();
let files = 0;

before(async () => {
  local = await startLocalCluster({ targets: 3 });
  for (const transport of ["direct", "tcp"] as const) clients.set(transport, await local.attach(transport));
});
after(async () => {
  await local[Symbol.asyncDispose]();
});

function subject(transport: Transport, sharing: "managed" | "raw", targets: number) {
  return {
    async open(size: number) {
      const client = clients.get(transport) as Cluster;
      const path = `/contract/${transport}-${files++}`;
      const file = await client.open(path, { create: "exclusive", size, targets, stripeUnit: 4096 });
      const window = await file.window({ rights: "rw", sharing });
      return { window, again: (rights: "r" | "rw") => file.window({ rights, sharing }) };
    },
  };
}

for (const transport of ["direct", "tcp"] as const) {
  for (const sharing of ["managed", "raw"] as const) {
    for (const targets of [1, 3]) {
      const where = targets === 1 ? "" : ", striped over three targets";
      const name = `${transport}, ${sharing}${where}`;
      accessContract(name, () => subject(transport, sharing, targets));
      batchContract(name, () => subject(transport, sharing, targets));
    }
  }
}
