/** A cluster inside a program: all services in threads, and other processes attach to it. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { Home } from "../cli/didafs.ts";
import { isProcess, until } from "./scratch.ts";

const INDEX = new URL("../../src/index.ts", import.meta.url).href;

/** Runs a program that has the library and `dir`; resolves with its first line of output. */
async function program(home: Home, body: string): Promise<{ child: ChildProcess; line: string }> {
  const source = `import { connect, embedded, isDidafsError } from ${JSON.stringify(INDEX)};
    const dir = ${JSON.stringify(home.data)};
    ${body}`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", source], {
    env: home.env,
    stdio: ["pipe", "pipe", "inherit"],
    timeout: 60_000,
  });
  const [line] = await child.stdout.setEncoding("utf8").take(1).toArray();
  return { child, line: String(line).trim() };
}

async function ended(child: ChildProcess): Promise<number | null> {
  await until(() => child.exitCode !== null || child.signalCode !== null, 20_000);
  return child.exitCode;
}

test("a program whose main thread is busy still serves others; down leaves programs alone", async () => {
  await using home = new Home();
  const { child, line } = await program(
    home,
    `const cluster = await embedded(dir, { targets: 2 });
     await using file = await cluster.open("/words", { create: true, size: 8 });
     await using window = await file.window({ rights: "rw" });
     await window.store(0, 7);
     await new Promise((resolve) => process.stdout.write(cluster.url + "\\n", resolve));
     for (;;) {} // never gives its event loop a turn again`,
  );
  try {
    assert.match(line, /^didafs:\/\/127\.0\.0\.1:\d+$/);
    home.env.DIDAFS_URL = line;
    for (const transport of ["direct", "tcp"]) {
      const { stdout, code, stderr } = await home.run(["cp", "--transport", transport, ":/words", "-"]);
      assert.deepEqual([code, stdout], [0, "\u0007\0\0\0\0\0\0\0"], stderr);
    }
    await home.ok("mkdir", ":/made-by-another");
    assert.match(await home.ok("status"), /2 of 2 targets up/);
    const down = await home.run(["down"]);
    assert.equal(down.code, 16);
    assert.match(down.stderr, new RegExp(`program with pid ${child.pid} itself`));
    assert.equal((await home.run(["up", "--port", "0"])).code, 4);
  } finally {
    child.kill("SIGKILL");
  }
  await until(() => !isProcess(child.pid));
  await home.up();
  assert.equal(await home.ok("ls"), "made-by-another\nwords\n");
});

test("closing takes every service down; the directory serves again; a second call is refused", async () => {
  await using home = new Home();
  const { child, line } = await program(
    home,
    `const first = await embedded(dir);
     const refused = await embedded(dir).catch((error) => isDidafsError(error, "ERR_ALREADY_RUNNING"));
     const other = await connect(first.url);
     await other.mkdir("/kept");
     await other.close();
     await first.close();
     const again = await embedded(dir);
     const { type } = await again.stat("/kept");
     await again.close();
     console.log(JSON.stringify({ refused, type, same: first.id === again.id }));`,
  );
  assert.deepEqual(JSON.parse(line), { refused: true, type: "directory", same: true });
  assert.equal(await ended(child), 0, "nothing keeps the program alive after close()");
  assert.equal(existsSync(path.join(home.data, "run.json")), false);
  assert.equal(existsSync(path.join(home.dir, ".config/didafs/key")), true);
});
