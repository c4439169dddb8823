/** Cases that read or write blocks of a working set: what each has to bring, and the rounds around it. */
import { type Case, type CaseSetup, type OpenCase, WARM_UP_SEED } from "../harness/case.ts";
import type { Round, Timed } from "../harness/messages.ts";
import { timingOf } from "../harness/statistics.ts";
import { fillPattern, hashOf, patternBytes, patternSum, patternWords, walkSeed } from "./pattern.ts";
import { type Extent, runSteps, runSync, type Stretch } from "./timing-loop.ts";
import { type Moves, type Walk, type Working, walksOf } from "./walk.ts";

export interface BlockSetup extends CaseSetup {
  /** The working set: what gets find, and what puts write. Holds other words before puts are measured. */
  readonly pattern: Int32Array;
}

interface CommonOperations {
  /**
   * The working set as it is now, for the hash. Gets read every block by the very operation that is measured; puts are
   * read back by another way, so that bytes that never left do not pass.
   */
  bytes(): Promise<Uint8Array>;
  /** What others have counted so far, by what it is. The report has it an operation. */
  counted?(): Readonly<Record<string, number>>;
}

/** Operations that return when they are done. */
export interface SyncOperations extends CommonOperations {
  /**
   * Runs `count` operations from block number `block` on. Holds its own loop, so that no call of the harness lies between
   * two operations. @returns the sum of the first halves (see {@link patternSum}) that were read; of puts, anything
   */
  batch(block: number, count: number): number;
}

/** Operations that are awaited. */
export interface AwaitedOperations extends CommonOperations {
  /**
   * Starts the operation on block number `block`, or the `groupOps` operations from there on. `slot` numbers those that
   * are under way at once, from 0.
   */
  step(block: number, slot: number): Promise<unknown> | undefined;
  /** The sum of the first halves that the slot's last step read; of puts, anything. */
  seen(slot: number): number;
  /** Operations of a step; default 1. With more, steps follow each other. */
  readonly groupOps?: number;
}

/** What a case module opens. */
export interface BlockCase {
  /** The operations of one walk. Of several walks only one runs at a time. */
  along(walk: Walk): SyncOperations | AwaitedOperations;
  close(): Promise<void>;
}

/** Before each stretch, because the processor has worked for others meanwhile. */
const SETTLE_MS = 5;

/** Makes a case module's `open` of a function that opens the blocks, with {@link Working} and `moves` as parameters. */
export function blockCase(open: (setup: BlockSetup) => Promise<BlockCase>): OpenCase {
  return async (setup) => {
    const working = setup.parameters as unknown as Working & { readonly moves: Moves };
    const pattern = patternWords(working.workingBytes);
    fillPattern(pattern, 0);
    const bench = await open({ ...setup, pattern });
    const walks = Array.from(walksOf(working), ([key, walk]) => ({ key, walk, does: bench.along(walk) }));
    const round = async (seed: number, forMs: number): Promise<Round> => {
      const lines: Record<string, Timed> = {};
      const counts: Record<string, number> = {};
      let hashes: Hashes = { hash: undefined, expectedHash: undefined };
      for (const [index, { key, walk, does }] of walks.entries()) {
        const run = (extent: Extent): Promise<Stretch> => runStretch(does, walk, working.batchOps, extent);
        if (seed === WARM_UP_SEED) {
          await run({ forMs, operationsMin: 0 });
          continue;
        }
        await run({ forMs: SETTLE_MS, operationsMin: 0 });
        // Other words than before, so that a put that does nothing is noticed.
        if (working.moves === "put") fillPattern(pattern, walkSeed(seed, walks.length - 1 - index));
        const before = does.counted?.() ?? {};
        const stretch = await run({ forMs, operationsMin: walk.blocks });
        for (const [name, count] of Object.entries(does.counted?.() ?? {})) {
          counts[name] = (count - (before[name] ?? 0)) / stretch.operations;
        }
        lines[key] = timedOf(stretch);
        hashes = await checked(does, working.moves, pattern, walk, stretch);
        if (hashes.hash !== hashes.expectedHash) break;
      }
      return { lines, ...hashes, counts };
    };
    const made: Case = { round, close: () => bench.close() };
    return made;
  };
}

type Hashes = Pick<Round, "hash" | "expectedHash">;

async function runStretch(
  does: SyncOperations | AwaitedOperations,
  walk: Walk,
  batchOps: number,
  extent: Extent,
): Promise<Stretch> {
  return "batch" in does ? runSync(does, walk.blocks, batchOps, extent) : await runSteps(does, walk, extent);
}

export function timedOf({ samplesNs, operations, tookMs }: Stretch): Timed {
  return { ...timingOf(samplesNs), operations, operationsPerSecond: (operations / tookMs) * 1e3 };
}

async function checked(
  does: SyncOperations | AwaitedOperations,
  moves: Moves,
  pattern: Int32Array,
  { blockBytes }: Walk,
  { sum, operations }: Stretch,
): Promise<Hashes> {
  if (moves === "get" && sum !== patternSum(pattern, blockBytes, operations)) {
    return { hash: `sum ${sum}`, expectedHash: "the sum of the words" };
  }
  return { hash: hashOf(await does.bytes()), expectedHash: hashOf(patternBytes(pattern)) };
}
