/** A drive on which the sync of a region fails that has the word DOOM where siege.ts says. */
import { patchSource } from "./source-patch.ts";

patchSource(
  "/src/system/file-drive.ts",
  "sync: (object: number): number => (",
  "sync: (object: number): number => isDoomed(object) ? 5 : (",
);
patchSource(
  "/src/system/file-drive.ts",
  "import { constants, ",
  `import { readSync } from "node:fs";
function isDoomed(object: number): boolean {
  const bytes = Buffer.alloc(4);
  readSync(object, bytes, 0, 4, 4096 + 16);
  return bytes.toString() === "DOOM";
}
import { constants, `,
);
