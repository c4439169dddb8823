import type { Row } from "../harness/row.ts";
import { L1 } from "./l1.ts";
import { R1 } from "./r1.ts";

/** The rows of `didafs bench`, named as in docs/bench.md. */
export const ROWS: readonly Row[] = [L1, R1];
