/** What the client processes of the failure tests have in common. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, connect, type ErrorCode, isDidafsError, type Transport } from "../../../src/index.ts";
import type { DidafsError } from "../../../src/std/errors.ts";
import { type Failpoint, watchFailpoints } from "../../../src/std/failpoints.ts";

/** What a program must expect when services die or stand still. All else is a fault. */
const EXPECTED: readonly ErrorCode[] = [
  "ERR_SESSION_LOST",
  "ERR_UNREACHABLE",
  "ERR_TIMEOUT",
  "ERR_NO_TARGET",
  "ERR_REVOKED",
  "ERR_EPOCH_CONFLICT",
];

/** Of every call, and of the leases. */
export const CALL_MS = 3000;
const LEASE_MS = 1000;
/** How much later than its time a call may settle: the library's own second, and what a busy machine adds. */
const GRACE_MS = 4000;
const RETRY_MS = 20;
const PAUSE_MS = 1;

export interface ClientPlan {
  readonly url: string;
  readonly keyFile: string;
  readonly transport: Transport;
  readonly seed: number;
}

/** `done`: a call succeeded; `note` is for the journal that the parent keeps. */
export type FromClient<Note> =
  | { readonly done: true; readonly note?: Note }
  | { readonly note: Note }
  | { readonly failed: ErrorCode }
  | { readonly fault: string }
  | { readonly ended: true };

/** What the parent says: come to an end, or end by SIGKILL at that step. */
export type ToClient = "stop" | { readonly failpoint: Failpoint };

function endAt(failpoint: Failpoint): void {
  watchFailpoints((step) => {
    if (step === failpoint) process.kill(process.pid, "SIGKILL");
  });
}

export class Client<Note> {
  readonly cluster: Cluster;
  #stopping = false;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    process.on("message", (order: ToClient) => {
      if (order === "stop") this.#stopping = true;
      else endAt(order.failpoint);
    });
  }

  /** The parent has asked to come to an end. */
  get stopping(): boolean {
    return this.#stopping;
  }

  note(note: Note): void {
    tell({ note } satisfies FromClient<Note>);
  }

  done(note?: Note): void {
    tell((note === undefined ? { done: true } : { done: true, note }) satisfies FromClient<Note>);
  }

  /**
   * Makes one call. @returns its result, or the error with which it failed, of the kinds that are to be expected
   * @throws what it may not fail with; an Error when it took longer than it may
   */
  async try<T>(
    what: string,
    body: () => T | Promise<T>,
    calls = 1,
  ): Promise<{ readonly result: T } | { readonly error: DidafsError }> {
    // A call that never waits would leave no turn to the parent's messages, and no processor to the services.
    await sleep(PAUSE_MS);
    const startMs = performance.now();
    let outcome: { readonly result: T } | { readonly error: DidafsError };
    try {
      outcome = { result: await body() };
    } catch (error) {
      if (!isDidafsError(error, ...EXPECTED)) throw new Error(`${what} failed`, { cause: error });
      outcome = { error };
      tell({ failed: error.code } satisfies FromClient<Note>);
    }
    const tookMs = performance.now() - startMs;
    if (tookMs > calls * CALL_MS + GRACE_MS) {
      const how = "error" in outcome ? outcome.error.code : "success";
      throw new Error(`${what} took ${Math.round(tookMs)} ms, until ${how}`);
    }
    return outcome;
  }

  /** Tries until it succeeds; undefined when the parent asked to come to an end first. */
  async until<T>(what: string, body: () => Promise<T>, calls = 1): Promise<T | undefined> {
    while (!this.#stopping) {
      const outcome = await this.try(what, body, calls);
      if ("result" in outcome) return outcome.result;
      await sleep(RETRY_MS);
    }
    return undefined;
  }
}

/** Runs a client's process. Its plan is the first argument, as JSON. It ends when its parent says so, or is gone. */
export function runClient<Plan extends ClientPlan, Note>(
  main: (plan: Plan, client: Client<Note>) => Promise<void>,
): void {
  process.on("disconnect", () => process.exit(3));
  const run = async (): Promise<void> => {
    const plan = JSON.parse(process.argv[2] as string) as Plan;
    const { url, keyFile, transport } = plan;
    const cluster = await connect(url, { keyFile, transport, timeoutMs: CALL_MS, leaseMs: LEASE_MS });
    const client = new Client<Note>(cluster);
    await main(plan, client);
    await cluster.close();
    process.send?.({ ended: true } satisfies FromClient<Note>, () => process.exit(0));
  };
  run().catch((error: unknown) => {
    process.send?.({ fault: describe(error) } satisfies FromClient<Note>, () => process.exit(1));
  });
}

function tell(message: object): void {
  process.send?.(message);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return `${error.stack}${cause === undefined ? "" : `\n  because: ${describe(cause)}`}`;
}
