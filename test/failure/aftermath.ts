import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, connect, type Stat } from "../../src/index.ts";
import { FILE_BYTES, slotFault } from "./blocks.ts";
import { groupFault, placesOf } from "./epoch-groups.ts";
import type { EpochedFile, Fleet, NamedDirectory, WrittenFile } from "./fleet.ts";
import { type Appearance, appearance } from "./names.ts";
import type { Services } from "./services.ts";

const CALL_MS = 20_000;
/** What could not be removed is tried again after 5 s; orphans that nobody claims go after two leases of 10 s. */
const SWEEP_MS = 45_000;
const FAULTS_TOLD = 10;

/** Holds everything that was acknowledged against what a new client finds. @returns what is wrong */
export async function aftermath(services: Services, fleet: Fleet, sweepMs = SWEEP_MS): Promise<string[]> {
  await using cluster = await connect(services.url, { keyFile: services.keyFile, timeoutMs: CALL_MS });
  await allUp(cluster);
  const faults: string[] = [];
  for (const file of fleet.files) faults.push(...(await blockFaults(cluster, file)));
  for (const file of fleet.epochFiles) faults.push(...(await epochFaults(cluster, file)));
  for (const directory of fleet.directories) faults.push(...(await nameFaults(cluster, directory)));
  faults.push(...(await regionFaults(cluster, services.data, sweepMs)), ...services.complaints());
  const more = faults.length - FAULTS_TOLD;
  return more > 0 ? [...faults.slice(0, FAULTS_TOLD), `and ${more} more`] : faults;
}

/** A metadata service that has just begun knows a target again when that comes to it, which clients with windows need not wait for. */
async function allUp(cluster: Cluster): Promise<void> {
  const endMs = performance.now() + CALL_MS;
  for (;;) {
    const { targets } = await cluster.status();
    const down = targets.filter(({ state }) => state !== "up").map(({ name }) => name);
    if (down.length === 0) return;
    assert.ok(performance.now() < endMs, `${down} did not come to the metadata service again`);
    await sleep(200);
  }
}

async function blockFaults(cluster: Cluster, { path: name, sharing, slots }: WrittenFile): Promise<string[]> {
  await using file = await cluster.open(name, { rights: "r" });
  await using window = await file.window({ sharing });
  const bytes = await window.get(0, new Uint8Array(FILE_BYTES));
  return slots.flatMap((record, slot) => {
    const fault = slotFault(bytes, slot, record);
    return fault === undefined ? [] : [`${name}: ${fault}`];
  });
}

async function nameFaults(cluster: Cluster, { path: directory, names }: NamedDirectory): Promise<string[]> {
  const found = new Map<string, Appearance>();
  const faults: string[] = [];
  for await (const [at, stat] of tree(cluster, directory)) {
    const target = stat.type === "symlink" ? await cluster.readlink(at) : "";
    found.set(at.slice(directory.length + 1), appearance({ ...stat, target }));
    if (stat.type === "file") faults.push(...(await wholenessFaults(cluster, at)));
  }
  return [...faults, ...names.faults(found).map((fault) => `${directory}: ${fault}`)];
}

/** Each group is as one of its epochs left it, the last that was acknowledged or a later one; and nobody holds any of it. */
async function epochFaults(cluster: Cluster, { path: name, groups }: EpochedFile): Promise<string[]> {
  await using file = await cluster.open(name, { rights: "rw" });
  await using window = await file.window({ rights: "rw" });
  const faults: string[] = [];
  for (const [group, record] of groups.entries()) {
    const found = await window.epoch({ retries: 1000, timeoutMs: CALL_MS }, async (epoch) => {
      const stamps: number[] = [];
      for (const at of placesOf(group)) {
        stamps.push(await epoch.load(at));
        await epoch.store(at, record.begun + 1);
      }
      return stamps;
    });
    const fault = groupFault(group, found, record);
    if (fault !== undefined) faults.push(`${name}: ${fault}`);
  }
  return faults;
}

/** A file that has a name has all of its regions, and nobody has written to these. */
async function wholenessFaults(cluster: Cluster, name: string): Promise<string[]> {
  try {
    await using file = await cluster.open(name, { rights: "r" });
    await using window = await file.window();
    const bytes = await window.get(0, new Uint8Array(file.size));
    return bytes.every((byte) => byte === 0) ? [] : [`${name} has bytes that nobody wrote`];
  } catch (error) {
    return [`${name} is half made: ${error}`];
  }
}

/** The targets have the regions of the files that have a name, and after a while no others. */
async function regionFaults(cluster: Cluster, data: string, sweepMs: number): Promise<string[]> {
  const endMs = performance.now() + sweepMs;
  for (;;) {
    const expected = new Set<string>();
    for await (const [, { inode, layout }] of tree(cluster, "")) {
      for (const [index, { target }] of (layout?.regions ?? []).entries()) {
        expected.add(`${target}/${inode}.${index}`);
      }
    }
    const found = new Set(regionObjects(data));
    const lost = [...expected].filter((region) => !found.has(region));
    const orphans = [...found].filter((region) => !expected.has(region));
    if (lost.length + orphans.length === 0) return [];
    if (lost.length > 0 || performance.now() > endMs) {
      return [
        ...lost.map((region) => `region ${region} is gone`),
        ...orphans.map((region) => `region ${region} belongs to no file`),
      ];
    }
    await sleep(200);
  }
}

/** What lies on the targets' drives, as `target/inode.index`. */
function regionObjects(data: string): string[] {
  const targets = readdirSync(data).filter((name) => name.startsWith("target-"));
  return targets.flatMap((name) => {
    const { id } = JSON.parse(readFileSync(path.join(data, name, "target.json"), "utf8")) as { id: string };
    const objects = readdirSync(path.join(data, name, "regions"));
    // Beside them lie the logs of epochs.
    return objects.filter((object) => !object.startsWith("epochs.")).map((region) => `${id}/${region}`);
  });
}

async function* tree(cluster: Cluster, directory: string): AsyncGenerator<[path: string, stat: Stat]> {
  for await (const { name } of cluster.readdir(directory === "" ? "/" : directory)) {
    const at = `${directory}/${name}`;
    const stat = await cluster.stat(at, { follow: false });
    yield [at, stat];
    if (stat.type === "directory") yield* tree(cluster, at);
  }
}
