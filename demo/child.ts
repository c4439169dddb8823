import { type ChildProcess, fork } from "node:child_process";
import { Mismatch } from "./mismatch.ts";
import { EXIT_MISMATCH, type FromProcess } from "./processes/process.ts";

const ERRORS_KEPT = 4000;

export interface ChildOptions {
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  readonly onNews?: (news: never) => void;
}

export interface Child<Result> {
  /** @throws Mismatch as the process found it, or an Error that says how the process ended */
  readonly result: Promise<Result>;
  /** Asks the process to come to an end. */
  stop(): void;
}

/** Starts a process of the demo. It ends by itself, by its deadline or with `signal`, the latter two by force. */
export function startChild<Result>(entry: URL, plan: unknown, options: ChildOptions): Child<Result> {
  options.signal.throwIfAborted();
  const child = fork(entry, [JSON.stringify(plan)], {
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    timeout: options.deadlineMs,
    killSignal: "SIGKILL",
  });
  const kill = (): void => void child.kill("SIGKILL");
  options.signal.addEventListener("abort", kill);
  const result = ending<Result>(child, options).finally(() =>
    options.signal.removeEventListener("abort", kill),
  );
  // Whoever starts several waits for one of them at a time.
  result.catch(() => {});
  return { result, stop: () => void (child.connected && child.send("stop")) };
}

function ending<Result>(child: ChildProcess, { signal, deadlineMs, onNews }: ChildOptions): Promise<Result> {
  const name = child.spawnargs[1]?.split("/").at(-1);
  let errors = "";
  let answer: { readonly result: Result } | undefined;
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-ERRORS_KEPT);
  });
  child.on("message", (message: FromProcess) => {
    if ("news" in message) onNews?.(message.news as never);
    else answer = { result: message.result as Result };
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, by) => {
      if (signal.aborted) reject(signal.reason);
      else if (code === 0 && answer !== undefined) resolve(answer.result);
      else if (code === EXIT_MISMATCH) reject(new Mismatch(errors.trim()));
      else if (by === "SIGKILL")
        reject(new Error(`${name} did not end within ${deadlineMs / 1000} s\n${errors}`));
      else reject(new Error(`${name} ended with ${by ?? code}\n${errors.trim()}`));
    });
  });
}
