import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { DidafsError } from "../std/errors.ts";
import { ringDoorbell, syncAreaBytes, syncQueueAt } from "../structs/sync-queue.ts";
import { createMailboxPair, openMailbox } from "../system/mailbox.ts";
import { createWaker, type SystemWaker } from "../system/poller.ts";
import type { WorkerParts } from "../target/control.ts";
import type { FromWorker, ToWorker } from "../target/messages.ts";
import { createLeaseEnd } from "../target/service-lease.ts";
import type { SyncChannel } from "../target/worker-syncs.ts";
import type { DataPlaneThreadData, DataPlaneThreadReady } from "./data-plane-thread.ts";
import { threadEntry } from "./entry.ts";
import type { SyncThreadData } from "./sync-thread.ts";
import type { CountersPlace, TargetCounters } from "./target-counters.ts";

export interface TargetThreadsOptions {
  readonly workers: number;
  readonly counters: TargetCounters;
  readonly host: string;
  /** What the target is called. */
  readonly service: string;
  /** Of the durable drive; undefined where there is nothing to sync. */
  readonly syncDirectory: string | undefined;
  /** Wakes the control thread. */
  readonly controlWakeDescriptor: number;
  /** A thread has ended that should not have. */
  readonly onCrash: (error: Error) => void;
}

/** The threads of a target beside its control thread. */
export class TargetThreads {
  readonly #options: TargetThreadsOptions;
  readonly #threads = new Set<Worker>();
  readonly #wakers: SystemWaker[] = [];
  readonly #syncArea: SharedArrayBuffer;
  readonly #syncStop = new SharedArrayBuffer(4);
  /** Until when the workers may serve; written by the control thread. */
  readonly leaseEnd: Float64Array<SharedArrayBuffer> = createLeaseEnd();
  #draining = false;
  #stopping = false;

  constructor(options: TargetThreadsOptions) {
    this.#options = options;
    this.#syncArea = new SharedArrayBuffer(syncAreaBytes(options.workers + 1));
  }

  /** The control thread's queue to the sync thread; the workers' follow. */
  get controlSync(): SyncChannel {
    return { words: new Int32Array(this.#syncArea), at: syncQueueAt(0) };
  }

  /** Threads that have not ended. */
  get count(): number {
    return this.#threads.size;
  }

  /** @returns the workers, once all threads serve */
  async start(): Promise<WorkerParts[]> {
    const { workers, controlWakeDescriptor } = this.#options;
    const started = await Promise.all(
      Array.from({ length: workers }, (_, index) => this.#startWorker(index)),
    );
    const wakeDescriptors = [controlWakeDescriptor, ...started.map(({ wakeDescriptor }) => wakeDescriptor)];
    await this.#startSync(wakeDescriptors);
    return started.map(({ parts }) => parts);
  }

  async #startWorker(index: number): Promise<{ parts: WorkerParts; wakeDescriptor: number }> {
    const [near, far] = createMailboxPair();
    const counters = this.#options.counters.workers[index] as Float64Array;
    const data: DataPlaneThreadData = {
      mailbox: far,
      controlWakeDescriptor: this.#options.controlWakeDescriptor,
      counters: this.#options.counters.places[index] as CountersPlace,
      leaseEnd: this.leaseEnd.buffer,
      syncArea: this.#syncArea,
      syncAt: syncQueueAt(index + 1),
      host: this.#options.host,
      service: this.#options.service,
      unixName: `didafs-${randomBytes(16).toString("hex")}`,
    };
    const thread = this.#spawn("data-plane-thread", data, [far.port]);
    const [ready] = (await once(thread, "message")) as [DataPlaneThreadReady];
    const waker = createWaker(ready.wakeDescriptor);
    this.#wakers.push(waker);
    if (ready.tcp.kind !== "tcp" || ready.unix.kind !== "unix")
      throw new Error("a worker listens on both kinds");
    const mailbox = openMailbox<ToWorker, FromWorker>(near, waker);
    return {
      parts: { mailbox, counters, tcp: ready.tcp, unix: ready.unix },
      wakeDescriptor: ready.wakeDescriptor,
    };
  }

  async #startSync(wakeDescriptors: readonly number[]): Promise<void> {
    const { syncDirectory } = this.#options;
    if (syncDirectory === undefined) return;
    const data: SyncThreadData = {
      directory: syncDirectory,
      syncArea: this.#syncArea,
      wakeDescriptors,
      stop: this.#syncStop,
    };
    await once(this.#spawn("sync-thread", data, []), "message");
  }

  #spawn(name: string, data: object, transfer: import("node:worker_threads").Transferable[]): Worker {
    const thread = new Worker(threadEntry(name), {
      name,
      workerData: data,
      transferList: transfer,
      execArgv: [],
    });
    this.#threads.add(thread);
    thread.on("error", (error: Error) => this.#crashed(`${name}: ${error.stack ?? error.message}`, error));
    thread.on("exit", (code) => {
      this.#threads.delete(thread);
      if (!this.#draining || code !== 0) this.#crashed(`${name} ended with code ${code}`, undefined);
    });
    return thread;
  }

  #crashed(message: string, cause: Error | undefined): void {
    if (this.#stopping) return;
    this.#options.onCrash(
      new DidafsError("ERR_INTERNAL", `A thread of the target died: ${message}`, { cause }),
    );
  }

  /** From now on a thread that comes to its end has done what it was told. */
  drain(): void {
    this.#draining = true;
  }

  /** Ends the threads: those that were told to stop by themselves, the rest after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    Atomics.store(new Int32Array(this.#syncStop), 0, 1);
    ringDoorbell(new Int32Array(this.#syncArea));
    const exits = [...this.#threads].map((thread) => new Promise((resolve) => thread.once("exit", resolve)));
    const grace = AbortSignal.timeout(graceMs);
    await Promise.race([Promise.all(exits), once(grace, "abort")]);
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
    for (const waker of this.#wakers) waker.close();
  }
}
