import path from "node:path";
import type { Absent } from "../harness/absent.ts";
import { findProgram } from "../harness/installed.ts";
import { freePort, startGuarded, untilItAnswers } from "./guarded.ts";

/** What of its data a Redis server keeps; `synced`: it answers a write once that would survive power loss. */
export type RedisKeeps = "nothing" | "synced";

const KEEPING: Readonly<Record<RedisKeeps, readonly string[]>> = {
  nothing: ["--appendonly", "no"],
  // A log that is written anew now and then would be measured as well.
  synced: ["--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"],
};

/** Of an address of the unix domain. */
const SOCKET_PATH_BYTES_MAX = 107;

/** Where a server that keeps its data in `dir` listens besides. */
export function redisSocket(dir: string): string | Absent {
  const socket = path.join(dir, "redis.sock");
  return Buffer.byteLength(socket) > SOCKET_PATH_BYTES_MAX
    ? { absent: "the temporary directory's path is too long for a unix socket" }
    : socket;
}

/** Starts a Redis server on a free port of the loopback interface. @param closers ends it @returns its port */
export async function startRedis(
  dir: string,
  keeps: RedisKeeps,
  closers: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<number | Absent> {
  const program = findProgram("redis-server");
  if (program === undefined) return { absent: "redis-server is not installed" };
  const port = await freePort();
  const where = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", dir];
  const socket = redisSocket(dir);
  if (typeof socket === "string") where.push("--unixsocket", socket);
  const server = startGuarded(program, [...where, "--save", "", ...KEEPING[keeps]]);
  closers.defer(() => server.stop());
  await untilItAnswers("redis-server", port, signal);
  return port;
}
