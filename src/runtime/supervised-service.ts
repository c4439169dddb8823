import { setTimeout as sleep } from "node:timers/promises";
import { DidafsError } from "../std/errors.ts";
import { RestartBudget } from "./restart-budget.ts";
import type { Launch, ReadyInfo, RunningService } from "./service.ts";

/** Longest time from a restart to readiness. */
const READY_MS = 20_000;
const STOP_MS = 5_000;
const KILL_MS = 2_000;

export interface SupervisedOptions {
  readonly name: string;
  readonly entry: URL;
  readonly logFile: string;
  /** Asked again at each start: what an earlier start settled (a port) may be part of it. */
  readonly options: () => unknown;
  readonly launch: Launch;
  /** Start it again when it dies. */
  readonly restart: boolean;
  readonly log: (line: string) => void;
}

/** One service of a cluster: started, watched, started again when it dies, stopped within a bounded time. */
export class SupervisedService {
  readonly name: string;
  readonly #options: SupervisedOptions;
  readonly #budget = new RestartBudget();
  readonly #stopping = new AbortController();
  #running: RunningService | undefined;

  constructor(options: SupervisedOptions) {
    this.name = options.name;
    this.#options = options;
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
    running.stop();
    if (await endsWithin(running, STOP_MS)) return;
    this.#options.log(`${this.name} did not stop within ${STOP_MS / 1000} s and is killed`);
    running.kill();
    if (!(await endsWithin(running, KILL_MS))) this.#options.log(`${this.name} survived being killed`);
  }

  #launch(): RunningService {
    const { name, entry, logFile, options, launch } = this.#options;
    const running = launch({ name, entry, logFile, options: options() });
    this.#running = running;
    void running.ended.then(() => {
      if (this.#running === running) this.#running = undefined;
    });
    return running;
  }

  async #untilReady(running: RunningService, readyMs: number): Promise<ReadyInfo> {
    const { name, logFile } = this.#options;
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      timeout.reject(new DidafsError("ERR_TIMEOUT", `${name} was not ready in time; see ${logFile}`));
    }, readyMs);
    try {
      return await Promise.race([running.ready, timeout.promise]);
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
    const { name, log, restart } = this.#options;
    let how = await first.ended;
    while (!this.#stopping.signal.aborted) {
      const delayMs = restart ? this.#budget.failed(performance.now()) : undefined;
      if (delayMs === undefined) {
        log(`${name} ended (${how}) and is left down${restart ? ": it failed too often" : ""}`);
        return;
      }
      log(`${name} ended (${how}); it is started again in ${delayMs} ms`);
      await sleep(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
      if (this.#stopping.signal.aborted) return;
      how = await this.#liveAgain();
    }
  }

  /** @returns how this life ended */
  async #liveAgain(): Promise<string> {
    const running = this.#launch();
    try {
      await this.#untilReady(running, READY_MS);
    } catch (error) {
      return (error as Error).message;
    }
    this.#options.log(`${this.name} serves again (pid ${running.pid})`);
    return await running.ended;
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
