const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** A count of bytes in at most four digits: `0 B`, `1.5 KiB`, `20 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** A time span in its two largest units: `4 s`, `3 m 20 s`, `2 d 5 h`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.floor(seconds);
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "m"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  const shown = first < 0 ? parts.slice(-1) : parts.slice(first, first + 2);
  return shown.map(([count, unit]) => `${count} ${unit}`).join(" ");
}

const KINDS = { file: "-", directory: "d", symlink: "l" };

/** `drwxr-xr-x`; set-id and sticky bits as ls(1) shows them: small where the place may also be executed. */
export function formatMode(type: keyof typeof KINDS, mode: number): string {
  let text = KINDS[type];
  for (let place = 2; place >= 0; place -= 1) {
    const bits = mode >> (place * 3);
    const special = (mode >> (9 + place)) & 1 ? SPECIAL[place] : undefined;
    text += (bits & 4 ? "r" : "-") + (bits & 2 ? "w" : "-");
    if (special === undefined) text += bits & 1 ? "x" : "-";
    else text += bits & 1 ? special : special?.toUpperCase();
  }
  return text;
}

/** Of others, group and user. */
const SPECIAL = ["t", "s", "s"];

/** `2026-01-31 23:59` in local time. */
export function formatTime(wallMs: number): string {
  const date = new Date(wallMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Rows as aligned columns; numbers and sizes (`right`) stand to the right. */
export function formatTable(rows: readonly (readonly string[])[], right: ReadonlySet<number>): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  const pad = (cell: string, at: number): string =>
    right.has(at) ? cell.padStart(widths[at] as number) : cell.padEnd(widths[at] as number);
  return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}
