import { assert } from "../../std/assert.ts";
import type { Epoch } from "./epoch-history.ts";

/** When epochs may have taken effect: of two of them, one comes before the other where its span ends before that begins. */
export interface Spans {
  readonly from: Float64Array;
  readonly to: Float64Array;
}

/** @param realTime otherwise all that is known is that final epochs come last */
export function spansOf(epochs: readonly Epoch[], realTime: boolean): Spans {
  let end = Number.POSITIVE_INFINITY;
  for (const { final, invoked } of epochs) if (final === true) end = Math.min(end, invoked - 0.5);
  const from = new Float64Array(epochs.length);
  const to = new Float64Array(epochs.length);
  for (const [index, { invoked, returned, outcome, final }] of epochs.entries()) {
    const last = outcome === "unknown" ? Number.POSITIVE_INFINITY : returned;
    const isLate = outcome === "unknown" ? invoked > end : returned > end;
    assert(final === true || !isLate, "final epochs begin when all others have ended");
    if (realTime) {
      from[index] = invoked;
      to[index] = final === true ? last : Math.min(last, end);
    } else {
      from[index] = final === true ? 1 : 0;
      to[index] = final === true ? 2 : 0.5;
    }
  }
  return { from, to };
}
