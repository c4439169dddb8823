import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import type { Logger } from "../std/logger.ts";
import { makeDirectory, syncDirectory } from "../system/directory.ts";
import type { WatchedService } from "./cluster-health.ts";
import { type LogSettings, logPlan } from "./logs.ts";
import type { Launch, ReadyInfo } from "./service.ts";
import { SupervisedService } from "./supervised-service.ts";

/** How long services of a supervisor that was killed may take to notice that and let go of their folders. */
const ORPHANS_MS = 5_000;

const MetaReady = v.object({ address: v.object({ host: v.string(), port: v.number() }), id: v.string() });

/** Entry files of the services. */
export interface Entries {
  readonly meta: URL;
  readonly target: URL;
}

export interface ServicesPlan {
  readonly dir: string;
  readonly keyHex: string;
  readonly serviceKeyHex: string;
  readonly targets: number;
  readonly drive: "file" | "memory";
  readonly host: string;
  readonly port: number;
  /** Data-plane workers of each target; undefined: the target decides. */
  readonly workers: number | undefined;
  readonly entries: Entries;
  readonly launch: Launch;
  readonly restart: boolean;
  readonly logs: LogSettings;
  readonly log: Logger;
  /** Undefined when none are served. */
  readonly metricsUrl: string | undefined;
}

/** The metadata service and the targets of one cluster. */
export class ClusterServices {
  readonly #plan: ServicesPlan;
  readonly #all: SupervisedService[] = [];
  #targets: readonly object[] = [];
  #stopping = false;
  #meta = { host: "", port: 0 };

  constructor(plan: ServicesPlan) {
    this.#plan = plan;
    this.#meta = { host: plan.host, port: plan.port };
  }

  watched(): readonly WatchedService[] {
    return this.#all;
  }

  list(): { name: string; pid: number | undefined }[] {
    return this.#all.map((service) => ({ name: service.name, pid: service.pid }));
  }

  /** @returns where it listens, and the cluster's id */
  async startMeta(deadlineMs: number): Promise<{ host: string; port: number; id: string }> {
    const { entries, keyHex, serviceKeyHex } = this.#plan;
    // A later start asks for the port that the first one got: targets and origins know it.
    const service = this.#add("meta", entries.meta, (dir) => ({
      dir,
      keyHex,
      serviceKeyHex,
      ...this.#meta,
      metricsUrl: this.#plan.metricsUrl,
      targets: this.#targets,
    }));
    const { address, id } = v.parse(MetaReady, await startPatiently(service, deadlineMs));
    this.#meta.port = address.port;
    return { ...this.#meta, id };
  }

  async startTargets(deadlineMs: number): Promise<void> {
    const { targets, entries, keyHex, serviceKeyHex, drive, host, workers } = this.#plan;
    const services = Array.from({ length: targets }, (_, index) =>
      this.#add(`target-${index}`, entries.target, (dir, former) => ({
        dir,
        drive,
        keyHex,
        serviceKeyHex,
        meta: this.#meta,
        former: former?.incarnation,
        host,
        ...(workers === undefined ? {} : { workers }),
      })),
    );
    const infos = await Promise.all(services.map((service) => startPatiently(service, deadlineMs)));
    // A later life of the metadata service is told, so that status names also those that have not registered yet.
    this.#targets = infos.map((info, index) => ({ id: info.id, name: `target-${index}`, drive }));
  }

  /** Targets first: they tell the metadata service that they leave. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const [meta, ...targets] = this.#all;
    await Promise.all(targets.map((service) => service.stop()));
    await meta?.stop();
  }

  #add(
    name: string,
    entry: URL,
    optionsIn: (dir: string, former: ReadyInfo | undefined) => unknown,
  ): SupervisedService {
    // A service that was told to stop while it started may have become ready all the same.
    if (this.#stopping) throw new DidafsError("ERR_ABORTED", "the cluster is being stopped");
    const { dir, launch, restart, logs, log } = this.#plan;
    const folder = path.join(dir, name);
    makeDirectory(folder);
    // Also of a start that did not live to sync it: then the folder was there, and nothing was made.
    syncDirectory(dir);
    const options = (former: ReadyInfo | undefined): unknown => optionsIn(folder, former);
    const service = new SupervisedService({
      name,
      entry,
      logPlan: logPlan(dir, name, logs),
      options,
      launch,
      restart,
      log,
    });
    this.#all.push(service);
    return service;
  }
}

/**
 * The cluster's own lock is held, so whoever still holds the service's folder is the orphan of a killed supervisor on
 * its way out.
 */
async function startPatiently(service: SupervisedService, deadlineMs: number): Promise<ReadyInfo> {
  const patientUntilMs = Math.min(deadlineMs, performance.now() + ORPHANS_MS);
  for (;;) {
    try {
      return await service.start(deadlineMs - performance.now());
    } catch (error) {
      if (!isDidafsError(error, "ERR_ALREADY_RUNNING") || performance.now() > patientUntilMs) throw error;
    }
    await sleep(100);
  }
}
