import type { Row } from "../harness/row.ts";
import { a1 } from "./a1.ts";
import { e1 } from "./e1.ts";
import { E2 } from "./e2.ts";
import { L1 } from "./l1.ts";
import { L2 } from "./l2.ts";
import { L3 } from "./l3.ts";
import { m1 } from "./m1.ts";
import { N1 } from "./n1.ts";
import { R1 } from "./r1.ts";
import { r2 } from "./r2.ts";
import { r3 } from "./r3.ts";
import { s1 } from "./s1.ts";
import { x1 } from "./x1.ts";

const [KIB, MIB] = [1 << 10, 1 << 20];

/** The rows of `didafs bench`, named as in docs/bench.md. */
export const ROWS: readonly Row[] = [
  L1,
  L2,
  L3,
  R1,
  r2({ depths: [1, 4, 16, 64, 256], workingBytes: { block: 4 * MIB, word: 8 * KIB } }),
  r3({ workingBytes: 16 * MIB, sizes: [4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB] }),
  e1({ origins: [1, 4, 16], workingBytes: 256 * KIB }),
  E2,
  N1,
  m1({ entries: [100, 1000, 10_000, 100_000], files: 32, clients: [1, 2, 4, 8, 16] }),
  s1({ connections: [1, 10, 100, 1000], sizes: [8, 4096], depth: 4 }),
  a1({ strangers: 1000, tricklingStrangers: 800, tricklingSessions: 200, neverReading: 64, stopped: 32 }),
  x1({ targets: 3, direct: 4, tcp: 4, idleMs: 10_000, quietMs: 1000 }),
];

/** The same, small enough for tests. Every loop wakes once in four seconds at least, so that there is something to count. */
export const QUICK_ROWS: readonly Row[] = [
  L1,
  L2,
  L3,
  R1,
  r2({ depths: [1, 64], workingBytes: { block: 256 * KIB, word: KIB } }),
  r3({ workingBytes: 2 * MIB, sizes: [64 * KIB, MIB] }),
  e1({ origins: [1, 4], workingBytes: 64 * KIB }),
  E2,
  N1,
  m1({ entries: [10, 100], files: 4, clients: [1, 2] }),
  s1({ connections: [1, 4], sizes: [8, 4096], depth: 2 }),
  a1({ strangers: 20, tricklingStrangers: 16, tricklingSessions: 4, neverReading: 4, stopped: 2 }),
  x1({ targets: 1, direct: 1, tcp: 1, idleMs: 4500, quietMs: 100 }),
];
