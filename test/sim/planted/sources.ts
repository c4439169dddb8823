import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Patch } from "./bugs.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** A copy of the production code, with patches. */
export class PatchedSources implements Disposable {
  readonly directory: string = mkdtempSync(path.join(tmpdir(), "didafs-planted-"));

  /** @throws when a patch does not fit exactly one place */
  constructor(patches: readonly Patch[]) {
    cpSync(path.join(ROOT, "src"), path.join(this.directory, "src"), { recursive: true });
    symlinkSync(path.join(ROOT, "node_modules"), path.join(this.directory, "node_modules"));
    writeFileSync(path.join(this.directory, "package.json"), '{"type":"module"}\n');
    for (const patch of patches) this.#apply(patch);
  }

  #apply({ file, from, to }: Patch): void {
    const at = path.join(this.directory, "src", file);
    const source = readFileSync(at, "utf8");
    const places = source.split(from).length - 1;
    if (places !== 1) throw new Error(`${file} has ${places} places that read: ${from}`);
    writeFileSync(
      at,
      source.replace(from, () => to),
    );
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
