/** A process that runs a cluster as the supervisor of `didafs up` does, and tells which processes its services are. */
import { startCluster } from "../../../src/runtime/cluster.ts";
import { threadEntry } from "../../../src/runtime/entry.ts";

export interface SupervisorPlan {
  readonly dir: string;
  readonly keyHex: string;
  readonly targets: number;
  /** 0 at the first start. */
  readonly port: number;
  /** Entry file of the targets; default: the real one. */
  readonly target?: string | undefined;
}

/** Answers the message "services"; a process that is down has no number. */
export interface ServiceList {
  readonly services: readonly { readonly name: string; readonly pid: number | undefined }[];
}

const { keyHex, target, ...plan } = JSON.parse(process.argv[2] as string) as SupervisorPlan;
// Its services notice by themselves that it has gone.
process.on("disconnect", () => process.exit(1));
const cluster = await startCluster({
  ...plan,
  key: Buffer.from(keyHex, "hex"),
  spawn: "process",
  entries: {
    meta: threadEntry("meta-thread"),
    target: target === undefined ? threadEntry("target-thread") : new URL(target),
  },
});
process.on("message", (wish: "services" | "stop") => {
  if (wish === "services") process.send?.({ services: cluster.services() } satisfies ServiceList);
  else void cluster.stop().then(() => process.exit(0));
});
process.send?.({ url: cluster.url });
