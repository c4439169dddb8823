import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";

/** Set where the tests of a file run for a second time, as one who may mount. */
const INSIDE = "DIDAFS_TEST_INSIDE";

const shell = (command: string): boolean =>
  spawnSync("sh", ["-c", command], { timeout: 10_000 }).status === 0;

/** A file system of `byteLength` bytes, where this process may make one; it goes away with the tests. */
export function smallFileSystem(byteLength: number): string | undefined {
  const dir = mkdtempSync(path.join(tmpdir(), "didafs-small-"));
  const mounted = shell(`mount -t tmpfs -o size=${byteLength} didafs-test ${dir}`);
  after(() => {
    if (mounted && !shell(`umount ${dir}`)) throw new Error(`${dir} is still in use`);
    rmSync(dir, { recursive: true, force: true });
  });
  return mounted ? dir : undefined;
}

/**
 * For a file whose tests could not mount: has them run in a namespace of its own, where everybody may. A machine that
 * allows not even that fails the test, for nothing else shows what a full drive does.
 */
export function alsoWhereItMayMount(file: string): void {
  if (process.env[INSIDE] !== undefined) return;
  test("in a namespace where it may mount", async () => {
    if (!shell("unshare -rm true")) {
      throw new Error(
        "cannot make a small file system: neither mount(8) nor unshare(1) works for this user. Run this test as root, " +
          "or allow namespaces to users (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0)",
      );
    }
    const child = spawn("sh", ["-c", 'exec unshare -rm "$0" --test "$1"', process.execPath, file], {
      env: { ...process.env, [INSIDE]: "1", NODE_TEST_CONTEXT: undefined },
      timeout: 110_000,
    });
    const [output, code] = await Promise.all([
      text(child.stdout),
      new Promise((resolve) => child.on("close", resolve)),
    ]);
    if (code !== 0 || !/^. pass [1-9]/m.test(output)) throw new Error(output);
  });
}
