import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const STOP_MS = 3_000;

/** Starts the program, and ends it when standard input ends: so also when the process that holds it is killed. */
const GUARD =
  '"$@" >/dev/null 2>&1 & guarded=$!; cat >/dev/null; kill "$guarded" 2>/dev/null; wait "$guarded"';

/** A server of others that goes when this process goes, however it goes. */
export interface Guarded {
  /** Bounded; idempotent. */
  stop(): Promise<void>;
}

export function startGuarded(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Guarded {
  const guard = spawn("sh", ["-c", GUARD, "sh", program, ...args], {
    env,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ended = new Promise<void>((resolve) => {
    guard.once("error", () => resolve());
    guard.once("exit", () => resolve());
  });
  guard.stdin?.on("error", () => {});
  return { stop: () => stop(guard, ended) };
}

async function stop(guard: ChildProcess, ended: Promise<void>): Promise<void> {
  guard.stdin?.end();
  const late = new AbortController();
  await Promise.race([ended, sleep(STOP_MS, undefined, { signal: late.signal }).catch(() => {})]);
  late.abort();
  guard.kill("SIGKILL");
}

/** A port of the loopback interface that nobody used a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
