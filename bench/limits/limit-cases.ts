import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fillPattern, hashOf, patternBytes, patternSum, patternWords, walkSeed } from "../blocks/pattern.ts";
import { type Moves, type Walk, type Working, walksOf } from "../blocks/walk.ts";
import type { Absent } from "../harness/absent.ts";
import type { Round, Timed } from "../harness/messages.ts";
import { type CaseSpec, type OpenCaseRunner, shareOf } from "../harness/row.ts";
import { runProgram } from "../harness/run-program.ts";
import { timingOf } from "../harness/statistics.ts";
import type { Compiler } from "./compile.ts";
import { parsePrinted } from "./program.ts";

const SPARE_MS = 30_000;

type Open = CaseSpec["open"];

/** Loads from, or stores to, a plain file that is mapped; of larger blocks copies: mapped-blocks.c. */
export function openMappedBlocks(working: Working, moves: Moves): Open {
  return openLimit("mapped-blocks", working, moves, (file, { blocks, blockBytes }) => [
    moves,
    file,
    `${blocks}`,
    `${blockBytes}`,
    `${working.batchOps}`,
  ]);
}

/** 8 bytes to and fro over TCP, polled on both sides: ping-pong.c. */
export function openPingPong(working: Working): Open {
  return openLimit("ping-pong", working, "get", (file, { blocks }) => [file, `${blocks}`]);
}

/** Blocks of a server's mapped file over TCP, polled on both sides: served-blocks.c. */
export function openServedBlocks(working: Working, moves: Moves): Open {
  return openLimit("served-blocks", working, moves, (file, { blocks, blockBytes, depth }) => [
    moves,
    file,
    `${blocks}`,
    `${blockBytes}`,
    `${depth}`,
  ]);
}

/** Blocks of a plain file, each overwritten and synced before the next: synced-blocks.c. */
export function openSyncedBlocks(working: Working): Open {
  return openLimit("synced-blocks", working, "put", (file, { blocks, blockBytes }) => [
    file,
    `${blocks}`,
    `${blockBytes}`,
  ]);
}

/** Blocks that two processes hand over to each other, polled on both sides: hand-over.c. */
export function openHandOver(working: Working, by: "memory" | "tcp"): Open {
  return openLimit("hand-over", working, "put", (file, { blocks, blockBytes }) => [
    by,
    file,
    `${blocks}`,
    `${blockBytes}`,
  ]);
}

/** MPI_Get of 8 bytes, each with its flush, over TCP by Open MPI: mpi-get.c. */
export function openMpiGet(working: Working): Open {
  return openLimit("mpi-get", working, "get", (file, { blocks }) => [file, `${blocks}`], {
    compiler: "mpicc",
    launch: OVER_TCP,
  });
}

/** Open MPI's own one-sided operations over messages, and those over TCP; it knows none that are without messages there. */
const OVER_TCP = [
  ...["mpirun", "-n", "2", "--allow-run-as-root", "--oversubscribe"],
  ...["--mca", "pml", "ob1", "--mca", "btl", "tcp,self", "--mca", "osc", "pt2pt"],
];

interface Build {
  readonly compiler: Compiler;
  /** The command that runs the program. */
  readonly launch: readonly string[];
}

const PLAIN: Build = { compiler: "cc", launch: [] };

/** The programs read their blocks from FILE, write those of FILE.from, and leave what they read in FILE.seen. */
function openLimit(
  name: string,
  working: Working,
  moves: Moves,
  argumentsFor: (file: string, walk: Walk) => string[],
  { compiler, launch }: Build = PLAIN,
): Open {
  return async (context, row, spec): Promise<OpenCaseRunner | Absent> => {
    const program = await context.program(name, compiler);
    if (typeof program !== "string") return program;
    const [launcher = program, ...launched] = [...launch, program];
    const file = path.join(context.directory(`${row.id}-${spec.id}`), "plain");
    const pattern = patternWords(working.workingBytes);
    fillPattern(pattern, 0);
    writeFileSync(file, patternBytes(pattern));
    const roundMs = context.settings.roundMs * shareOf(row);
    const run = async (walk: Walk, signal: AbortSignal): Promise<{ timed: Timed; hashes: Hashes }> => {
      writeFileSync(`${file}.from`, patternBytes(pattern));
      const limits = { withinMs: roundMs + SPARE_MS, signal };
      const text = await runProgram(
        launcher,
        [...launched, ...argumentsFor(file, walk), String(roundMs)],
        limits,
      );
      const { timed, tookNs, all, sum, samplesNs } = parsePrinted(text, working.batchOps);
      const moved = readFileSync(moves === "put" ? file : `${file}.seen`);
      const expected = moves === "put" ? sum : patternSum(pattern, walk.blockBytes, all) >>> 0;
      return {
        timed: { ...timingOf(samplesNs), operations: timed, operationsPerSecond: (timed / tookNs) * 1e9 },
        hashes:
          sum === expected
            ? { hash: hashOf(moved), expectedHash: hashOf(patternBytes(pattern)) }
            : { hash: `sum ${sum}`, expectedHash: `sum ${expected}` },
      };
    };
    return {
      async round(seed, signal) {
        const lines: Record<string, Timed> = {};
        let hashes: Hashes = { hash: undefined, expectedHash: undefined };
        const walks = [...walksOf(working)];
        for (const [index, [key, walk]] of walks.entries()) {
          if (moves === "put") fillPattern(pattern, walkSeed(seed, walks.length - 1 - index));
          const ran = await run(walk, signal);
          lines[key] = ran.timed;
          hashes = ran.hashes;
          if (hashes.hash !== hashes.expectedHash) break;
        }
        return { lines, ...hashes };
      },
      close: async () => {},
    };
  };
}

type Hashes = Pick<Round, "hash" | "expectedHash">;
