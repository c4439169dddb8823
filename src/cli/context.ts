import type { CallOptions, Transport } from "../client/api.ts";
import type { ClusterClient } from "../client/cluster.ts";
import { printOutput } from "./output.ts";

/** Options that every command takes. */
export interface GlobalOptions {
  readonly url?: string;
  readonly keyFile?: string;
  readonly transport?: Transport;
  readonly timeout?: number;
  readonly json?: boolean;
}

/** What a running command is given besides its own arguments. */
export interface Context {
  readonly global: GlobalOptions;
  /** Of DiDAFS. */
  readonly version: string;
  /** Aborted by Ctrl-C and SIGTERM; the command then undoes what is half-made and fails. */
  readonly signal: AbortSignal;
}

/** Every command is a module of its own, loaded when it is called, with this function in it. */
export interface CommandModule<Options> {
  run(context: Context, args: readonly string[], options: Options): Promise<void>;
}

/** Runs `body` on the cluster that the options name. Its calls are to be given `call`. */
export async function withCluster<T>(
  { global, signal }: Context,
  body: (cluster: ClusterClient, call: CallOptions) => Promise<T>,
): Promise<T> {
  const { connectClient } = await import("../runtime/connect.ts");
  const limit = global.timeout === undefined ? {} : { timeoutMs: global.timeout };
  await using cluster = await connectClient(global.url, {
    ...(global.keyFile === undefined ? {} : { keyFile: global.keyFile }),
    ...(global.transport === undefined ? {} : { transport: global.transport }),
    ...limit,
    signal,
  });
  return await body(cluster, { ...limit, signal });
}

export function print(text: string): void {
  printOutput(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

export function warn(text: string): void {
  process.stderr.write(`didafs: ${text}\n`);
}
