import { once } from "node:events";
import { startCluster } from "../../runtime/cluster.ts";
import type { ServiceReport } from "../../runtime/service-messages.ts";
import { DidafsError } from "../../std/errors.ts";
import type { Context } from "../context.ts";
import type { ServingCluster } from "../detached-supervisor.ts";
import { failureOf } from "../failure.ts";
import { untilAborted } from "../until-aborted.ts";
import { clusterOptions, type UpPlan } from "../up-plan.ts";

/** The background process of `didafs up`, which starts it, tells it the plan and hears one report. */
export async function run({ signal }: Context): Promise<void> {
  if (process.send === undefined) {
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      "supervise is a part of `didafs up`, not a command of its own",
    );
  }
  const [{ start: plan }] = (await once(process, "message", { signal })) as [{ start: UpPlan }];
  process.title = `didafs up --data ${plan.dir}`;
  let cluster: Awaited<ReturnType<typeof startCluster>>;
  try {
    cluster = await startCluster({ ...clusterOptions(plan), signal });
  } catch (error) {
    await report({ failed: failureOf(error) });
    return;
  }
  const { url, id, dir, targets, drive, metricsUrl } = cluster;
  const serving: ServingCluster = {
    url,
    id,
    dir,
    targets,
    drive,
    pid: process.pid,
    ...(metricsUrl && { metricsUrl }),
  };
  await report({ ready: { ...serving } });
  await untilAborted(signal);
  await cluster.stop();
}

/** Whoever started this may be gone; that is no reason to stop. */
async function report(message: ServiceReport): Promise<void> {
  if (process.connected) await new Promise<void>((resolve) => process.send?.(message, () => resolve()));
  if (process.connected) process.disconnect();
}
