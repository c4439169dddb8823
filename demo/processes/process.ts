import * as v from "valibot";
import { Mismatch } from "../mismatch.ts";

/** What the demo hears of the processes that it starts. */
export type FromProcess = { readonly news: unknown } | { readonly result: unknown };

export const EXIT_MISMATCH = 1;
const EXIT_FAILED = 2;

/** The parent, for a process of the demo. */
export interface Parent {
  tell(news: unknown): void;
  /** Aborted when the parent asks to come to an end. */
  readonly stopping: AbortSignal;
}

/**
 * Runs a process of the demo: its plan is the first argument, as JSON; its result goes to the parent, or to standard
 * output where it was started by hand. Ends with 0, EXIT_MISMATCH when a comparison did not hold, or EXIT_FAILED.
 */
export function runProcess<S extends v.GenericSchema>(
  schema: S,
  main: (plan: v.InferOutput<S>, parent: Parent) => Promise<unknown>,
): void {
  const stop = new AbortController();
  if (process.send !== undefined) {
    process.once("disconnect", () => process.exit(EXIT_FAILED));
    process.on("message", () => stop.abort());
    // Ctrl-C reaches the whole group; the parent decides what follows.
    process.on("SIGINT", () => {});
  }
  const parent: Parent = { tell: (news) => send({ news }), stopping: stop.signal };
  const run = async (): Promise<void> => {
    const plan = v.parse(schema, JSON.parse(process.argv[2] ?? "null"));
    const result = await main(plan, parent);
    if (process.send === undefined) console.log(JSON.stringify(result));
    send({ result }, () => process.exit(0));
  };
  run().catch((error: unknown) => {
    const isMismatch = error instanceof Mismatch;
    const text = isMismatch ? error.message : String((error as Error)?.stack ?? error);
    process.stderr.write(`${text}\n`, () => process.exit(isMismatch ? EXIT_MISMATCH : EXIT_FAILED));
  });
}

function send(message: FromProcess, sent: () => void = () => {}): void {
  if (process.send === undefined) sent();
  else process.send(message, sent);
}

/** How a process of the demo reaches the cluster. */
export const Access = {
  url: v.string(),
  keyFile: v.string(),
};
