import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A new directory that is removed when it goes out of scope. */
export function scratch(): Disposable & { readonly dir: string } {
  const dir = mkdtempSync(path.join(tmpdir(), "didafs-test-"));
  return { dir, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Polls until `what` holds. @throws when it does not within `milliseconds` */
export async function until(what: () => boolean, milliseconds = 10_000): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!what()) {
    if (performance.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`);
    await sleep(20);
  }
}

/** Whether it runs; a process that has ended counts as gone even before its parent has heard of it. */
export function isProcess(pid: number | undefined): boolean {
  try {
    return pid !== undefined && !readFileSync(`/proc/${pid}/stat`, "latin1").includes(") Z ");
  } catch {
    return false;
  }
}
