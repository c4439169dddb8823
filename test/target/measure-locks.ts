/**
 * How long a lock takes, run by hand: `node test/target/measure-locks.ts`. A direct origin and one over TCP, each a process
 * of its own: first each alone, lock and release, one after the other; then both want the same lock all the time, so that
 * it is handed over with each release. The hand-over is from the moment that one begins to release until the other has it; the
 * processes share the kernel's monotonic clock. Services, origins and whatever else runs share the processors.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { connect, type Transport } from "../../src/index.ts";
import { startProcessCluster } from "../support/process-cluster.ts";

const PATH = "/lock";
const RANGE = { at: 0, length: 8, mode: "exclusive" } as const;
const WARM_UP = 500;
const ROUNDS = 3000;

/** In microseconds of the monotonic clock: when it had the lock, and when it began to release it. */
interface Held {
  readonly from: number;
  readonly until: number;
}

const nowUs = (): number => Number(process.hrtime.bigint()) / 1000;

async function origin(transport: Transport): Promise<void> {
  await using cluster = await connect(process.env.DIDAFS_URL, { transport, timeoutMs: 60_000 });
  await using file = await cluster.open(PATH);
  await using window = await file.window({ rights: "rw" });
  const rounds = async (count: number): Promise<Held[]> => {
    const held: Held[] = [];
    for (let i = 0; i < count; i += 1) {
      const lock = await window.lock(RANGE);
      const from = nowUs();
      const until = nowUs();
      await lock.release();
      held.push({ from, until });
    }
    return held;
  };
  const alone = async (): Promise<number[]> => {
    await rounds(WARM_UP);
    const times: number[] = [];
    for (let i = 0; i < ROUNDS; i += 1) {
      const from = nowUs();
      const lock = await window.lock(RANGE);
      times.push(nowUs() - from);
      await lock.release();
    }
    return times;
  };
  process.send?.("ready");
  for await (const [wanted] of onMessages()) {
    if (wanted === "stop") break;
    process.send?.(wanted === "alone" ? await alone() : await rounds(WARM_UP + ROUNDS));
  }
  process.disconnect();
}

async function* onMessages(): AsyncGenerator<[string]> {
  for (;;) yield (await once(process, "message")) as [string];
}

function told(what: string, times: number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (fraction: number): string =>
    `${(sorted[Math.floor(fraction * (sorted.length - 1))] as number).toFixed(1)} us`;
  console.log(`${what.padEnd(28)} p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, of ${times.length}`);
}

async function measure(): Promise<void> {
  await using running = await startProcessCluster();
  const client = await connect(running.url);
  await (await client.open(PATH, { create: true, size: 4096 })).close();
  await client.close();
  const transports = ["direct", "tcp"] as const;
  const children = transports.map((transport) =>
    fork(import.meta.filename, [transport], { env: { ...process.env, DIDAFS_URL: running.url } }),
  );
  await Promise.all(children.map((child) => once(child, "message")));
  for (const [i, child] of children.entries()) {
    child.send("alone");
    const [times] = (await once(child, "message")) as [number[]];
    told(`uncontended, ${transports[i]}`, times);
  }
  const answers = children.map((child) => once(child, "message") as Promise<[Held[]]>);
  for (const child of children) child.send("both");
  const held = (await Promise.all(answers)).flatMap(([rounds], who) =>
    rounds.map((one) => ({ ...one, who })),
  );
  held.sort((a, b) => a.from - b.from);
  for (const [to, transport] of transports.entries()) {
    const times: number[] = [];
    for (let i = WARM_UP; i < held.length; i += 1) {
      const [before, after] = [held[i - 1] as (typeof held)[0], held[i] as (typeof held)[0]];
      if (before.until > after.from) throw new Error("two held it at a time");
      if (before.who !== to && after.who === to) times.push(after.from - before.until);
    }
    told(`handed over to ${transport}`, times);
  }
  for (const child of children) child.send("stop");
}

const [transport] = process.argv.slice(2);
await (transport === undefined ? measure() : origin(transport as Transport));
