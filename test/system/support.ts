import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Transferable, Worker } from "node:worker_threads";
import type { Address, Stream } from "../../src/ports/network.ts";
import { systemIdler } from "../../src/system/clock.ts";
import { systemNetwork } from "../../src/system/network.ts";

/** Asks again and again until there is an answer. @throws after `timeoutMs` */
export function until<T>(what: string, ask: () => T | undefined | false, timeoutMs = 5000): T {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > endMs) throw new Error(`waited ${timeoutMs} ms for: ${what}`);
    systemIdler.yield();
  }
}

/** A directory that is gone after the test. */
export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "didafs-test-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Descriptors that this process holds. */
export function openDescriptors(): Set<string> {
  return new Set(readdirSync("/proc/self/fd"));
}

let names = 0;

/** A unix name that no other test uses. */
export function unixName(): Address {
  names += 1;
  return { kind: "unix", name: `didafs-test-${process.pid}-${names}` };
}

export interface Pair {
  readonly client: Stream;
  readonly server: Stream;
}

/** Two ends of one new connection, closed after the test. */
export function connectedPair(
  t: TestContext,
  address: Address,
  options?: { acceptDescriptors?: boolean },
): Pair {
  const listener = systemNetwork.listen(address);
  const client = systemNetwork.connect(listener.address, options);
  const server = until("a connection", () => listener.accept());
  listener.close();
  t.after(() => {
    client.close();
    server.close();
  });
  return { client, server };
}

/** A worker that runs `file` (of this folder) and has said "ready"; ended after the test. */
export async function readyWorker(
  t: TestContext,
  file: string,
  workerData: unknown,
  transferList: Transferable[] = [],
): Promise<Worker> {
  const worker = new Worker(new URL(file, import.meta.url), { workerData, transferList });
  t.after(async () => void (await worker.terminate()));
  await once(worker, "message", { signal: AbortSignal.timeout(10_000) });
  return worker;
}
