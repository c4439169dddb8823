import { createControlCounters } from "../../structs/control-counters.ts";
import { syncAreaBytes, syncQueueAt } from "../../structs/sync-queue.ts";
import { TargetControl, type WorkerParts } from "../../target/control.ts";
import { createCounters } from "../../target/counters.ts";
import { DataPlane } from "../../target/data-plane.ts";
import { DriveSyncer } from "../../target/drive-syncer.ts";
import type { LeaseRecord } from "../../target/lease-record.ts";
import type { FromWorker, ToWorker } from "../../target/messages.ts";
import { createLeaseEnd } from "../../target/service-lease.ts";
import type { SimDisk } from "../disk.ts";
import { SimDrive } from "../drive.ts";
import { simMailboxPair } from "../mailbox.ts";
import { SleepingPoller } from "../sleeping-poller.ts";
import { controlThread, planeThread, syncThread } from "./bodies.ts";
import { KEY, type ProcessPorts, SERVICE_KEY, UID } from "./ports.ts";
import { SimProcess } from "./process.ts";
import type { ThreadBody } from "./thread.ts";

/** Small enough for a run to fill it more than once. */
const LOG_BYTES = 128 << 10;

/** What a target is through all of its lives. */
export interface TargetShape {
  /** 32 hex digits. */
  readonly id: string;
  readonly name: string;
  readonly disk: SimDisk;
  /** Where logs of epochs lie: the same, or one of files where that is memory. */
  readonly logs: SimDisk;
  readonly workers: number;
  /** Outlasts a loss of power, as its file does. */
  readonly leases: LeaseRecord;
  readonly meta: { readonly kind: "tcp"; readonly host: string; readonly port: number };
}

/** One life of a target's process. */
export class TargetProcess extends SimProcess {
  readonly control: TargetControl;

  /**
   * @param life tells it from its other lives
   * @param former the incarnation before it, whose process has ended for sure
   */
  constructor(ports: ProcessPorts, shape: TargetShape, life: number, former: string | undefined) {
    const { clock, memory, random, network, processes, log } = ports;
    const { id, name, disk, logs, leases, meta } = shape;
    const words = new Int32Array(new SharedArrayBuffer(syncAreaBytes(shape.workers + 1)));
    const poller = new SleepingPoller(clock);
    const leaseEnd = createLeaseEnd();
    const workers = Array.from({ length: shape.workers }, (_, index) =>
      createWorker(ports, {
        poller,
        leaseEnd,
        words,
        index,
        unixName: `${name} life ${life} worker ${index}`,
      }),
    );
    const wakers = [poller, ...workers.map((worker) => worker.poller)];
    const syncer = new DriveSyncer(disk, words, wakers);
    const control = new TargetControl({
      network,
      memory,
      clock,
      random,
      poller,
      drive: disk,
      logs,
      lines: new SimDrive(memory, "memory"),
      logBytes: LOG_BYTES,
      sync: { words, at: syncQueueAt(0) },
      counters: createControlCounters(),
      workers: workers.map(({ parts }) => parts),
      id,
      name,
      pid: 2,
      uid: UID,
      key: KEY,
      serviceKey: SERVICE_KEY,
      leaseEnd,
      former,
      meta,
      tcp: { kind: "tcp", host: network.machine, port: 0 },
      unix: { kind: "unix", name: `${name} life ${life}` },
      admitCluster: () => {},
      closeDescriptor: () => {},
      processes,
      leases,
      log,
    });
    const bodies = [
      controlThread("control", control, poller),
      ...workers.map(({ thread }) => thread),
      syncThread(syncer, disk, words, random),
    ];
    super(name, network, bodies, random.fork(), clock.nowMs(), () => {});
    this.control = control;
  }
}

function createWorker(
  { clock, memory, network }: ProcessPorts,
  own: { poller: SleepingPoller; leaseEnd: Float64Array; words: Int32Array; index: number; unixName: string },
): { parts: WorkerParts; poller: SleepingPoller; thread: ThreadBody } {
  const poller = new SleepingPoller(clock);
  const [near, far] = simMailboxPair<ToWorker, FromWorker>(own.poller, poller);
  const counters = createCounters();
  const tcp = network.listen({ kind: "tcp", host: network.machine, port: 0 });
  const unix = network.listen({ kind: "unix", name: own.unixName });
  const plane = new DataPlane({
    memoryPort: memory,
    clock,
    poller,
    tcp,
    unix,
    mailbox: far,
    counters,
    leaseEnd: own.leaseEnd,
    sync: { words: own.words, at: syncQueueAt(own.index + 1) },
  });
  const parts = {
    mailbox: near,
    counters,
    tcp: tcp.address as WorkerParts["tcp"],
    unix: unix.address as WorkerParts["unix"],
  };
  return { parts, poller, thread: planeThread(plane, poller, own.leaseEnd) };
}
