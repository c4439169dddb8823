/** A target: control on this thread, data plane and syncing on threads of their own. */
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import path from "node:path";
import type { Drive } from "../ports/drive.ts";
import type { Poller } from "../ports/poller.ts";
import { isDidafsError } from "../std/errors.ts";
import { errorFields } from "../std/logger.ts";
import type { CountersHeader } from "../structs/counters-header.ts";
import { systemClock } from "../system/clock.ts";
import { openFileDrive } from "../system/file-drive.ts";
import { close as closeDescriptor } from "../system/libc.ts";
import { lockDirectory } from "../system/lock.ts";
import { systemMemory } from "../system/memory.ts";
import { openMemoryDrive } from "../system/memory-drive.ts";
import { systemNetwork } from "../system/network.ts";
import { createPoller } from "../system/poller.ts";
import { systemProcesses } from "../system/processes.ts";
import { systemRandom } from "../system/random.ts";
import { TargetControl } from "../target/control.ts";
import { armFailpoints } from "./failpoints.ts";
import { LeaseFile } from "./lease-file.ts";
import { runControlLoop, runUntil } from "./loop.ts";
import { watchOrders } from "./parent-orders.ts";
import { startTicks } from "./run-file.ts";
import { runService, type ServiceHost } from "./service-host.ts";
import { targetSamples } from "./service-samples.ts";
import { openTargetCounters, type TargetCounters } from "./target-counters.ts";
import { TargetIdentity } from "./target-identity.ts";
import { TargetThreads } from "./target-threads.ts";

interface TargetOptions {
  readonly dir: string;
  readonly drive: "file" | "memory";
  /** The cluster's key, and that of its services, 64 hex digits each. */
  readonly keyHex: string;
  readonly serviceKeyHex: string;
  readonly meta: { readonly host: string; readonly port: number };
  readonly host: string;
  /** The incarnation of the process before this one, which has ended. */
  readonly former?: string;
  /** Data-plane workers; default: one for every four processors, at least one. */
  readonly workers?: number;
}

/** How long a target that is told to stop may take to answer what is under way, and then its threads to end. */
const CLOSE_MS = 3000;
const THREADS_MS = 1500;

runService<TargetOptions>(async (host) => {
  const lock = lockDirectory(host.options.dir);
  try {
    await serve(host);
  } finally {
    lock.release();
  }
});

async function serve(host: ServiceHost<TargetOptions>): Promise<void> {
  const { dir, drive: kind, workers = defaultWorkers() } = host.options;
  const identity = new TargetIdentity(dir);
  armFailpoints(path.basename(dir));
  const directory = path.join(dir, "regions");
  const drive = kind === "file" ? openFileDrive(directory) : openMemoryDrive();
  // What epochs have decided outlasts the process in any case.
  const logs = kind === "file" ? drive : openFileDrive(path.join(dir, "logs"));
  // Of regions that direct origins read in epochs; ends with the process.
  const lines = openMemoryDrive();
  const poller = createPoller();
  const crash = new AbortController();
  const counters = openTargetCounters(dir, headerOf(dir, identity.id, workers), host.log);
  const threads = new TargetThreads({
    workers,
    counters,
    host: host.options.host,
    service: path.basename(dir),
    syncDirectory: kind === "file" ? directory : undefined,
    controlWakeDescriptor: poller.wakeDescriptor,
    onCrash: (error) => {
      host.log.error("a thread died", errorFields(error));
      crash.abort(error);
    },
  });
  let ended = false;
  try {
    const started = await orCrash(threads.start(), crash.signal);
    const leases = new LeaseFile(dir, identity.isNew);
    const control = createControl(
      host,
      identity,
      { drive, logs, lines },
      poller,
      threads,
      started,
      counters,
      leases,
    );
    await runUntilStopped(control, poller, host, identity, crash, threads);
    ended = true;
    if (control.lockCount === 0) leases.clear();
  } finally {
    await threads.stop(crash.signal.aborted ? 0 : THREADS_MS);
    // Of one that failed, what it counted says why.
    counters.close(!ended);
    poller.close();
    logs.close();
    lines.close();
    drive.close();
  }
}

function headerOf(dir: string, target: string, workerCount: number): CountersHeader {
  return {
    target,
    name: path.basename(dir),
    pid: process.pid,
    startTicks: Number(startTicks(process.pid)),
    startedMs: systemClock.nowMs(),
    startedWallMs: systemClock.wallMs(),
    workerCount,
  };
}

function defaultWorkers(): number {
  return Math.max(1, Math.floor(availableParallelism() / 4));
}

/** The promise's result, unless a thread dies first. */
async function orCrash<T>(promise: Promise<T>, crash: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    crash.addEventListener("abort", () => reject(crash.reason as Error));
    promise.then(resolve, reject);
  });
}

function createControl(
  { options, log }: ServiceHost<TargetOptions>,
  identity: TargetIdentity,
  { drive, logs, lines }: { drive: Drive; logs: Drive; lines: Drive },
  poller: Poller,
  threads: TargetThreads,
  workers: Awaited<ReturnType<TargetThreads["start"]>>,
  counters: TargetCounters,
  leases: LeaseFile,
): TargetControl {
  return new TargetControl({
    network: systemNetwork,
    memory: systemMemory,
    clock: systemClock,
    random: systemRandom,
    poller,
    drive,
    logs,
    lines,
    sync: threads.controlSync,
    workers,
    counters: counters.control,
    id: identity.id,
    name: path.basename(options.dir),
    pid: process.pid,
    uid: process.getuid?.() ?? 0,
    key: Buffer.from(options.keyHex, "hex"),
    serviceKey: Buffer.from(options.serviceKeyHex, "hex"),
    meta: { kind: "tcp", ...options.meta },
    tcp: { kind: "tcp", host: options.host, port: 0 },
    unix: { kind: "unix", name: `didafs-${randomBytes(16).toString("hex")}` },
    leaseEnd: threads.leaseEnd,
    former: options.former,
    processes: systemProcesses,
    leases,
    admitCluster: (id) => identity.admitCluster(id),
    closeDescriptor,
    log,
  });
}

async function runUntilStopped(
  control: TargetControl,
  poller: Poller,
  host: ServiceHost<TargetOptions>,
  identity: TargetIdentity,
  crash: AbortController,
  threads: TargetThreads,
): Promise<void> {
  host.measured(() => targetSamples(control));
  let announced = false;
  const agent = {
    doWork(nowMs: number): number {
      const work = control.doWork(nowMs);
      const { registrationFailure: failure, recoveryFailure } = control;
      if (!announced && control.registered) {
        announced = true;
        host.ready({ id: identity.id, incarnation: control.incarnation });
      } else if (!announced && isDidafsError(failure, "ERR_AUTH", "ERR_VERSION", "ERR_CORRUPT")) {
        // Trying again cannot help.
        crash.abort(failure);
      } else if (recoveryFailure !== undefined) crash.abort(recoveryFailure);
      return work;
    },
    busy: () => control.busy(),
    dueMs: () => (control.registered && !announced ? 0 : control.dueMs()),
  };
  const stopping = AbortSignal.any([host.stopping, crash.signal]);
  await runControlLoop(agent, poller, systemClock, stopping, watchOrders(poller));
  // Without one of its threads it can neither answer nor end anything in good order; the supervisor starts it again.
  crash.signal.throwIfAborted();
  threads.drain();
  await runUntil(control, poller, systemClock, control.close(), CLOSE_MS);
}
