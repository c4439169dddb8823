import { renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { syncDirectory } from "./directory.ts";
import { fromNodeError } from "./errno.ts";

/**
 * Replaces a file whole: after a crash or a loss of power it is as before or as after, and once this returns as after. For
 * the owner alone. @throws EACCES, ERR_NO_SPACE, ERR_IO
 */
export function replaceFile(file: string, content: string): void {
  const draft = `${file}.new`;
  try {
    writeFileSync(draft, content, { mode: 0o600, flush: true });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw fromNodeError(`write ${file}`, error);
  }
  syncDirectory(dirname(file));
}
