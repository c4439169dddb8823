// Compiles what npm publishes into dist/: the sources with their types erased, their types beside them, and the
// bench. In a checkout nothing of it is used: Node runs the sources themselves.
import { spawnSync } from "node:child_process";
import { cpSync, globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

// Files whose source is gone would be published otherwise.
rmSync(join(root, "dist"), { recursive: true, force: true });
const tsc = join(root, "node_modules/typescript/bin/tsc");
const { status } = spawnSync(process.execPath, [tsc, "--project", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
if (status !== 0) {
  console.error("build: tsc refused the sources; what it said is above");
  process.exit(1);
}
for (const program of globSync("bench/**/*.{c,h}", { cwd: root })) {
  cpSync(join(root, program), join(root, "dist", program));
}
