/** Processes that run the same program at the same time on one file, as the ranks of an MPI job. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Cluster, DidafsWindow } from "../../src/index.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";
import type { ProgramName, ResultOf } from "./programs/all.ts";
import { FILE_BYTES, type FromRank, SHARINGS, type Sharing, type ToRank, TRANSPORTS, UNIT } from "./rank.ts";

const PROCESS = new URL("./rank-process.ts", import.meta.url);
/** Of one program. */
const RUN_MS = 60_000;
const END_MS = 20_000;

/** What a program has left: what each rank returned, and a window on the file. */
export interface Outcome<T> {
  readonly results: readonly T[];
  readonly window: DidafsWindow;
  readonly sharing: Sharing;
}

export class World implements AsyncDisposable {
  readonly #local: LocalCluster;
  readonly #ranks: readonly ChildProcess[];
  #files = 0;

  private constructor(local: LocalCluster, ranks: readonly ChildProcess[]) {
    this.#local = local;
    this.#ranks = ranks;
  }

  /** Two targets, and a rank for each of TRANSPORTS. */
  static async start(): Promise<World> {
    const local = await startLocalCluster({ targets: 2 });
    const env = { ...process.env, ...local.env };
    const ranks = TRANSPORTS.map((_, rank) =>
      fork(PROCESS, [String(rank)], { env, serialization: "advanced" }),
    );
    const world = new World(local, ranks);
    await Promise.all(ranks.map((rank) => once(rank, "message", { signal: AbortSignal.timeout(RUN_MS) })));
    return world;
  }

  get cluster(): Cluster {
    return this.#local.cluster;
  }

  /** Runs the program twice, on a new managed file and on a new raw one, and has each outcome checked. */
  async onBothKinds<N extends ProgramName>(
    program: N,
    check: (outcome: Outcome<ResultOf<N>>) => Promise<void> | void,
  ): Promise<void> {
    for (const sharing of SHARINGS) {
      const path = `/rma/${this.#files++}`;
      const layout = { create: "exclusive", size: FILE_BYTES, targets: 2, stripeUnit: UNIT } as const;
      await using file = await this.cluster.open(path, layout);
      const results = await this.#run<ResultOf<N>>({ type: "run", program, path, sharing });
      await using window = await file.window({ sharing });
      await check({ results, window, sharing });
    }
  }

  async #run<T>(job: ToRank & { type: "run" }): Promise<T[]> {
    let waiting = 0;
    let failed = false;
    const tell = (message: ToRank): void => {
      for (const rank of this.#ranks) if (rank.connected) rank.send(message);
    };
    const late = setTimeout(() => this.#kill(), RUN_MS);
    const ends = this.#ranks.map((rank) =>
      this.#resultOf<T>(rank, () => {
        waiting += 1;
        if (failed) tell({ type: "stop" });
        if (waiting % this.#ranks.length === 0) tell({ type: "pass" });
      }).catch((error) => {
        failed = true;
        tell({ type: "stop" });
        throw error;
      }),
    );
    try {
      tell(job);
      return await Promise.all(ends);
    } finally {
      await Promise.allSettled(ends);
      clearTimeout(late);
    }
  }

  async #resultOf<T>(rank: ChildProcess, came: () => void): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const hear = (message: FromRank): void => {
      if (message.type === "barrier") came();
      else if (message.type === "done") resolve(message.result as T);
      else if (message.type === "failed") reject(new Error(message.error));
    };
    const end = (): void => reject(new Error("the rank has ended, or did not come to the end in time"));
    rank.on("message", hear);
    rank.on("exit", end);
    if (rank.exitCode !== null || rank.signalCode !== null) end();
    try {
      return await promise;
    } finally {
      rank.off("message", hear);
      rank.off("exit", end);
    }
  }

  #kill(): void {
    for (const rank of this.#ranks) rank.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const late = setTimeout(() => this.#kill(), END_MS);
    await Promise.all(
      this.#ranks.map(async (rank) => {
        if (rank.exitCode !== null || rank.signalCode !== null) return;
        const ended = once(rank, "exit");
        if (rank.connected) rank.disconnect();
        await ended;
      }),
    );
    clearTimeout(late);
    await this.#local[Symbol.asyncDispose]();
  }
}
