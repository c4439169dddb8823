import * as v from "valibot";
import { DidafsError, isErrorCode } from "../std/errors.ts";
import type { LogPlan } from "./logs.ts";
import { type Sample, Samples } from "./metrics.ts";
import type { ServiceOrder, ServiceReport } from "./service-messages.ts";

/** What a service told when it became ready. */
export type ReadyInfo = Readonly<Record<string, unknown>>;

export interface ServiceStart {
  readonly name: string;
  /** File that calls `runService`. */
  readonly entry: URL;
  /** Sent as the first message; must survive JSON. */
  readonly options: unknown;
  readonly log: LogPlan;
}

/** The first message to a service. */
export function startOrder({ options, name, log }: ServiceStart): ServiceOrder {
  return { start: options, name, log };
}

/** A started service, be it a process or a thread. */
export interface RunningService {
  /** Of the process that it runs in. */
  readonly pid: number;
  /** Rejects when the service reports a failure or ends first. */
  readonly ready: Promise<ReadyInfo>;
  /** Resolves with how it ended, in words; never rejects. */
  readonly ended: Promise<string>;
  /** Asks it for its samples. @throws ERR_TIMEOUT, ERR_CLOSED (it ended), ERR_PROTOCOL */
  metrics(limitMs: number): Promise<Sample[]>;
  /** Asks it to end. */
  stop(): void;
  /** Ends it without asking. */
  kill(): void;
}

export type Launch = (start: ServiceStart) => RunningService;

/** Turns a service's reports into the two promises of {@link RunningService}. */
export class ServiceReports {
  readonly ready: Promise<ReadyInfo>;
  readonly ended: Promise<string>;
  readonly #name: string;
  readonly #ready = Promise.withResolvers<ReadyInfo>();
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #nextNumber = 1;
  readonly #ended = Promise.withResolvers<string>();
  /** How it ended. */
  #end: string | undefined;

  constructor(name: string) {
    this.#name = name;
    this.ready = this.#ready.promise;
    this.ended = this.#ended.promise;
    // Whoever waits for `ended` only must not be struck by the other promise.
    this.ready.catch(() => {});
  }

  take(report: ServiceReport): void {
    if ("metrics" in report) this.#asked.get(report.metrics)?.resolve(report.samples);
    else if ("ready" in report) this.#ready.resolve(report.ready);
    else this.#ready.reject(serviceFailure(this.#name, report.failed));
  }

  /** @param post gives the service an order */
  async metrics(post: (order: ServiceOrder) => void, limitMs: number): Promise<Sample[]> {
    if (this.#end !== undefined) throw this.#endedError(this.#end);
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    const answer = Promise.withResolvers<unknown>();
    const late = new DidafsError("ERR_TIMEOUT", `${this.#name} did not answer within ${limitMs} ms`);
    const timer = setTimeout(() => answer.reject(late), limitMs);
    this.#asked.set(number, answer);
    try {
      post({ metrics: number });
      const parsed = v.safeParse(Samples, await answer.promise);
      if (parsed.success) return parsed.output;
      throw new DidafsError("ERR_PROTOCOL", `${this.#name} answered with no samples`);
    } finally {
      clearTimeout(timer);
      this.#asked.delete(number);
    }
  }

  end(how: string, cause?: unknown): void {
    this.#ready.reject(
      new DidafsError("ERR_START_FAILED", `${this.#name} ended before it was ready: ${how}`, { cause }),
    );
    this.#end = how;
    for (const { reject } of this.#asked.values()) reject(this.#endedError(how));
    this.#ended.resolve(how);
  }

  #endedError(how: string): DidafsError {
    return new DidafsError("ERR_CLOSED", `${this.#name} ended: ${how}`);
  }
}

function serviceFailure(name: string, failed: { code: string; message: string }): DidafsError {
  return new DidafsError(
    isErrorCode(failed.code) ? failed.code : "ERR_START_FAILED",
    `${name}: ${failed.message}`,
  );
}
