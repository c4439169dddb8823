const FACTORS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes written as `65536`, `64K` or `64KiB`; NaN for anything else. */
export function parseByteCount(text: string): number {
  const match = /^(\d{1,15})(?:([kmgt])(?:ib?)?)?$/i.exec(text);
  if (match === null) return Number.NaN;
  return Number(match[1]) * (FACTORS[(match[2] ?? "").toLowerCase()] as number);
}
