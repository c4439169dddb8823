import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";

const ROOT = path.resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

function blocks(language: string): string[] {
  const readme = readFileSync(path.join(ROOT, "README.md"), "utf8");
  const from = readme.indexOf("## Quick start");
  const section = readme.slice(from, readme.indexOf("\n## ", from + 1));
  return [...section.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, "g"))].map(
    (match) => match[1] as string,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("the README's quick starts, as written", () => {
  let dir: string;
  let env: NodeJS.ProcessEnv;
  let port: number;
  before(async () => {
    dir = mkdtempSync(path.join(tmpdir(), "didafs-quick-start-"));
    port = await freePort();
    env = {
      ...process.env,
      XDG_CONFIG_HOME: dir,
      DIDAFS_DATA: path.join(dir, "data"),
      // Only where the cluster listens differs from a user's machine, which may run one already.
      DIDAFS_URL: `didafs://127.0.0.1:${port}`,
      PATH: `${path.join(ROOT, "node_modules/.bin")}:${process.env.PATH}`,
    };
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  /** Runs a program as if it stood in a file of this package, so that `didafs` is this package. */
  async function runProgram(source: string, cwd: string): Promise<string> {
    const chdir = `process.chdir(${JSON.stringify(cwd)});\n`;
    const args = ["--input-type=module-typescript", "--eval", source.replace("\n\n", `\n${chdir}\n`)];
    return (await run(process.execPath, args, { cwd: ROOT, env, timeout: 60_000 })).stdout;
  }

  it("is at most ten lines of code each", () => {
    const programs = blocks("ts");
    assert.equal(programs.length, 2);
    for (const program of programs) {
      assert.ok(program.split("\n").filter((line) => line.trim() !== "").length <= 10, program);
    }
  });

  it("embedded", async () => {
    const [, program] = blocks("ts") as [string, string];
    const first = await runProgram(program, dir);
    assert.match(first, /^1 so far, see didafs:\/\/127\.0\.0\.1:\d+\n$/);
    assert.match(await runProgram(program, dir), /^2 so far/, "and counts on where it stopped");
  });

  it("from a shell, and from a program on the cluster that it started", async () => {
    const [shell] = blocks("sh") as [string];
    const [program] = blocks("ts") as [string, string];
    const onPort = shell.replace(" up ", ` up --port ${port} `);
    const [upOnly] = onPort.split("\n") as [string];
    const down = "bin/didafs.js down";
    try {
      await run("sh", ["-ec", upOnly], { cwd: ROOT, env, timeout: 60_000 });
      assert.equal(await runProgram(program, dir), "measured 0\n");
      await run("sh", ["-ec", down], { cwd: ROOT, env, timeout: 60_000 });
      const { stdout } = await run("sh", ["-ec", onPort], { cwd: ROOT, env, timeout: 120_000 });
      assert.ok(
        stdout.includes(readFileSync(path.join(ROOT, "docs/dependencies.md"), "utf8")),
        "cat prints the file",
      );
      assert.match(stdout, /design/, "ls lists the folder");
    } finally {
      await run("sh", ["-c", down], { cwd: ROOT, env, timeout: 60_000 }).catch(() => {});
    }
  });
});
