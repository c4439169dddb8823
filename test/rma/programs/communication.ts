/** What ranks do for communication.test.ts. */
import { connect } from "../../../src/index.ts";
import { FILE_BYTES, type Rank, TRANSPORTS, UNIT, WORD_BYTES } from "../rank.ts";

/** Not a multiple of anything, so that blocks begin anywhere and run over stripe units. */
export const BLOCK_BYTES = 1001;

/** Byte `i` of what one rank sends another one. */
export function blockByte(from: number, to: number, i: number): number {
  return (from * 101 + to * 13 + i * 7) & 0xff;
}

/** Puts a block for each rank. @returns the blocks that all have put for this one */
export async function allToAll({ rank, size, window, barrier }: Rank): Promise<Uint8Array> {
  const puts = Array.from({ length: size }, (_, to) => {
    const block = Uint8Array.from({ length: BLOCK_BYTES }, (_, i) => blockByte(rank, to, i));
    return window.put((to * size + rank) * BLOCK_BYTES, block);
  });
  await Promise.all(puts);
  await barrier();
  return window.get(rank * size * BLOCK_BYTES, new Uint8Array(size * BLOCK_BYTES));
}

export const RUN_BYTES = 7;
export const RUNS = 500;

/** Puts every fourth run of bytes, while the other ranks put those between. */
export async function interleavedRuns({ rank, size, window }: Rank): Promise<void> {
  const run = new Uint8Array(RUN_BYTES).fill(rank + 1);
  const puts = Array.from({ length: RUNS }, (_, i) => window.put((i * size + rank) * RUN_BYTES, run));
  await Promise.all(puts);
}

/** Accesses of no bytes, wherever the window has some, and at its end. @returns how many have completed */
export async function noBytes({ window }: Rank): Promise<number> {
  const none = new Uint8Array(0);
  let completed = 0;
  for (const at of [0, UNIT - WORD_BYTES, FILE_BYTES]) {
    await window.put(at, none);
    window.putSync(at, none);
    await window.get(at, none);
    window.getSync(at, none);
    await window.accumulate("replace", at, new BigInt64Array(0));
    await window.batch().put(at, none).get(at, none).putVector([at, 0, 0, 0], none).run();
    completed += 1;
  }
  await window.flush();
  return completed;
}

/** Of a square matrix of f64, by rows. */
export const SIDE = 32;

/** Scatters its share of a matrix's columns; then gathers one of its neighbour's. @returns all rows, and that column */
export async function columns(own: Rank): Promise<{ rows: Float64Array; column: Float64Array }> {
  const { rank, size, window, barrier } = own;
  const batch = window.batch();
  for (let c = rank; c < SIDE; c += size) {
    batch.putVector(
      columnVector(c),
      Float64Array.from({ length: SIDE }, (_, r) => r + c / SIDE),
    );
  }
  await batch.run();
  await barrier();
  const column = new Float64Array(SIDE);
  await window
    .batch()
    .getVector(columnVector((rank + 1) % size), column)
    .run();
  return { rows: await window.get(0, new Float64Array(SIDE * SIDE)), column };
}

function columnVector(column: number): number[] {
  return Array.from({ length: SIDE }, (_, row) => [(row * SIDE + column) * WORD_BYTES, WORD_BYTES]).flat();
}

/** Puts through one window and gets through another one of this process. @returns what it got, beside what it put */
export async function toItself({ rank, file, sharing, window }: Rank): Promise<[number, number][]> {
  const otherWay = TRANSPORTS[(rank + 1) % 2];
  await using cluster = await connect(undefined, { transport: otherWay });
  await using sameFile = await cluster.open(file.path);
  await using other = await sameFile.window({ rights: "rw", sharing });
  const seen: [number, number][] = [];
  const at = rank * UNIT;
  for (let n = 1; n <= 100; n += 1) {
    await window.store(at, n);
    seen.push([await other.load(at), n]);
    await other.put(at + WORD_BYTES, BigInt64Array.of(BigInt(n)));
    seen.push([window.loadSync(at + WORD_BYTES), n]);
  }
  return seen;
}

/** Rank 0 loads and stores its mapped bytes, the others put and get. @returns what each has read of the others */
export async function viewsAndCalls(own: Rank): Promise<number[]> {
  const { rank, size, window, sharing, file, barrier } = own;
  if (rank > 0) {
    await barrier();
    await window.put(rank * WORD_BYTES, BigInt64Array.of(BigInt(rank)));
    await barrier();
    await barrier();
    return [window.loadSync(0)];
  }
  await using part = await file.window({ rights: "rw", sharing, at: 0 });
  const words = part.view(BigInt64Array, 0, size);
  await barrier();
  await barrier();
  const seen = [...words].slice(1).map(Number);
  // A view of a managed window cannot store to the file.
  if (sharing === "raw") Atomics.store(words, 0, 77n);
  else window.storeSync(0, 77);
  await barrier();
  return seen;
}

export const CONFLICTS = 64;
/** Where words lie that all ranks put, and behind them bytes that all put at once. */
export const MANY_AT: number = UNIT;
export const MANY_BYTES: number = 3 * UNIT;

/** All put the same words, and the same larger range, at the same time. */
export async function conflicts({ rank, window, barrier }: Rank): Promise<void> {
  const word = new Uint8Array(WORD_BYTES).fill(rank + 1);
  const many = new Uint8Array(MANY_BYTES).fill(rank + 1);
  await barrier();
  const puts: Promise<void>[] = [];
  for (let i = 0; i < CONFLICTS; i += 1) {
    puts.push(window.put(i * WORD_BYTES, word));
    if (i % 8 === 0) puts.push(window.put(MANY_AT, many));
  }
  await Promise.all(puts);
}

export const PART_BYTES = 6000;
/** Each window begins before the one below has ended. */
export const PART_STEP = 4000;

/** Opens a window on a part of the file and one of no bytes. @returns what it reads of the next rank's window */
export async function parts(own: Rank): Promise<{ first: number; length: number; none: number }> {
  const { rank, size, sharing, file, barrier, cluster } = own;
  // Only whole regions are mapped raw, so who maps takes the way by commands here.
  await using client = await connect(cluster.url, { transport: "tcp" });
  await using sameFile = await client.open(file.path);
  const options = { rights: "rw", sharing } as const;
  await using part = await sameFile.window({ ...options, at: rank * PART_STEP, length: PART_BYTES });
  await using none = await sameFile.window({ ...options, at: rank * PART_STEP, length: 0 });
  await part.store(0, rank + 1);
  await barrier();
  const first = rank + 1 < size ? await part.load(PART_STEP) : 0;
  await barrier();
  return { first, length: part.length, none: none.length };
}

/** Issues many puts and closes the window at once. @returns how many did not complete */
export async function closeAtOnce({ rank, file, sharing, barrier }: Rank): Promise<number> {
  const window = await file.window({ rights: "rw", sharing });
  const puts = Array.from({ length: RUNS }, (_, i) =>
    window.put((rank * RUNS + i) * WORD_BYTES, BigInt64Array.of(BigInt(i + 1))),
  );
  await window.close();
  await barrier();
  const ended = await Promise.allSettled(puts);
  return ended.filter(({ status }) => status === "rejected").length;
}
