import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";

/**
 * Where a test that draws begins: the number in that variable of the environment, else one that follows from the committed
 * sources. So each change of them is tried with draws of its own, which are the same wherever it is tried; a random one outside of a
 * repository.
 */
export function firstSeed(variable: string): number {
  const asked = process.env[variable];
  return asked === undefined || asked === "" ? seedOfSources() : Number(asked);
}

function seedOfSources(): number {
  try {
    const tree = execFileSync("git", ["rev-parse", "HEAD:src"], {
      cwd: import.meta.dirname,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return Number.parseInt(tree.slice(0, 7), 16);
  } catch {
    return randomInt(2 ** 28);
  }
}
