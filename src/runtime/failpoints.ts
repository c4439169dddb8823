import { readFileSync, unlinkSync } from "node:fs";
import path from "node:path";
import { watchFailpoints } from "../std/failpoints.ts";

/** A directory in which tests say where services are to end; nobody else sets it. */
const DIRECTORY = process.env.DIDAFS_FAILPOINTS;

/**
 * Where a test asks for it, this thread ends its process by SIGKILL at the step that the file `service` in that directory
 * names, once: the file goes first.
 */
export function armFailpoints(service: string): void {
  if (DIRECTORY === undefined) return;
  const file = path.join(DIRECTORY, service);
  watchFailpoints((step) => {
    if (wanted(file) !== step) return;
    unlinkSync(file);
    process.kill(process.pid, "SIGKILL");
  });
}

function wanted(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return undefined;
  }
}
