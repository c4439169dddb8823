import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

/** A process that runs `file` (of this folder); killed after the test. It says one thing at a time, as JSON lines. */
export interface Child {
  readonly process: ChildProcess;
  /** The next thing it says. */
  said(): Promise<unknown>;
  tell(line: string): void;
  kill(): Promise<void>;
}

/** @param options.descriptorsMax the most descriptors it may have (RLIMIT_NOFILE) */
export function startChild(
  t: TestContext,
  file: string,
  args: readonly string[],
  options: { descriptorsMax?: number } = {},
): Child {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const limit = options.descriptorsMax === undefined ? "" : `ulimit -n ${options.descriptorsMax} && `;
  const child = spawn("/bin/sh", ["-c", `${limit}exec "$0" "$@"`, process.execPath, path, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  t.after(kill);
  const lines: string[] = [];
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const pieces = (rest + text).split("\n");
    rest = pieces.pop() as string;
    lines.push(...pieces);
    child.emit("line");
  });
  return {
    process: child,
    async said(): Promise<unknown> {
      const signal = AbortSignal.timeout(20_000);
      while (lines.length === 0) await once(child, "line", { signal });
      return JSON.parse(lines.shift() as string);
    },
    tell: (line: string) => void child.stdin.write(`${line}\n`),
    kill,
  };
}
