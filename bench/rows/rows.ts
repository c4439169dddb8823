import type { Row } from "../harness/row.ts";
import { L1 } from "./l1.ts";
import { m1 } from "./m1.ts";
import { R1 } from "./r1.ts";

/** The rows of `didafs bench`, named as in docs/bench.md. */
export const ROWS: readonly Row[] = [
  L1,
  R1,
  m1({ entries: [100, 1000, 10_000, 100_000], files: 32, clients: [1, 2, 4, 8, 16] }),
];

/** The same, small enough for tests. */
export const QUICK_ROWS: readonly Row[] = [L1, R1, m1({ entries: [10, 100], files: 4, clients: [1, 2] })];
