import { isDidafsError } from "../../std/errors.ts";
import { FaultSchedule } from "../faults/schedule.ts";
import { countLosses, type PowerLossCounts } from "../power-losses.ts";
import { SimRandom } from "../random.ts";
import type { Book } from "../workloads/book.ts";
import { workAndProve } from "../workloads/program.ts";
import { Trace } from "../world/trace.ts";
import { World } from "../world/world.ts";
import { noteLoss, operationCount } from "./book-keeping.ts";
import { checkBook } from "./check.ts";
import { makeAll } from "./make-files.ts";
import { drawOptions, type Focus, type RunOptions } from "./options.ts";
import { planBook } from "./plan.ts";

/** What is wrong, and which checker says so. */
export interface Fault {
  readonly checker: string;
  readonly message: string;
  /** Of simulated time. */
  readonly atMs: number;
}

export interface RunResult {
  /** All that was drawn. */
  readonly options: RunOptions;
  /** The first fault that was found. */
  readonly fault: Fault | undefined;
  readonly simulatedMs: number;
  readonly steps: number;
  /** Faults that were done to the cluster, and calls that clients made. */
  readonly faultCount: number;
  readonly operations: number;
  readonly powerLosses: PowerLossCounts;
  /** Searches for an order that gave up. */
  readonly undecided: number;
  /** Of the trace: the same for the same run. */
  readonly digest: string;
}

export interface RunPorts {
  /** One turn of the event loop. */
  readonly turn: () => Promise<void>;
  /** Default: everything. */
  readonly focus?: Focus | undefined;
  /** Changes what was drawn. */
  readonly change?: ((drawn: RunOptions) => RunOptions) | undefined;
  /** Holds what clients saw against checkers; default: against all. @returns searches that gave up */
  readonly check?: ((book: Book) => number) | undefined;
  /** Told before anything happens. */
  readonly announce?: ((options: RunOptions) => void) | undefined;
  /** Gets every line of the trace. */
  readonly print?: ((line: string) => void) | undefined;
}

/** A cluster without faults starts, and makes files, within that time. */
const SETUP_MS = 60_000;
/** When all is well again, every client has shown that everything works within that time. */
const PROGRESS_MS = 120_000;

/**
 * One run: a cluster, clients that work, faults, an end of them, and then everybody must make progress. What clients saw
 * is held against the checkers. The same seed gives the same run.
 */
export function runSeed(seed: number, ports: RunPorts): Promise<RunResult> {
  const drawn = drawOptions(seed, ports.focus);
  const options = ports.change?.(drawn) ?? drawn;
  ports.announce?.(options);
  return new Run(options, ports).run();
}

class Run {
  readonly #options: RunOptions;
  readonly #random: SimRandom;
  readonly #trace: Trace;
  readonly #world: World;
  readonly #book: Book;
  readonly #check: (book: Book) => number;
  #fault: Fault | undefined;
  #faultCount = 0;

  constructor(options: RunOptions, { turn, print, check = checkBook }: RunPorts) {
    this.#check = check;
    this.#options = options;
    this.#random = new SimRandom(~options.seed);
    this.#trace = new Trace(print);
    this.#trace.line(0, "options", JSON.stringify(options));
    const fail = (checker: string, message: string): void => this.fail(checker, message);
    const note = (who: string, what: string): void => this.#world.note(who, what);
    const { shape } = options;
    this.#world = new World({ seed: this.#random.next(), shape, turn, trace: this.#trace, fail });
    this.#book = planBook(options, this.#random.fork(), { note, fail });
    this.#world.onLoss = (target) => noteLoss(this.#book, target);
  }

  fail(checker: string, message: string): void {
    const atMs = this.#world.nowMs;
    this.#trace.line(atMs, checker, message);
    this.#fault ??= { checker, message, atMs };
  }

  async run(): Promise<RunResult> {
    let undecided = 0;
    try {
      for (const phase of [this.#setUp, this.#faults, this.#progress]) {
        if (this.#fault === undefined) await phase.call(this);
      }
      if (this.#fault === undefined) undecided = this.#check(this.#book);
    } catch (error) {
      this.fail("exceptions", describeThrown(error));
    }
    return {
      options: this.#options,
      fault: this.#fault,
      simulatedMs: this.#world.nowMs,
      steps: this.#world.scheduler.steps,
      faultCount: this.#faultCount,
      operations: operationCount(this.#book),
      powerLosses: countLosses(this.#world.powerLosses),
      undecided,
      digest: this.#trace.digest(),
    };
  }

  /** In quiet weather services start, and a client makes the files and leaves. */
  async #setUp(): Promise<void> {
    const world = this.#world;
    await world.startServices(SETUP_MS);
    let made = false;
    const plan = { machine: 0, transport: "tcp", leaseMs: 10_000, timeoutMs: 30_000 } as const;
    const place = world.addClient(plan, async (client) => {
      await makeAll(client, this.#book);
      made = true;
    });
    if (!(await this.#until(() => made, SETUP_MS))) this.fail("progress", "the files were not made in time");
    world.killClient(place);
    world.clients.pop();
  }

  async #faults(): Promise<void> {
    for (const [number, plan] of this.#options.shape.clients.entries()) {
      this.#world.addClient(plan, (client) => workAndProve(client, number, this.#book));
    }
    const schedule = new FaultSchedule(this.#world, this.#random.fork(), this.#options.faults);
    const random = this.#random.fork();
    this.#book.onFlushed = ({ layout }) => {
      if (layout === undefined || !random.chance(this.#options.lossRateAfterFlush)) return;
      schedule.losePowerOf(random.pick(layout.regions).target);
    };
    await this.#until(() => false, this.#options.faultMs);
    this.#book.onFlushed = () => {};
    schedule.stop();
    this.#faultCount = schedule.count;
  }

  async #progress(): Promise<void> {
    this.#world.heal();
    this.#book.ending = true;
    const proven = (): boolean => this.#book.proven.size === this.#options.shape.clients.length;
    if (await this.#until(proven, PROGRESS_MS)) return;
    const stuck = this.#world.clients.filter(({ number }) => !this.#book.proven.has(number));
    const names = stuck.map(({ process }) => process?.name);
    this.fail("progress", `without faults ${names.join(", ")} did not get done within ${PROGRESS_MS} ms`);
  }

  /** @returns whether it is done, or something is wrong */
  #until(done: () => boolean, limitMs: number): Promise<boolean> {
    return this.#world.scheduler.until(
      () => this.#fault !== undefined || done(),
      this.#world.nowMs + limitMs,
    );
  }
}

function describeThrown(error: unknown): string {
  const stack = String((error as Error)?.stack ?? error);
  return isDidafsError(error) ? `${error.code}: ${stack}` : stack;
}
