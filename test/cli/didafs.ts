/** Runs the real command line in a home directory of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { readRunRecord } from "../../src/runtime/run-file.ts";
import { scratch, until } from "../runtime/scratch.ts";

export const BIN = fileURLToPath(new URL("../../bin/didafs.js", import.meta.url));
/** Longest time that any command of a test may take. */
const LIMIT_MS = 60_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: Uint8Array | string;
  readonly env?: Record<string, string>;
  readonly node?: string;
  /** When it is ended, if it does not end before. */
  readonly limitMs?: number;
  /** Sees the process as soon as it runs. */
  readonly watch?: (child: ChildProcess) => void;
}

/** A home directory with a data directory; when it goes out of scope, what still runs on the data is stopped. */
export class Home implements AsyncDisposable {
  readonly #scratch = scratch();
  readonly dir = this.#scratch.dir;
  readonly data: string;
  /** Of each command, and of the services that it starts. */
  descriptorsMax: number | undefined;
  readonly env: Record<string, string>;

  /** @param data the data directory; default: below the home */
  constructor(data?: string) {
    this.data = data ?? path.join(this.dir, "data");
    this.env = {
      PATH: process.env.PATH ?? "",
      HOME: this.dir,
      DIDAFS_DATA: this.data,
      // Compiled once for all tests, not once a home.
      NODE_COMPILE_CACHE: fileURLToPath(new URL("../../node_modules/.cache/didafs-test", import.meta.url)),
    };
  }

  /** Runs a command to its end. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const { input = "", env, node = process.execPath, watch, limitMs = LIMIT_MS } = options;
    const limited = [
      "-c",
      `${this.descriptorsMax === undefined ? "" : `ulimit -n ${this.descriptorsMax};`} exec "$@"`,
      "sh",
      node,
      BIN,
      ...args,
    ];
    const child = spawn("/bin/sh", limited, {
      cwd: this.dir,
      env: { ...this.env, ...env },
      timeout: limitMs,
    });
    watch?.(child);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => void out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => void err.push(chunk));
    // A command that ends without reading its input is none of ours to complain about.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString();
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve({ code, signal, stdout: text(out), stderr: text(err) }));
    });
  }

  /** Runs a command that must succeed. @returns its standard output */
  async ok(...args: string[]): Promise<string> {
    const { code, signal, stdout, stderr } = await this.run(args);
    if (code !== 0)
      throw new Error(`didafs ${args.join(" ")} ended with ${signal ?? code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Starts a cluster on a free port; later commands find it by DIDAFS_URL. */
  async up(
    ...args: string[]
  ): Promise<{ url: string; pid: number; id: string; dir: string; targets: number }> {
    const serving = JSON.parse(await this.ok("up", "--port", "0", "--json", ...args));
    this.env.DIDAFS_URL = serving.url;
    return serving;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const record = readRunRecord(this.data);
    if (record !== undefined && record.pid !== process.pid) {
      process.kill(record.pid, "SIGTERM");
      await until(() => readRunRecord(this.data) === undefined, 20_000);
    }
    this.#scratch[Symbol.dispose]();
  }
}
