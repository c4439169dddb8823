import type { Cluster, DidafsFile } from "../../../src/index.ts";
import { SimRandom } from "../../../src/sim/random.ts";
import { type NameCall, type NameOutcome, Names } from "../names.ts";
import { CALL_MS, type ClientPlan, runClient } from "./client.ts";

export interface NamesPlan extends ClientPlan {
  /** Of this worker alone. */
  readonly directory: string;
}

export interface NameNote {
  readonly call: NameCall;
  /** Undefined: begun. */
  readonly outcome?: NameOutcome;
}

/** Makes, renames, links and removes names one after the other. */
runClient<NamesPlan, NameNote>(async ({ directory, seed }, client) => {
  const { cluster } = client;
  const random = new SimRandom(seed);
  const names = new Names();
  await client.until("making the directory", () => cluster.mkdir(directory, { recursive: true }));
  while (!client.stopping) {
    const call = names.choose(random);
    client.note({ call });
    const outcome = await client.try(JSON.stringify(call), () => carryOut(cluster, directory, call), 3);
    const applied = "result" in outcome ? "yes" : outcome.error.applied;
    const ended = applied === "yes" ? "done" : applied === "no" ? "not done" : "unknown";
    names.note(call, ended);
    if ("result" in outcome) client.done({ call, outcome: ended });
    else client.note({ call, outcome: ended });
    const file = "result" in outcome ? outcome.result : undefined;
    if (file !== undefined) await client.try("closing", () => file.close(), 2);
  }
});

async function carryOut(
  cluster: Cluster,
  directory: string,
  call: NameCall,
): Promise<DidafsFile | undefined> {
  const at = (path: string): string => `${directory}/${path}`;
  const limits = { timeoutMs: CALL_MS };
  const path = at(call.path);
  switch (call.call) {
    case "create":
      return await cluster.open(path, {
        create: "exclusive",
        size: call.size,
        targets: call.targets,
        ...limits,
      });
    case "mkdir":
      await cluster.mkdir(path, limits);
      break;
    case "symlink":
      await cluster.symlink(call.target, path, limits);
      break;
    case "link":
      await cluster.link(at(call.from), path, limits);
      break;
    case "resize": {
      const file = await cluster.open(path, limits);
      await file.resize(call.size, limits).finally(() => file.close());
      break;
    }
    case "rename":
      await cluster.rename(at(call.from), path, limits);
      break;
    case "chmod":
      await cluster.setAttributes(path, { mode: call.mode }, limits);
      break;
    case "remove":
      await cluster.remove(path, { recursive: true, ...limits });
      break;
  }
  return undefined;
}
