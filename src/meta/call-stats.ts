import type { Clock } from "../ports/clock.ts";
import type { CallContext, Channel, Handlers } from "../rpc/handlers.ts";
import type { Role } from "../rpc/handshake.ts";
import { isDidafsError } from "../std/errors.ts";
import { Histogram } from "../std/histogram.ts";
import { errorFields, type Logger } from "../std/logger.ts";
import type { Method } from "../wire/control.ts";

/** Seconds. */
const CALL_BOUNDS: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];

/** Calls that no program asked for. */
const BY_THEMSELVES: ReadonlySet<string> = new Set<Method>(["meta.attach", "meta.renew", "meta.close"]);

/** Counts and times the calls that a service serves, and logs when calls begin to fail by what an operator can mend. */
export class CallStats {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #heard: (channel: Channel) => void;
  /** Calls by method, and as "requests" those of origins: what targets report is no one's request. */
  readonly counts = new Map<string, number>([["requests", 0]]);
  /** By method, then by outcome: "ok" or the error's code. */
  readonly outcomes = new Map<string, Map<string, number>>();
  /** By method, in seconds until the answer was there. */
  readonly durations = new Map<string, Histogram>();
  readonly #failing = new Set<string>();

  /** @param heard is told of every call's channel before it is served */
  constructor(clock: Clock, log: Logger, heard: (channel: Channel) => void) {
    this.#heard = heard;
    this.#clock = clock;
    this.#log = log;
  }

  /** The same handlers, counted. */
  counted(handlers: Handlers, role: Role): Handlers {
    const counted = Object.entries(handlers).map(([method, handler]) => {
      const serve = handler as (params: unknown, context: CallContext) => unknown;
      const countedHandler = (params: unknown, context: CallContext): unknown => {
        increase(this.counts, method);
        if (role === "origin" && !BY_THEMSELVES.has(method)) increase(this.counts, "requests");
        this.#heard(context.channel);
        return this.#measured(method, () => serve(params, context));
      };
      return [method as Method, countedHandler];
    });
    return Object.fromEntries(counted) as Handlers;
  }

  #measured(method: string, serve: () => unknown): unknown {
    const startMs = this.#clock.nowMs();
    const fail = (error: unknown): never => {
      this.#settle(method, isDidafsError(error) ? error.code : "ERR_INTERNAL", startMs, error);
      throw error;
    };
    const succeed = (result: unknown): unknown => {
      this.#settle(method, "ok", startMs, undefined);
      return result;
    };
    try {
      const result = serve();
      return result instanceof Promise ? result.then(succeed, fail) : succeed(result);
    } catch (error) {
      return fail(error);
    }
  }

  #settle(method: string, outcome: string, startMs: number, error: unknown): void {
    const outcomes = this.outcomes.get(method) ?? new Map<string, number>();
    this.outcomes.set(method, outcomes);
    increase(outcomes, outcome);
    const durations = this.durations.get(method) ?? new Histogram(CALL_BOUNDS);
    this.durations.set(method, durations);
    durations.observe((this.#clock.nowMs() - startMs) / 1000);
    this.#noteTrouble(method, outcome, error);
  }

  /** One line when a method begins to fail that way, not one a call. */
  #noteTrouble(method: string, outcome: string, error: unknown): void {
    if (outcome === "ok") {
      if (this.#failing.delete(method)) this.#log.info("calls succeed again", { method });
      return;
    }
    if (!isDidafsError(error, "ERR_NO_SPACE", "ERR_IO", "ERR_CORRUPT", "ERR_DATA_LOST")) return;
    if (this.#failing.has(method)) return;
    this.#failing.add(method);
    this.#log.error("calls fail", { method, ...errorFields(error) });
  }
}

function increase(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
