/** Names in directories of several sizes: create, open, stat, list and unlink, one at a time. */

import { hashOf } from "../blocks/pattern.ts";
import { type Case, type OpenCase, WARM_UP_SEED } from "../harness/case.ts";
import { oneAtATime, type Round, type Timed } from "../harness/messages.ts";
import { timingOf } from "../harness/statistics.ts";
import { type NameStore, openNameStore } from "../names/name-store.ts";
import { Samples } from "../names/samples.ts";
import type { NameCounts } from "../rows/m1.ts";

/** How often each of them is opened and looked at before it goes. */
const LOOKS = 4;
const DATA_OPERATIONS = 1000;
/** Names that are made between two signs of progress. */
const FILL_BATCH = 500;
/** What is counted, for the report and the row's target. */
const METADATA_CALLS = `metadata calls in ${DATA_OPERATIONS} data operations`;

const OPERATIONS = ["create", "open", "stat", "readdir", "unlink", "use"] as const;
type Measures = Record<(typeof OPERATIONS)[number], Samples>;

export const open: OpenCase = async (setup, progressed) => {
  const { entries, files } = setup.parameters as unknown as NameCounts;
  const store = await openNameStore(setup);
  for (const count of entries) {
    await store.makeDirectory(`/${count}`);
    const names = standing(count);
    for (let at = 0; at < count; at += FILL_BATCH) {
      await store.fill(`/${count}`, names.slice(at, at + FILL_BATCH));
      progressed();
    }
  }
  const bench: Case = {
    async round(seed, forMs) {
      const lines: Record<string, Timed> = {};
      for (const count of entries) {
        const measures = await measureDirectory(store, count, files, seed, forMs);
        progressed();
        for (const operation of OPERATIONS) {
          const samples = measures[operation];
          if (samples.count === 0) continue;
          lines[`${operation}@${count}`] = oneAtATime(timingOf(samples.toArray()), samples.count);
        }
      }
      // The service counts the calls of all its clients.
      const counts = seed === WARM_UP_SEED ? {} : await countCalls(store, entries);
      return { lines, ...(await namesLeft(store, entries)), counts };
    },
    close: () => store.close(),
  };
  return bench;
};

/** Names that stay, in the order of their bytes. */
function standing(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `s${String(i).padStart(7, "0")}`);
}

async function measureDirectory(
  store: NameStore,
  count: number,
  files: number,
  seed: number,
  forMs: number,
): Promise<Measures> {
  const measures = Object.fromEntries(OPERATIONS.map((name) => [name, new Samples()])) as Measures;
  const endMs = performance.now() + forMs * OPERATIONS.length;
  let cycle = 0;
  do {
    const names = Array.from({ length: files }, (_, i) => `n${seed}-${cycle}-${i}`);
    await measureCycle(store, `/${count}`, names, count, measures);
    cycle += 1;
  } while (performance.now() < endMs);
  return measures;
}

async function measureCycle(
  store: NameStore,
  directory: string,
  names: readonly string[],
  count: number,
  { create, open: opens, stat, readdir, unlink, use }: Measures,
): Promise<void> {
  const paths = names.map((name) => `${directory}/${name}`);
  for (const path of paths) await (await create.time(() => store.create(path)))();
  for (let look = 0; look < LOOKS; look++) {
    for (const path of paths) await (await opens.time(() => store.open(path)))();
    for (const path of paths) {
      if ((await stat.time(() => store.stat(path))) !== 0) throw new Error(`${path} is not empty`);
    }
  }
  const { use: useOnce } = store;
  if (useOnce !== undefined) for (const _ of paths) await use.time(useOnce);
  const found = new Set(await readdir.time(() => store.list(directory)));
  if (found.size !== count + names.length || !names.every((name) => found.has(name))) {
    throw new Error(
      `${directory} has ${found.size} names, not the ${count} that stay and ${names.length} new ones`,
    );
  }
  for (const path of paths) await unlink.time(() => store.unlink(path));
}

async function namesLeft(
  store: NameStore,
  entries: readonly number[],
): Promise<Pick<Round, "hash" | "expectedHash">> {
  const [left, expected]: [string[], string[]] = [[], []];
  for (const count of entries) {
    left.push(...(await store.list(`/${count}`)).toSorted());
    expected.push(...standing(count));
  }
  return {
    hash: hashOf(Buffer.from(left.join("\n"))),
    expectedHash: hashOf(Buffer.from(expected.join("\n"))),
  };
}

async function countCalls(store: NameStore, entries: readonly number[]): Promise<Record<string, number>> {
  const calls = await store.metadataCalls?.(`/${entries[0]}/data`, DATA_OPERATIONS);
  if (calls === undefined) return {};
  if (calls > 0) throw new Error(`${calls} ${METADATA_CALLS}`);
  return { [METADATA_CALLS]: calls };
}
