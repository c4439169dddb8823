import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

const ROOT: string = path.resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

/** What stands below a heading, up to the next one of the same level or a higher one. */
export function sectionOf(page: string, heading: string): string {
  const text = readFileSync(path.join(ROOT, page), "utf8");
  const from = text.indexOf(`\n${heading}\n`);
  assert.ok(from >= 0, `${page} has "${heading}"`);
  const [marks] = heading.split(" ") as [string];
  const body = text.slice(from + heading.length + 2);
  const end = body.search(new RegExp(`^#{1,${marks.length}} `, "m"));
  return end < 0 ? body : body.slice(0, end);
}

/** The only program below a heading. */
export function programOf(page: string, heading: string): string {
  const programs = [...sectionOf(page, heading).matchAll(/```ts\n(.*?)```/gs)].map(
    (match) => match[1] as string,
  );
  assert.equal(programs.length, 1);
  return programs[0] as string;
}

/** What the program prints, run as if it stood in a file of this package, so that `didafs` is this package. */
export async function outputOf(program: string, env: Readonly<Record<string, string>>): Promise<string> {
  const args = ["--input-type=module-typescript", "--eval", program];
  const options = { cwd: ROOT, env: { ...process.env, ...env }, timeout: 100_000 };
  return (await run(process.execPath, args, options)).stdout;
}
