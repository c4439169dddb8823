import { after, before } from "node:test";
import type { Cluster, Transport } from "../../src/index.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";
import { accessContract } from "./access-contract.ts";

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

accessContract("direct, managed", () => subject("direct", "managed", 1));
accessContract("direct, raw", () => subject("direct", "raw", 1));
accessContract("tcp, managed", () => subject("tcp", "managed", 1));
accessContract("tcp, raw", () => subject("tcp", "raw", 1));
accessContract("direct, managed, striped over three targets", () => subject("direct", "managed", 3));
accessContract("direct, raw, striped over three targets", () => subject("direct", "raw", 3));
accessContract("tcp, managed, striped over three targets", () => subject("tcp", "managed", 3));
