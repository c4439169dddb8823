import { isMainThread, parentPort } from "node:worker_threads";
import { isDidafsError } from "../std/errors.ts";
import { errorFields, type Logger } from "../std/logger.ts";
import { fromNodeError } from "../system/errno.ts";
import { openLog } from "./logs.ts";
import type { Sample } from "./metrics.ts";
import { processSamples } from "./process-samples.ts";
import type { ServiceOrder, ServiceReport } from "./service-messages.ts";

export interface ServiceHost<Options> {
  readonly options: Options;
  readonly log: Logger;
  /** Aborted when the service is to end: told so, by a signal, or because its parent is gone. */
  readonly stopping: AbortSignal;
  /** What the service measures is asked of `measure` from now on. */
  measured(measure: () => Sample[]): void;
  /** Tells the parent that the service serves. */
  ready(info: Record<string, unknown>): void;
}

/**
 * Runs a service's entry file, as a forked process or as a worker thread alike. Options come as the first message, not
 * as arguments or environment, because they hold the cluster's keys.
 */
export function runService<Options>(main: (host: ServiceHost<Options>) => Promise<void>): void {
  const stop = new AbortController();
  let measure = (): Sample[] => [];
  const send = (report: ServiceReport): void => {
    if (isMainThread) process.send?.(report);
    else parentPort?.postMessage(report);
  };
  const end = (exitCode: number): void => {
    if (isMainThread) process.exit(exitCode);
    else parentPort?.close();
  };
  const start = (options: Options, log: ReturnType<typeof openLog>): void => {
    log.info("starting", { node: process.version });
    process.on("uncaughtExceptionMonitor", (error) => log.error("uncaught error", errorFields(error)));
    stop.signal.addEventListener("abort", () => log.info("stopping"));
    const ready = (info: Record<string, unknown>): void => {
      log.info("ready", info);
      send({ ready: info });
    };
    const measured = (by: () => Sample[]): void => {
      measure = by;
    };
    main({ options, log, stopping: stop.signal, ready, measured }).then(
      () => {
        log.info("stopped");
        log.close();
        end(0);
      },
      (thrown: unknown) => {
        const error = fromNodeError("serve", thrown);
        log.error("failed", errorFields(error));
        log.close();
        const code = isDidafsError(error) ? error.code : "ERR_INTERNAL";
        const message = isDidafsError(error) ? error.message : String((error as Error)?.stack ?? error);
        send({ failed: { code, message } });
        setImmediate(() => end(1));
      },
    );
  };
  const take = (order: ServiceOrder): void => {
    if ("start" in order) start(order.start as Options, openLog(order.log, order.name));
    else if ("metrics" in order) {
      send({ metrics: order.metrics, samples: [...processSamples(), ...measure()] });
    } else stop.abort();
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
