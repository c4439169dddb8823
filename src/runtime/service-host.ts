import { isMainThread, parentPort } from "node:worker_threads";
import { isDidafsError } from "../std/errors.ts";

/** What a service says to whoever started it. */
export type ServiceReport =
  | { readonly ready: Record<string, unknown> }
  | { readonly failed: { readonly code: string; readonly message: string } };

/** What whoever started a service says to it: first its options, later perhaps to stop. */
export type ServiceOrder = { readonly start: unknown } | { readonly stop: true };

export interface ServiceHost<Options> {
  readonly options: Options;
  /** Aborted when the service is to end: told so, by a signal, or because its parent is gone. */
  readonly stopping: AbortSignal;
  /** Tells the parent that the service serves. */
  ready(info: Record<string, unknown>): void;
}

/**
 * Runs a service's entry file, as a forked process or as a worker thread alike. Options come as the first message, not
 * as arguments or environment, because they hold the cluster's key.
 */
export function runService<Options>(main: (host: ServiceHost<Options>) => Promise<void>): void {
  const stop = new AbortController();
  const send = (report: ServiceReport): void => {
    if (isMainThread) process.send?.(report);
    else parentPort?.postMessage(report);
  };
  const end = (exitCode: number): void => {
    if (isMainThread) process.exit(exitCode);
    else parentPort?.close();
  };
  const start = (options: Options): void => {
    main({ options, stopping: stop.signal, ready: (info) => send({ ready: info }) }).then(
      () => end(0),
      (error: unknown) => {
        const code = isDidafsError(error) ? error.code : "ERR_INTERNAL";
        const message = isDidafsError(error) ? error.message : String((error as Error)?.stack ?? error);
        send({ failed: { code, message } });
        setImmediate(() => end(1));
      },
    );
  };
  const take = (order: ServiceOrder): void => {
    if ("start" in order) start(order.start as Options);
    else stop.abort();
  };
  if (isMainThread) {
    if (process.send === undefined) {
      process.stderr.write("This file is started by `didafs up`; it is not a command of its own.\n");
      process.exit(2);
    }
    process.on("message", take);
    process.once("disconnect", () => stop.abort());
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  } else {
    parentPort?.on("message", take);
  }
}
