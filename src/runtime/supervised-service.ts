import { setTimeout as sleep } from "node:timers/promises";
import { DidafsError } from "../std/errors.ts";
import type { Logger } from "../std/logger.ts";
import { type LogPlan, rawLogBytes, rawLogTail } from "./logs.ts";
import type { Sample } from "./metrics.ts";
import { RestartBudget } from "./restart-budget.ts";
import type { Launch, ReadyInfo, RunningService } from "./service.ts";

/** Longest time from a restart to readiness. */
const READY_MS = 20_000;
const STOP_MS = 5_000;
const KILL_MS = 2_000;

export interface SupervisedOptions {
  readonly name: string;
  readonly entry: URL;
  readonly logPlan: LogPlan;
  /**
   * Asked again at each start: what an earlier start settled (a port) may be part of it.
   * @param former what the life before said when it was ready; its process has ended
   */
  readonly options: (former: ReadyInfo | undefined) => unknown;
  readonly launch: Launch;
  /** Start it again when it dies. */
  readonly restart: boolean;
  readonly log: Logger;
}

/** One service of a cluster: started, watched, started again when it dies, stopped within a bounded time. */
export class SupervisedService {
  readonly name: string;
  readonly #options: SupervisedOptions;
  readonly #budget = new RestartBudget();
  readonly #stopping = new AbortController();
  #restartCount = 0;
  #running: RunningService | undefined;
  /** Bytes of the raw log when this life of the service began. */
  #rawLogBytes = 0;
  #former: ReadyInfo | undefined;

  constructor(options: SupervisedOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Times that it was started again. */
  get restartCount(): number {
    return this.#restartCount;
  }

  /** @throws ERR_TIMEOUT, ERR_CLOSED (it is down), ERR_PROTOCOL */
  async metrics(limitMs: number): Promise<Sample[]> {
    if (this.#running === undefined) throw new DidafsError("ERR_CLOSED", `${this.name} is down`);
    return await this.#running.metrics(limitMs);
  }

  /** Process id; undefined while the service is down. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /**
   * The first start. A service that fails it is not started again, unless this is called again.
   * @throws what the service reported, ERR_START_FAILED, ERR_TIMEOUT, ERR_ABORTED (stop was called)
   */
  async start(readyMs: number): Promise<ReadyInfo> {
    if (this.#stopping.signal.aborted) throw new DidafsError("ERR_ABORTED", `${this.name} is being stopped`);
    const running = this.#launch();
    const info = await this.#untilReady(running, readyMs);
    void this.#watch(running);
    return info;
  }

  /** Ends the service, by force when it does not end when asked. Returns within 7 s. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const running = this.#running;
    if (running === undefined) return;
    // A second signal, say, ends this process while it waits: then nobody is left to end the service.
    const kill = (): void => running.kill();
    process.once("exit", kill);
    void running.ended.then(() => process.off("exit", kill));
    running.stop();
    if (await endsWithin(running, STOP_MS)) return;
    const { log, name: child } = this.#options;
    log.warn("a service did not stop in time and is killed", { child, waitedMs: STOP_MS });
    running.kill();
    if (!(await endsWithin(running, KILL_MS))) log.error("a service survived being killed", { child });
  }

  #launch(): RunningService {
    const { name, entry, logPlan, options, launch } = this.#options;
    const running = launch({ name, entry, log: logPlan, options: options(this.#former) });
    this.#rawLogBytes = rawLogBytes(logPlan);
    this.#running = running;
    void running.ended.then(() => {
      if (this.#running === running) this.#running = undefined;
    });
    return running;
  }

  async #untilReady(running: RunningService, readyMs: number): Promise<ReadyInfo> {
    const { name, logPlan } = this.#options;
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      timeout.reject(new DidafsError("ERR_TIMEOUT", `${name} was not ready in time; see ${logPlan.file}`));
    }, readyMs);
    try {
      this.#former = await Promise.race([running.ready, timeout.promise]);
      return this.#former;
    } catch (error) {
      running.kill();
      await endsWithin(running, KILL_MS);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Follows one life of the service after another until it is stopped or given up. */
  async #watch(first: RunningService): Promise<void> {
    const { name: child, log, restart } = this.#options;
    let how = await first.ended;
    while (!this.#stopping.signal.aborted) {
      const delayMs = restart ? this.#budget.failed(performance.now()) : undefined;
      if (delayMs === undefined) {
        const why = restart ? "it failed too often" : "threads are not started again";
        log.error("a service ended and is left down", { child, how, why, ...this.#lastWords() });
        return;
      }
      log.warn("a service ended and is started again", { child, how, delayMs, ...this.#lastWords() });
      await sleep(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
      if (this.#stopping.signal.aborted) return;
      how = await this.#liveAgain();
    }
  }

  /** @returns how this life ended */
  async #liveAgain(): Promise<string> {
    this.#restartCount += 1;
    const running = this.#launch();
    try {
      await this.#untilReady(running, READY_MS);
    } catch (error) {
      return (error as Error).message;
    }
    this.#options.log.info("a service serves again", { child: this.name, childPid: running.pid });
    return await running.ended;
  }

  /** What the life that ended wrote to its standard streams last. */
  #lastWords(): { stderr?: string } {
    const stderr = rawLogTail(this.#options.logPlan, this.#rawLogBytes);
    return stderr === "" ? {} : { stderr };
  }
}

/** @returns whether it ended in time */
async function endsWithin(running: RunningService, milliseconds: number): Promise<boolean> {
  const done = new AbortController();
  const late = sleep(milliseconds, false, { signal: done.signal }).catch(() => false);
  const ended = await Promise.race([running.ended.then(() => true), late]);
  done.abort();
  return ended;
}
