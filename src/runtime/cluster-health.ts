import { type Sample, sample } from "./metrics.ts";
import { processSamples } from "./process-samples.ts";

/** How long a service has to answer; one that takes longer counts as hung. */
const ANSWER_MS = 1000;

/** A service as the supervisor sees it. */
export interface WatchedService {
  readonly name: string;
  readonly pid: number | undefined;
  readonly restartCount: number;
  metrics(limitMs: number): Promise<Sample[]>;
}

export interface ServiceHealth {
  readonly name: string;
  /** Null while it is down. */
  readonly pid: number | null;
  readonly restarts: number;
  /** Seconds; null when it did not answer. */
  readonly uptime: number | null;
  /** What is wrong with it; null when nothing is. */
  readonly problem: string | null;
}

export interface ClusterHealth {
  readonly healthy: boolean;
  readonly services: readonly ServiceHealth[];
}

interface Look {
  readonly samples: readonly Sample[];
  readonly health: ClusterHealth;
}

/** Asks all services how they are. Looks that overlap share one round of questions. */
export class HealthWatch {
  readonly #services: () => readonly WatchedService[];
  readonly #expectedCount: number;
  #looking: Promise<Look> | undefined;

  /** @param expectedCount services that there are once the cluster has started */
  constructor(services: () => readonly WatchedService[], expectedCount: number) {
    this.#services = services;
    this.#expectedCount = expectedCount;
  }

  /** Never rejects; takes about a second at most. */
  look(): Promise<Look> {
    this.#looking ??= this.#ask().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #ask(): Promise<Look> {
    const answers = await Promise.all(this.#services().map(askOne));
    const services = answers.map(({ health }) => health);
    const complete = services.length === this.#expectedCount;
    const own = processSamples().map(labelled("supervisor"));
    return {
      samples: [...own, ...answers.flatMap(({ samples }) => samples)],
      health: { healthy: complete && services.every(({ problem }) => problem === null), services },
    };
  }
}

async function askOne(service: WatchedService): Promise<{ samples: Sample[]; health: ServiceHealth }> {
  const { name, pid = null, restartCount: restarts } = service;
  const label = labelled(name);
  const restarted = label(sample("didafs_service_restarts_total", restarts));
  try {
    const samples = await service.metrics(ANSWER_MS);
    const measuredAs = (wanted: string): number | undefined =>
      samples.find(([known]) => known === wanted)?.[2];
    const problem = measuredAs("didafs_target_registered") === 0 ? "not known to the metadata service" : null;
    const uptime = measuredAs("didafs_process_uptime_seconds") ?? null;
    return {
      samples: [label(sample("didafs_up", 1)), restarted, ...samples.map(label)],
      health: { name, pid, restarts, uptime, problem },
    };
  } catch (error) {
    return {
      samples: [label(sample("didafs_up", 0)), restarted],
      health: { name, pid, restarts, uptime: null, problem: (error as Error).message },
    };
  }
}

function labelled(service: string): (one: Sample) => Sample {
  return ([name, labels, value]) => [name, { service, ...labels }, value];
}
