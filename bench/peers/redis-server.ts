import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { DidafsError } from "../../src/std/errors.ts";
import type { Absent } from "../harness/absent.ts";
import { findProgram } from "../harness/installed.ts";
import { freePort, startGuarded } from "./guarded.ts";

const READY_MS = 10_000;
const POLL_MS = 20;

/**
 * Starts a Redis server that keeps nothing, on a free port of the loopback interface. @param closers ends it
 * @returns its port
 */
export async function startRedis(
  dir: string,
  closers: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<number | Absent> {
  const program = findProgram("redis-server");
  if (program === undefined) return { absent: "redis-server is not installed" };
  const port = await freePort();
  const where = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", dir];
  const server = startGuarded(program, [...where, "--save", "", "--appendonly", "no"]);
  closers.defer(() => server.stop());
  const endMs = performance.now() + READY_MS;
  while (!(await answers(port))) {
    if (performance.now() > endMs) {
      throw new DidafsError("ERR_START_FAILED", "the Redis server to measure beside did not start");
    }
    await sleep(POLL_MS, undefined, { signal });
  }
  return port;
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
