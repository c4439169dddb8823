import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Absent } from "../harness/absent.ts";
import { findProgram } from "../harness/installed.ts";
import { runProgram } from "../harness/run-program.ts";

const COMPILE_MS = 60_000;

/** The C compiler, and the one that knows an installed MPI library. */
export type Compiler = "cc" | "mpicc";

const MISSING: Readonly<Record<Compiler, string>> = {
  cc: "no C compiler (cc)",
  mpicc: "MPI (mpicc) is not installed",
};

/** Compiles `name`.c of this folder into `dir`, with optimisation as a release would have. @returns the program */
export async function compileProgram(
  name: string,
  compilerName: Compiler,
  dir: string,
  signal: AbortSignal,
): Promise<string | Absent> {
  const compiler = findProgram(compilerName);
  if (compiler === undefined) return { absent: MISSING[compilerName] };
  const source = fileURLToPath(new URL(`./${name}.c`, import.meta.url));
  const program = path.join(dir, name);
  await runProgram(compiler, ["-O2", "-o", program, source], { withinMs: COMPILE_MS, signal });
  return program;
}
