import { DidafsError } from "../std/errors.ts";

/**
 * Importing this file throws ERR_PLATFORM where DiDAFS cannot run. `libc.ts` imports it first, so that the answer is
 * this sentence and not a missing native module. A program that wants to ask instead imports `src/system` dynamically.
 */
function problem(): string | undefined {
  if (process.platform !== "linux") {
    return `DiDAFS runs on Linux only (this is ${process.platform}). Run it in a Linux virtual machine or container (WSL 2 on Windows).`;
  }
  if (process.arch !== "x64" && process.arch !== "arm64") {
    return `DiDAFS runs on x86-64 and arm64 only (this is ${process.arch}). Run it on such a machine with a 64-bit Node.`;
  }
  return undefined;
}

const found = problem();
if (found !== undefined) throw new DidafsError("ERR_PLATFORM", found);
