import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { findProgram } from "./installed.ts";

/** What a helper says: what it was asked for, or why it could not. */
type Said<Answer> = { readonly said: Answer } | { readonly failed: string };

/** A process of a case, which is asked one thing at a time. It ends with the process that started it. */
export class HelperProcess<Order, Answer> {
  readonly #child: ChildProcess;

  /**
   * @param module one that calls `answerOrders`
   * @param onProcessor the only processor that it may use
   */
  constructor(module: URL, onProcessor?: number) {
    const ipc = { serialization: "advanced", stdio: ["ignore", "ignore", "inherit", "ipc"] } as const;
    const { execPath } = process;
    this.#child =
      onProcessor === undefined
        ? fork(module, [], { ...ipc, stdio: [...ipc.stdio], execArgv: [] })
        : spawn(findProgram("taskset") ?? "", ["-c", `${onProcessor}`, execPath, module.pathname], {
            ...ipc,
            stdio: [...ipc.stdio],
          });
    // A program that is missing, or a message that cannot be delivered: the exit that follows is told.
    this.#child.on("error", () => {});
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The case's deadline is the helper's: both end with it. @throws what the helper throws, and when it ends */
  async ask(order: Order): Promise<Answer> {
    const over = new AbortController();
    const ended = once(this.#child, "exit", { signal: over.signal }).then(() => {
      throw new Error("a helper's process has ended");
    });
    const answered = once(this.#child, "message", { signal: over.signal });
    for (const promise of [ended, answered]) promise.catch(() => {});
    this.#child.send(order as object, () => {});
    try {
      const [said] = (await Promise.race([answered, ended])) as [Said<Answer>];
      if ("failed" in said) throw new Error(said.failed);
      return said.said;
    } finally {
      over.abort();
    }
  }

  /** The helper lets go of what it has when it notices. */
  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}

/** Answers the orders of the process that started this one, one at a time; ends with it. */
export function answerOrders<Order, Answer>(answer: (order: Order) => Promise<Answer>): void {
  process.on("disconnect", () => process.exit(0));
  process.on("message", (order: Order) => {
    answer(order)
      .then((said): Said<Answer> => ({ said }))
      .catch((error: unknown): Said<Answer> => ({ failed: String((error as Error)?.stack ?? error) }))
      .then((said) => process.send?.(said))
      .catch(() => process.exit(1));
  });
}
