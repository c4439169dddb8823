import type { Clock } from "../ports/clock.ts";
import type { Deadlines } from "../std/deadlines.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import { errorFields, type Logger } from "../std/logger.ts";
import type { Method, Params, Result } from "../wire/control.ts";
import { type HomeWait, mayBeInCircles, nextVictim } from "./lock-circles.ts";
import type { TargetRegistry } from "./registry.ts";

/** From one look to the next. */
const PAUSE_MS = 100;
/** How long a target may take to tell who waits. */
const CALL_MS = 2000;

/**
 * Finds circles of waits for locks that go over several homes, when a target has a wait that lasts, and has one wait of each
 * ended. Keeps nothing. While no metadata service runs, such waits end by their deadlines.
 */
export class Deadlocks {
  readonly #registry: TargetRegistry;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #log: Logger;
  #looking = false;
  #again = false;

  constructor(registry: TargetRegistry, deadlines: Deadlines, clock: Clock, log: Logger) {
    this.#registry = registry;
    this.#deadlines = deadlines;
    this.#clock = clock;
    this.#log = log;
  }

  /** A wait has lasted at some target. One look at a time: whoever suspects something during one gets another. */
  suspected(): void {
    this.#again = true;
    if (this.#looking) return;
    this.#looking = true;
    this.#lookOn()
      .catch((error: unknown) =>
        this.#log.error("looking for deadlocks failed by a fault", errorFields(error)),
      )
      .finally(() => {
        this.#looking = false;
      });
  }

  async #lookOn(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await this.#look();
      await this.#deadlines.sleep(this.#clock.nowMs() + PAUSE_MS);
    }
  }

  async #look(): Promise<void> {
    const startMs = this.#clock.nowMs();
    const told = await Promise.all(this.#registry.liveIds().map((target) => this.#waitsAt(target)));
    // What has lasted for longer than it took to ask was the case when it began; so a circle of such waits was one then.
    const tookMs = this.#clock.nowMs() - startMs;
    const waits = mayBeInCircles(told.flat().filter(({ lastedMs }) => lastedMs > tookMs));
    for (let found = nextVictim(waits); found !== undefined; found = nextVictim(waits)) {
      const [victim, ...others] = found;
      waits.splice(waits.indexOf(victim), 1);
      await this.#abort(victim, [victim, ...others]);
    }
  }

  async #waitsAt(target: string): Promise<HomeWait[]> {
    try {
      const { waits } = await this.#call(target, "lock.waits", {});
      return waits.map((wait) => ({ ...wait, target }));
    } catch (error) {
      if (!isDidafsError(error)) throw error;
      return [];
    }
  }

  async #abort({ target, worker, session, id }: HomeWait, circle: readonly HomeWait[]): Promise<void> {
    this.#log.info("waits for locks form a circle over several homes: one ends", { target, session });
    try {
      await this.#call(target, "lock.abort", {
        worker,
        session,
        id,
        cycle: circle.map(({ request }) => request),
      });
    } catch (error) {
      // It has ended with its target, then, or ends by its deadline.
      if (!isDidafsError(error)) throw error;
    }
  }

  #call<M extends Method>(target: string, method: M, params: Params<M>): Promise<Result<M>> {
    const channel = this.#registry.channelOf(target);
    if (channel === undefined) throw new DidafsError("ERR_UNREACHABLE", `target ${target} is down`);
    return channel.call(method, params, { timeoutMs: CALL_MS });
  }
}
