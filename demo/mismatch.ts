/** A comparison that did not hold: what the demo exists to find. Other errors say that it could not be carried out. */
export class Mismatch extends Error {
  override readonly name = "Mismatch";
}

const SHOWN_MAX = 5;

/** @throws Mismatch that names the first few of `wrong`, where there are any */
export function failOn(wrong: readonly string[], what: string): void {
  if (wrong.length === 0) return;
  const shown = wrong.slice(0, SHOWN_MAX).map((line) => `\n  ${line}`);
  const more = wrong.length > SHOWN_MAX ? `\n  and ${wrong.length - SHOWN_MAX} more` : "";
  throw new Mismatch(`${what}:${shown.join("")}${more}`);
}
