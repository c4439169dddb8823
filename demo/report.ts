import type { Took } from "./timing.ts";

/** Decimal units, as drives and networks are sold. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const unit = bytes < 1e6 ? "kB" : bytes < 1e9 ? "MB" : "GB";
  const value = bytes / { kB: 1e3, MB: 1e6, GB: 1e9 }[unit];
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
}

export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

export function formatSeconds(seconds: number): string {
  return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}

/** 1 means as fast as the peer, 2 twice as fast. */
export function formatRatio(rate: number, peer: number): string {
  return `${(rate / peer).toFixed(2)}×`;
}

export function filesPerSecond({ files, seconds }: Took): number {
  return files / seconds;
}

export function bytesPerSecond({ bytes, seconds }: Took): number {
  return bytes / seconds;
}

/** One row of a table of rates; cells that do not apply are empty. */
export function row(first: string, ...cells: readonly string[]): string {
  return `  ${first.padEnd(24)}${cells.map((cell) => cell.padStart(14)).join("")}`;
}
