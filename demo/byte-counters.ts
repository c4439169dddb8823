import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "../src/index.ts";
import { INLINE_BYTES } from "../src/transport/transfer.ts";
import { HEADER_BYTES, MAX_PAYLOAD_BYTES } from "../src/wire/header.ts";
import type { IngestedFile } from "./manifest.ts";
import { Mismatch } from "./mismatch.ts";
import { formatBytes } from "./report.ts";

/** Targets report their counters by heartbeats. One that is silent for longer than this is no longer called up. */
const QUIET_MS = 1_600;
const SETTLE_MS = 30_000;
const POLL_MS = 250;
/** One process makes one data connection to each worker of each target, each begun by one answered HELLO. */
const WORKERS_MAX = 16;

const NAMES = ["operations", "tcpBytesOut", "unixBytesOut", "mappings", "mappedBytes"] as const;

/** What all targets together have counted. */
export type ByteCounters = Readonly<Record<(typeof NAMES)[number], number>>;

/** The targets' counters once they have come to rest. @throws where a counter is missing or nothing comes to rest */
export async function restingCounters(cluster: Cluster, signal: AbortSignal): Promise<ByteCounters> {
  const endMs = performance.now() + SETTLE_MS;
  let last = await countersNow(cluster);
  let sinceMs = performance.now();
  while (performance.now() - sinceMs < QUIET_MS) {
    if (performance.now() > endMs) throw new Error("the targets' counters do not come to rest");
    await sleep(POLL_MS, undefined, { signal });
    const next = await countersNow(cluster);
    if (NAMES.some((name) => next[name] !== last[name])) sinceMs = performance.now();
    last = next;
  }
  return last;
}

async function countersNow(cluster: Cluster): Promise<ByteCounters> {
  const { targets } = await cluster.status();
  return combine((name) =>
    targets.reduce((sum, { counters, id, state }) => {
      const value = counters[name];
      if (value === undefined || state !== "up")
        throw new Error(`target ${id} (${state}) reports no ${name}`);
      return sum + value;
    }, 0),
  );
}

export function growth(before: ByteCounters, after: ByteCounters): ByteCounters {
  return combine((name) => after[name] - before[name]);
}

function combine(value: (name: (typeof NAMES)[number]) => number): ByteCounters {
  return Object.fromEntries(NAMES.map((name) => [name, value(name)])) as ByteCounters;
}

/**
 * The files were read from mappings: their bytes were mapped, each once, and over sockets came not one answer to an
 * access. @throws Mismatch
 */
export function proveDirect(grown: ByteCounters, files: readonly IngestedFile[], targets: number): string {
  const volume = files.reduce((sum, { size }) => sum + size, 0);
  const { operations, tcpBytesOut, unixBytesOut, mappings, mappedBytes } = grown;
  expect(mappedBytes === volume, `${mappedBytes} bytes were mapped, not ${volume}`);
  expect(operations === 0, `${operations} accesses came over sockets`);
  expect(tcpBytesOut === 0, `${tcpBytesOut} bytes left over TCP`);
  expect(isHellos(unixBytesOut, targets), `${unixBytesOut} bytes left over unix sockets`);
  return `${mappings} mappings of ${formatBytes(mappedBytes)} granted, no access and ${unixBytesOut + tcpBytesOut} bytes over sockets`;
}

/** The files' bytes left over TCP, and nothing was mapped or left otherwise. @throws Mismatch */
export function proveTcp(grown: ByteCounters, files: readonly IngestedFile[], targets: number): string {
  const volume = files.reduce((sum, { size }) => sum + size, 0);
  const { operations, tcpBytesOut, unixBytesOut, mappings } = grown;
  const answers = operations * HEADER_BYTES;
  const payload = volume - files.reduce((sum, { size }) => sum + inlineBytes(size), 0);
  const hellos = tcpBytesOut - payload - answers;
  const counted = `${tcpBytesOut} bytes left over TCP, of which ${answers} are the headers of ${operations} answers`;
  expect(isHellos(hellos, targets), `${counted}; the files' ${payload} bytes do not account for the rest`);
  expect(unixBytesOut === 0, `${unixBytesOut} bytes left over unix sockets`);
  expect(mappings === 0, `${mappings} mappings were granted`);
  return `${formatBytes(tcpBytesOut)} left over TCP: the files, and ${operations} answers' headers; nothing mapped`;
}

/** The bytes of a file that travel inside a header: the end of its last command, where that is a short one. */
function inlineBytes(size: number): number {
  const last = size % MAX_PAYLOAD_BYTES;
  return last <= INLINE_BYTES ? last : 0;
}

function isHellos(bytes: number, targets: number): boolean {
  const count = bytes / HEADER_BYTES;
  return Number.isInteger(count) && count >= 0 && count <= targets * WORKERS_MAX;
}

function expect(held: boolean, otherwise: string): void {
  if (!held) throw new Mismatch(`the targets' counters contradict the path: ${otherwise}`);
}
