/** A logarithmic axis. */
export interface LogScale {
  readonly min: number;
  readonly max: number;
  /** Where a value lies, in pixels; values outside lie on the edge. */
  at(value: number): number;
  /** The powers of ten on it. */
  readonly decades: readonly number[];
}

/** From the power of ten below the smallest value to the one above the largest. @param values above 0; without any: 1 to 10 */
export function logScale(values: readonly number[], from: number, to: number): LogScale {
  const known = values.filter((value) => value > 0 && Number.isFinite(value));
  const low = known.length === 0 ? 0 : Math.floor(Math.log10(Math.min(...known)));
  const high = known.length === 0 ? 1 : Math.ceil(Math.log10(Math.max(...known)));
  const top = Math.max(high, low + 1);
  const decades = Array.from({ length: top - low + 1 }, (_, i) => 10 ** (low + i));
  return {
    min: 10 ** low,
    max: 10 ** top,
    at(value) {
      const part = (Math.log10(Math.max(value, 10 ** low)) - low) / (top - low);
      return from + Math.min(1, Math.max(0, part)) * (to - from);
    },
    decades,
  };
}
