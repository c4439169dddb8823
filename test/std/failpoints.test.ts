/** Steps at which tests end a process mean nothing in one that no test asked to: they are off by default. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { FAILPOINTS, type Failpoint, reach, watchFailpoints } from "../../src/std/failpoints.ts";

const SOURCES = new URL("../../src/", import.meta.url);
const STEP: Failpoint = "decided";

/** A thread of a service as it begins; then it comes to every step. */
const SERVICE = `
  import { writeSync } from "node:fs";
  import { armFailpoints } from "${new URL("runtime/failpoints.ts", SOURCES)}";
  import { FAILPOINTS, reach } from "${new URL("std/failpoints.ts", SOURCES)}";
  armFailpoints("service");
  for (const step of FAILPOINTS) {
    writeSync(1, step + "\\n");
    reach(step);
  }
`;

describe("failpoints", () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), "didafs-test-"));
  });
  after(() => rmSync(directory, { recursive: true }));

  /** @returns the steps that a service has come to, and the signal that ended it */
  function serve(failpoints: Readonly<Record<string, string>>): [steps: string[], signal: string | null] {
    writeFileSync(path.join(directory, "service"), STEP);
    const { DIDAFS_FAILPOINTS: _, ...env } = process.env;
    const args = ["--input-type=module-typescript", "--eval", SERVICE];
    const options = { cwd: directory, env: { ...env, ...failpoints }, encoding: "utf8" } as const;
    const { stdout, stderr, signal } = spawnSync(process.execPath, args, options);
    assert.equal(stderr, "");
    return [stdout.trim().split("\n"), signal];
  }

  it("are off by default: a service passes every step, whatever its directory says", () => {
    assert.deepEqual(serve({}), [[...FAILPOINTS], null]);
    assert.ok(existsSync(path.join(directory, "service")), "nobody has looked there");
  });

  it("end a service where the environment names a directory that says so", () => {
    const upToIt = FAILPOINTS.slice(0, FAILPOINTS.indexOf(STEP) + 1);
    assert.deepEqual(serve({ DIDAFS_FAILPOINTS: directory }), [upToIt, "SIGKILL"]);
    assert.ok(!existsSync(path.join(directory, "service")), "once");
  });

  it("are watched by nobody in a thread that has not asked for it, and no more once it has enough", () => {
    const seen: Failpoint[] = [];
    for (const step of FAILPOINTS) reach(step);
    watchFailpoints((step) => seen.push(step));
    reach(STEP);
    watchFailpoints(undefined);
    for (const step of FAILPOINTS) reach(step);
    assert.deepEqual(seen, [STEP]);
  });

  it("are turned on by one file of the product only, where the environment says so, and that says nobody", () => {
    const naming = (word: string): string[] =>
      globSync("**/*.{ts,js}", { cwd: SOURCES })
        .filter((file) => readFileSync(new URL(file, SOURCES), "utf8").includes(word))
        .sort();
    assert.deepEqual(naming("watchFailpoints"), ["runtime/failpoints.ts", "std/failpoints.ts"]);
    assert.deepEqual(naming("DIDAFS_FAILPOINTS"), ["runtime/failpoints.ts"]);
  });
});
