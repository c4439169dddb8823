import type { Epoch, EpochStep } from "../../../src/sim/checkers/epoch-history.ts";

/**
 * `[from, to, steps]` or `[from, outcome, steps]`: `x=1` reads a number and `x:=1` writes one, `x=[1,2]` reads a list and
 * `x+=1` appends to it.
 */
export type Line = readonly [from: number, to: number | "aborted" | "unknown" | "final", steps: string];

export function history(...lines: Line[]): Epoch[] {
  return lines.map(([invoked, to, text], index) => {
    const steps = text === "" ? [] : text.split(" ").map(parsed);
    const client = `c${index}`;
    if (to === "unknown") return { client, invoked, returned: Number.POSITIVE_INFINITY, outcome: to, steps };
    if (to === "aborted") return { client, invoked, returned: invoked + 0.5, outcome: to, steps };
    if (to === "final")
      return { client, invoked, returned: invoked + 0.5, outcome: "committed", steps, final: true };
    return { client, invoked, returned: to, outcome: "committed", steps };
  });
}

function parsed(text: string): EpochStep {
  const [, key, sign, rest] = /^(\w+)(:=|\+=|=)(.*)$/.exec(text) as unknown as [
    string,
    string,
    string,
    string,
  ];
  if (sign === ":=") return { op: "write", key, value: Number(rest) };
  if (sign === "+=") return { op: "append", key, value: Number(rest) };
  if (rest.startsWith("[")) return { op: "list", key, values: JSON.parse(rest) as number[] };
  return { op: "read", key, value: Number(rest) };
}
