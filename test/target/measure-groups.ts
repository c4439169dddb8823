/**
 * How long a barrier takes, run by hand: `node test/target/measure-groups.ts`. All members are clients of one process, by turns
 * direct and over TCP, and the target is another one; beside it what one 8-byte get over TCP takes, one after the other, which is
 * the round trip that a barrier cannot be shorter than. A barrier is from the first call to the last answer. With processes of
 * their own members would share the few processors of a machine with each other and say more about its scheduler. p10 is what it takes while nothing else wants the processors.
 */
import { type Cluster, connect, type Group } from "../../src/index.ts";
import { startProcessCluster } from "../support/process-cluster.ts";

const SIZES = [2, 4, 8, 16, 32, 64];
const WARM_UP = 200;
const ROUNDS = 1000;

function told(what: string, times: number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (fraction: number): string =>
    `${((sorted[Math.floor(fraction * (sorted.length - 1))] as number) * 1000).toFixed(0)} us`;
  console.log(
    `${what.padEnd(28)} p10 ${at(0.1)}, p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, of ${times.length}`,
  );
}

async function timed(body: () => Promise<unknown>): Promise<number[]> {
  for (let i = 0; i < WARM_UP; i += 1) await body();
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    const from = performance.now();
    await body();
    times.push(performance.now() - from);
  }
  return times;
}

async function measure(): Promise<void> {
  await using running = await startProcessCluster();
  const clients: Cluster[] = [];
  for (let i = 0; i < Math.max(...SIZES); i += 1) {
    clients.push(await connect(running.url, { transport: i % 2 === 0 ? "tcp" : "auto", timeoutMs: 60_000 }));
  }
  const file = await (clients[0] as Cluster).open("/get", { create: true, size: 4096 });
  const window = await file.window();
  const into = new Uint8Array(8);
  told("get of 8 bytes, TCP", await timed(() => window.get(0, into)));
  for (const size of SIZES) {
    const groups: Group[] = await Promise.all(
      clients.slice(0, size).map((client, rank) => client.group(`of ${size}`, { size, rank })),
    );
    told(`barrier of ${size}`, await timed(() => Promise.all(groups.map((group) => group.barrier()))));
    await Promise.all(groups.map((group) => group.leave()));
  }
  await Promise.all(clients.map((client) => client.close()));
}

await measure();
