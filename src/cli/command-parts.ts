import type { Command } from "commander";
import type { CommandModule } from "./context.ts";

/** Loads a command when it is called, so that none pays for the others. */
export type Runner = <O extends object>(
  load: () => Promise<CommandModule<O>>,
) => (this: Command) => Promise<void>;

export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join("")}`;
}
