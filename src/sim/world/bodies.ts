import { doorbell } from "../../structs/sync-queue.ts";
import type { DataPlane } from "../../target/data-plane.ts";
import type { DriveSyncer } from "../../target/drive-syncer.ts";
import type { SimDisk } from "../disk.ts";
import type { SimRandom } from "../random.ts";
import type { SleepingPoller } from "../sleeping-poller.ts";
import type { ThreadBody } from "./thread.ts";

/** What a control loop steps (runtime/loop.ts). */
interface ControlAgent {
  doWork(nowMs: number): number;
  busy(): boolean;
  dueMs(): number;
}

/** As in runtime/loop.ts. */
const WAIT_MS_MAX = 4000;
const WAIT_MS_MIN = 1;

/** A thread that steps a control agent, and blocks in its poller until something comes or is due. */
export function controlThread(name: string, agent: ControlAgent, poller: SleepingPoller): ThreadBody {
  return {
    name,
    waitMsMax: WAIT_MS_MAX,
    step: (nowMs) => agent.doWork(nowMs),
    block: (nowMs) => (agent.busy() ? nowMs + WAIT_MS_MIN : Math.max(agent.dueMs(), nowMs + WAIT_MS_MIN)),
    unblock: () => void poller.wait(0),
    dueMs: () => agent.dueMs(),
    wakeMs: () => poller.readyMs(),
  };
}

/** A data-plane worker's thread (runtime/data-plane-thread.ts). */
export function planeThread(plane: DataPlane, poller: SleepingPoller, leaseEnd: Float64Array): ThreadBody {
  return {
    name: "plane",
    needsNoWake: (nowMs) => nowMs >= (leaseEnd[0] as number),
    isPlain: true,
    waitMsMax: WAIT_MS_MAX,
    step: (nowMs) => plane.doWork(nowMs),
    block: (nowMs) => {
      plane.wait(WAIT_MS_MAX);
      return nowMs + poller.sleepMs;
    },
    unblock: () => plane.wait(0),
    wakeMs: () => poller.readyMs(),
  };
}

/** As in runtime/sync-thread.ts. */
const SYNC_WAIT_MS_MAX = 10_000;
/** What a sync takes. */
const SYNC_MS = [0.05, 20] as const;

/**
 * A drive's sync thread (runtime/sync-thread.ts). A batch takes its time: what it saw when it began is durable once it has
 * ended, and is completed then.
 */
export function syncThread(
  syncer: DriveSyncer,
  disk: SimDisk,
  words: Int32Array,
  random: SimRandom,
): ThreadBody {
  let taken = 0;
  let seen = 0;
  let endsMs = 0;
  return {
    name: "sync",
    isPlain: true,
    waitMsMax: SYNC_WAIT_MS_MAX,
    step: (nowMs) => {
      if (taken > 0 && nowMs < endsMs) return 0;
      if (taken > 0) {
        disk.finishSyncs();
        syncer.complete(taken);
        taken = 0;
      }
      seen = doorbell(words);
      taken = syncer.begin();
      if (taken > 0) endsMs = nowMs + random.magnitude(...SYNC_MS) * disk.pace * disk.faults.slowness;
      return taken;
    },
    block: (nowMs) => (taken > 0 ? endsMs : nowMs + SYNC_WAIT_MS_MAX),
    wakeMs: () => (taken === 0 && doorbell(words) !== seen ? 0 : Number.POSITIVE_INFINITY),
  };
}
