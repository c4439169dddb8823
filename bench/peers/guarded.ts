import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { DidafsError } from "../../src/std/errors.ts";

const STOP_MS = 3_000;
const READY_MS = 20_000;
const POLL_MS = 20;

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

/** Waits until `name` accepts connections at the port. @throws ERR_START_FAILED */
export function untilItAnswers(name: string, port: number, signal: AbortSignal): Promise<void> {
  return until(name, () => answers(port), signal);
}

/** The same of a server that takes the first connection for its client: by the kernel's list. @throws ERR_START_FAILED */
export function untilItListens(name: string, port: number, signal: AbortSignal): Promise<void> {
  return until(name, () => listens(port), signal);
}

async function until(name: string, isReady: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + READY_MS;
  while (!(await isReady())) {
    if (performance.now() > endMs) {
      throw new DidafsError("ERR_START_FAILED", `${name}, to measure beside, did not start`);
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** `0: 0100007F:1F90 00000000:0000 0A ...`: local address and port, remote ones, state; 0A is LISTEN. */
async function listens(port: number): Promise<boolean> {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const listening = new RegExp(`^ *\\d+: [0-9A-F]+:${hex} [0-9A-F]+:0000 0A `, "m");
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((name) => readFile(`/proc/net/${name}`, "latin1").catch(() => "")),
  );
  return tables.some((table) => listening.test(table));
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      resolve(true);
      socket.destroy();
    });
    socket.on("error", () => resolve(false));
  });
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
