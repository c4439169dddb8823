/**
 * How a file is cut over its regions: stripe units take turns, so byte o of the file lies on region
 * floor(o / stripeUnit) % regionCount. The one place for this arithmetic; exact up to 2^53 because stripe units are
 * powers of two and all quotients stay below it.
 */

/** Bytes of the first `size` bytes of a file that lie on region `index`. */
export function regionBytes(size: number, stripeUnit: number, regionCount: number, index: number): number {
  const units = Math.floor(size / stripeUnit);
  const turns = Math.floor(units / regionCount);
  const last = units % regionCount;
  const whole = (turns + (index < last ? 1 : 0)) * stripeUnit;
  return index === last ? whole + (size % stripeUnit) : whole;
}

/** The region that holds byte `at` of the file. */
export function regionIndex(at: number, stripeUnit: number, regionCount: number): number {
  return Math.floor(at / stripeUnit) % regionCount;
}

/** Where byte `at` of the file lies in its region. */
export function regionOffset(at: number, stripeUnit: number, regionCount: number): number {
  const turn = Math.floor(Math.floor(at / stripeUnit) / regionCount);
  return turn * stripeUnit + (at % stripeUnit);
}

/** The byte of the file that lies at `offset` of region `index`. */
export function fileOffset(offset: number, stripeUnit: number, regionCount: number, index: number): number {
  const turn = Math.floor(offset / stripeUnit);
  return (turn * regionCount + index) * stripeUnit + (offset % stripeUnit);
}
