import path from "node:path";
import { type Cluster, connect, embedded, type Transport } from "../../src/index.ts";
import { Home } from "../cli/didafs.ts";
import { scratch } from "../runtime/scratch.ts";

/** What an error tells a program, from the library or as JSON from the command line. */
export interface Told {
  readonly code: string;
  readonly errno: number;
  readonly action: string;
  readonly applied: string;
  readonly message: string;
}

/** One way to provoke a code from outside, that is to say without making the error. */
export interface Scenario {
  /** What the message names: the cause, as the one who caused it would look for it. */
  readonly names: RegExp;
  /** Whether the operation took effect; default "no". */
  readonly applied?: "yes" | "unknown";
  /** Does what cannot work. Throws or rejects with the error, or resolves with what a process told. */
  provoke(fixture: Fixture): unknown;
}

export type Scenarios<C extends string> = Readonly<Record<C, Scenario>>;

/** What scenarios share, each started when it is first asked for. */
export class Fixture implements AsyncDisposable {
  readonly #scratch = scratch();
  readonly #open: AsyncDisposable[] = [];
  readonly #clusters = new Map<string, Promise<Cluster>>();
  readonly dir = this.#scratch.dir;

  constructor() {
    process.env.XDG_CONFIG_HOME = this.dir;
  }

  /** Where the shared cluster of that name keeps its data. */
  dataOf(name: string): string {
    return path.join(this.dir, name);
  }

  /** Two targets on files, in threads of this process. */
  get cluster(): Promise<Cluster> {
    return this.#shared("files", () => embedded(this.dataOf("files"), { targets: 2, drive: "file" }));
  }

  /** One target on memory. */
  get memoryCluster(): Promise<Cluster> {
    return this.#shared("memory", () => embedded(this.dataOf("memory"), { drive: "memory" }));
  }

  /** A client of the cluster on files. */
  client(transport: Transport): Promise<Cluster> {
    return this.#shared(transport, async () => connect((await this.cluster).url, { transport }));
  }

  /** Runs the command line. @returns what it told about its failure */
  async command(...args: string[]): Promise<Told> {
    const home = this.keep(new Home());
    const { stdout, stderr } = await home.run([...args, "--json"], {
      env: { XDG_CONFIG_HOME: this.dir },
    });
    if (stderr === "") throw new Error(`didafs ${args.join(" ")} did not fail: ${stdout}`);
    return JSON.parse(stderr.split("\n")[0] as string).error;
  }

  /** To be disposed of in the end, the latest first. */
  keep<T extends AsyncDisposable>(what: T): T {
    this.#open.unshift(what);
    return what;
  }

  #shared(name: string, start: () => Promise<Cluster>): Promise<Cluster> {
    const known = this.#clusters.get(name);
    if (known !== undefined) return known;
    const starting = start().then((cluster) => this.keep(cluster));
    this.#clusters.set(name, starting);
    return starting;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const what of this.#open) await what[Symbol.asyncDispose]();
    this.#scratch[Symbol.dispose]();
  }
}
