/** Figures as people read them. */

/** A count of nanoseconds or a ratio, at the precision that such figures deserve. */
export function amount(value: number): string {
  if (Number.isInteger(value)) return `${value}`;
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function duration(ns: number | undefined): string {
  if (ns === undefined) return "-";
  if (ns < 1e3) return `${amount(ns)} ns`;
  return ns < 1e6 ? `${amount(ns / 1e3)} us` : `${amount(ns / 1e6)} ms`;
}

export function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${amount(perSecond / 1e6)} M`;
  return perSecond >= 1e3 ? `${amount(perSecond / 1e3)} k` : amount(perSecond);
}

/**
 * Columns as wide as their widest cell. A row with fewer cells than the head has runs over the last columns.
 * @param left columns that begin at the left; the others end at the right
 */
export function align(head: readonly string[], rows: readonly (readonly string[])[], left: number): string[] {
  const widths = head.map((cell) => cell.length);
  for (const row of rows) {
    for (const [at, cell] of row.entries()) {
      if (row.length === head.length || at < left) widths[at] = Math.max(widths[at] ?? 0, cell.length);
    }
  }
  const pad = (cell: string, at: number, row: readonly string[]): string =>
    at < left || row.length < head.length
      ? cell.padEnd(widths[at] as number)
      : cell.padStart(widths[at] as number);
  return [head, ...rows].map((row) =>
    `    ${row.map((cell, at) => pad(cell, at, row)).join("  ")}`.trimEnd(),
  );
}
