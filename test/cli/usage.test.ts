import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { BIN, Home } from "./didafs.ts";

const NOBODY = "didafs://127.0.0.1:1";

test("help is everywhere and has examples", async () => {
  await using home = new Home();
  const help = await home.ok("--help");
  const commands = [...help.matchAll(/^ {2}([a-z]+) .*$/gm)].map((match) => match[1] as string);
  for (const name of [
    "up",
    "down",
    "status",
    "doctor",
    "check",
    "ls",
    "tree",
    "stat",
    "mkdir",
    "rm",
    "mv",
    "cat",
    "cp",
    "put",
    "get",
  ]) {
    assert.ok(commands.includes(name), name);
  }
  assert.equal(commands.pop(), "help");
  for (const command of commands) {
    const text = await home.ok(command, "--help");
    assert.match(text, new RegExp(`Examples:\n {2}\\$ .*didafs ${command}`));
    assert.match(text, /--url/);
  }
  assert.match(await home.ok("--version"), /^\d+\.\d+\.\d+\n$/);
});

test("wrong usage: one line, advice, exit code 2, and nothing is made", async () => {
  await using home = new Home();
  const wrong = [
    [],
    ["frobnicate"],
    ["ls", "--frobnicate"],
    ["ls", "no-slash"],
    ["cp", "a"],
    ["cp", "a", "b"],
    ["cp", "-", ":/a", ":/b"],
    ["cp", "a", "-"],
    ["cp", "-r", ":/a", "-"],
    ["cp", "--stripe-unit", "5000", "a", ":/a"],
    ["rm", "-r", ":/"],
    ["mv", ":/a"],
    ["put", "a"],
    ["put", ":/a", ":/b"],
    ["put", "a", ":/b", "--at", "-1"],
    ["get", ":/a", ":/b"],
    ["get", ":/a", "--length", "1X"],
    ["tree", "-L", "0"],
    ["du", "-b", "-h"],
    ["chmod", "u+z", ":/a"],
    ["chmod", "600"],
    ["chown", "no such user", ":/a"],
    ["touch", "-d", "tomorrow", ":/a"],
    ["touch", "-t", "202602300000", ":/a"],
    ["truncate", ":/a"],
    ["truncate", "-s", "1X", ":/a"],
    ["xattr"],
    ["xattr", "get", "user.x"],
    ["ln", ":/a"],
    ["readlink"],
    ["up", "--targets", "0"],
    ["up", "--drive", "tape"],
    ["up", "--port", "65536"],
    ["up", "--host", "0.0.0.0"],
    ["up", "--host", "10.1.2.3"],
    ["supervise"],
  ];
  for (const args of wrong) {
    const { code, stdout, stderr } = await home.run(args);
    assert.equal(code, 2, `didafs ${args.join(" ")}: ${stderr}`);
    assert.equal(stdout, "");
    assert.match(stderr, /^didafs: .*\(ERR_INVALID_ARGUMENT\)\n {2}see `didafs help/m);
  }
  assert.equal(existsSync(home.data), false);
});

test("a mistyped command or option is told in one line, with what it may have been", async () => {
  await using home = new Home();
  const said = async (...args: string[]) => (await home.run(args)).stderr;
  assert.equal(
    await said("sta"),
    "didafs: unknown command 'sta'; did you mean stat? (ERR_INVALID_ARGUMENT)\n  see `didafs help`\n",
  );
  assert.match(await said("ls", "--jsonn"), /'--jsonn'; did you mean --json\? \(ERR/);
  assert.match(await said("help", "nope"), /didafs: there is no command "nope" \(ERR/);
});

test("no key, no cluster, nothing to stop: each has its message and exit code", async () => {
  await using home = new Home();
  const noKey = await home.run(["ls", "--url", NOBODY]);
  assert.equal(noKey.code, 7);
  assert.match(noKey.stderr, /there is no key: .*\(ERR_NO_KEY\)\n.*--key-file/);
  const key = path.join(home.dir, "key");
  writeFileSync(key, "ab".repeat(32), { mode: 0o644 });
  const open = await home.run(["ls", "--url", NOBODY, "--key-file", key]);
  assert.deepEqual([open.code, /chmod 600/.test(open.stderr)], [7, true]);
  execFileSync("chmod", ["600", key]);
  const nobody = await home.run(["ls", "--url", NOBODY, "--key-file", key]);
  assert.equal(nobody.code, 3);
  assert.match(nobody.stderr, /didafs:\/\/127.0.0.1:1.*\(ERR_UNREACHABLE\)\n.*didafs up/);
  const down = await home.run(["down"]);
  assert.equal(down.code, 6);
  assert.match(down.stderr, /no cluster runs on .*\(ERR_NOT_RUNNING\)\n.*didafs up/);
  assert.equal(existsSync(home.data), false, "looking makes nothing");
});

test("with --json errors are JSON too", async () => {
  await using home = new Home();
  const { code, stdout, stderr } = await home.run(["down", "--json"]);
  assert.deepEqual([code, stdout], [6, ""]);
  const { error } = JSON.parse(stderr);
  assert.deepEqual([error.command, error.code, error.exitCode], ["down", "ERR_NOT_RUNNING", 6]);
  const usage = JSON.parse((await home.run(["ls", "--json", "--frobnicate"])).stderr);
  assert.deepEqual([usage.error.exitCode, usage.error.next], [2, "see `didafs help ls`"]);
});

test("output that cannot be written is told; an end of it that has enough is not", async () => {
  await using home = new Home();
  const shell = (line: string) =>
    spawnSync("sh", ["-c", line, process.execPath, BIN], { env: home.env, encoding: "utf8" });
  const full = shell('"$0" "$1" help > /dev/full');
  assert.equal(full.status, 10);
  assert.match(full.stderr, /^didafs: standard output: no space left on device \(ENOSPC\)\n/);
  const enough = shell('{ "$0" "$1" help; echo "ended with $?" >&2; } | true');
  // Whether the reader leaves before or after the writing is chance here; test/cli/streams.test.ts sees to it.
  assert.match(enough.stderr, /^ended with (0|141)\n$/);
  assert.equal(shell('"$0" "$1" frobnicate 2> /dev/full').status, 2);
});

test("the record of a supervisor that died is cleaned up and told", async () => {
  await using home = new Home();
  mkdirSync(home.data);
  writeFileSync(path.join(home.data, "lock"), "");
  writeFileSync(
    path.join(home.data, "run.json"),
    JSON.stringify({ pid: process.pid, startTicks: "1", spawn: "process" }),
  );
  const { code, stderr } = await home.run(["down"]);
  assert.equal(code, 6);
  assert.match(stderr, /supervisor that died was cleaned up/);
  assert.deepEqual(readdirSync(home.data), ["lock"]);
});

const oldNode = ["/usr/bin/node", "/usr/local/bin/node"].find((node) => {
  if (!existsSync(node)) return false;
  const major = Number(execFileSync(node, ["-p", "parseInt(process.versions.node)"], { encoding: "utf8" }));
  return major < 24;
});

test("an older Node finds the project's own and passes everything through", {
  skip: oldNode === undefined,
}, async () => {
  await using home = new Home();
  const node = oldNode as string;
  assert.match((await home.run(["--version"], { node })).stdout, /^\d/);
  assert.equal((await home.run(["down"], { node })).code, 6);
  const shell = ["-c", '"$0" "$1" ls "$(printf \'odd\\377\')"', node, BIN];
  const { stderr } = spawnSync("sh", shell, { env: home.env, encoding: "utf8" });
  assert.match(stderr, /"odd\\udcff" is no path/);
  // Stands for a project whose own Node is not there.
  const alone = await home.run(["--version"], { node, env: { DIDAFS_NODE: "none" } });
  assert.equal(alone.code, 16);
  assert.match(alone.stderr, /needs Node 24.*\n.*npm ci/);
  const doctor = await home.run(["doctor"], { node, env: { DIDAFS_NODE: "none" } });
  assert.equal(doctor.code, 21);
  assert.match(doctor.stdout, /^ok +system .*\nproblem +node .*needs Node 24.*Way out: .*npm ci/);
});
