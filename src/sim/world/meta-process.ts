import { MetaService } from "../../meta/service.ts";
import type { Address } from "../../ports/network.ts";
import { type SimKvDrive, SimKvEngine } from "../kv-engine.ts";
import { SleepingPoller } from "../sleeping-poller.ts";
import { controlThread } from "./bodies.ts";
import { KEY, type ProcessPorts, SERVICE_KEY } from "./ports.ts";
import { SimProcess } from "./process.ts";
import type { ThreadBody } from "./thread.ts";

/** What a commit takes. */
const COMMIT_MS = [0.1, 10] as const;

/** One life of the metadata service's process. */
export class MetaProcess extends SimProcess {
  #service: MetaService | undefined;
  /** What kept it from serving. */
  failure: unknown;

  /** @param slowness commits take so many times as long */
  constructor(ports: ProcessPorts, drive: SimKvDrive, address: Address, slowness: () => number) {
    const { clock, memory, random, network, log } = ports;
    const commits: { atMs: number; commit: () => void }[] = [];
    const engine = new SimKvEngine(drive, (commit) => {
      commits.push({ atMs: clock.nowMs() + random.magnitude(...COMMIT_MS) * slowness(), commit });
    });
    const poller = new SleepingPoller(clock);
    const agent = {
      doWork: (nowMs: number) => this.#service?.doWork(nowMs) ?? 0,
      busy: () => this.#service?.busy() ?? false,
      dueMs: () => this.#service?.dueMs() ?? Number.POSITIVE_INFINITY,
    };
    const bodies = [controlThread("control", agent, poller), commitThread(commits)];
    super("meta", network, bodies, random.fork(), clock.nowMs(), () => engine.crash(random));
    MetaService.open({
      network,
      memory,
      clock,
      random,
      poller,
      engine,
      key: KEY,
      serviceKey: SERVICE_KEY,
      version: "0.0.0",
      pid: 1,
      log,
    }).then(
      (service) => {
        if (this.ended) return;
        service.listen(address);
        this.#service = service;
        poller.wake();
      },
      (error: unknown) => {
        this.failure = error;
      },
    );
  }

  get service(): MetaService | undefined {
    return this.#service;
  }
}

/** Where the engine commits, one group of transactions after the other. */
function commitThread(commits: { readonly atMs: number; readonly commit: () => void }[]): ThreadBody {
  const dueMs = () => commits[0]?.atMs ?? Number.POSITIVE_INFINITY;
  return {
    name: "engine",
    waitMsMax: Number.POSITIVE_INFINITY,
    step: (nowMs) => {
      if (dueMs() > nowMs) return 0;
      commits.shift()?.commit();
      return 1;
    },
    block: dueMs,
    wakeMs: dueMs,
  };
}
