import { execFile } from "node:child_process";
import { promisify } from "node:util";

const OUTPUT_BYTES_MAX = 64 << 20;

const execute = promisify(execFile);

/** Runs a program that ends by itself. @returns what it printed. @throws when it fails or takes longer than `withinMs` */
export async function runProgram(
  program: string,
  args: readonly string[],
  {
    withinMs,
    signal,
    env,
  }: { readonly withinMs: number; readonly signal: AbortSignal; readonly env?: NodeJS.ProcessEnv },
): Promise<string> {
  signal.throwIfAborted();
  try {
    const { stdout } = await execute(program, args, {
      signal,
      env: env ?? process.env,
      timeout: withinMs,
      killSignal: "SIGKILL",
      maxBuffer: OUTPUT_BYTES_MAX,
    });
    return stdout;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
