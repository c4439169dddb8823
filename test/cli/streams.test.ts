/** cat, cp and put at the ends of pipes and devices, on one real cluster of two targets. */
import assert from "node:assert/strict";
import { type ChildProcess, execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { alsoWhereItMayMount, smallFileSystem } from "../support/small-file-system.ts";
import { BIN, Home } from "./didafs.ts";

const home = new Home();
const here = (name: string): string => path.join(home.dir, name);
const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const BIG = randomBytes(24 * 2 ** 20 + 11);

before(async () => {
  await home.up("--targets", "2");
  writeFileSync(here("big"), BIG);
  await home.ok("cp", "--targets", "2", "big", ":/big");
});
after(async () => await home[Symbol.asyncDispose]());

/** A line of shell in which "$@" is the command. @returns how the shell ended */
function shell(
  line: string,
  ...args: string[]
): Promise<{ code: number | string | undefined; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const words = ["-c", line, "bash", process.execPath, BIN, ...args];
    execFile("bash", words, { cwd: home.dir, env: home.env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? undefined), stdout, stderr }),
    );
  });
}

/** Names below `:/` of files that are half made. */
async function drafts(): Promise<string[]> {
  return (await home.ok("tree", "--json", ":/")).match(/\.didafs-[^"]*/g) ?? [];
}

test("cat and get bring every byte through a pipe, into a file and behind what a file has", async () => {
  for (const transport of ["direct", "tcp"]) {
    const piped = await shell('"$@" | sha256sum', "cat", "--transport", transport, ":/big", ":/big");
    assert.equal(piped.stdout.slice(0, 64), sha(Buffer.concat([BIG, BIG])), piped.stderr);
    writeFileSync(here("out"), "head");
    assert.equal((await shell('"$@" >>out', "get", "--transport", transport, ":/big")).code, 0);
    assert.equal(sha(readFileSync(here("out"))), sha(Buffer.concat([Buffer.from("head"), BIG])));
  }
});

test("a reader that has had enough ends it as SIGPIPE ends a cat, without a word", async () => {
  const status = '; echo "$PIPESTATUS"';
  for (const args of [
    ["cat", ":/big"],
    ["cat", "--transport", "tcp", ":/big"],
    ["get", ":/big", "--at", "5"],
    ["cp", ":/big", "-"],
  ]) {
    const { stdout, stderr } = await shell(`"$@" | head -c 1 >/dev/null${status}`, ...args);
    assert.deepEqual([stdout, stderr], ["141\n", ""], args.join(" "));
  }
  // Nobody has read anything, nor ever will.
  const { stdout, stderr } = await shell(`"$@" | true${status}`, "cat", ":/big");
  assert.deepEqual([stdout, stderr], ["141\n", ""]);
});

test("an output that takes nothing is a failure that says so; a closed one is no output at all", async () => {
  for (const args of [
    ["cat", ":/big"],
    ["get", ":/big"],
    ["ls", ":/"],
  ]) {
    const { code, stderr } = await shell('"$@" >/dev/full', ...args);
    assert.equal(code, 10, stderr);
    assert.match(stderr, /^didafs: [a-z]+: standard output: no space left on device \(ENOSPC\)\n/);
  }
  assert.deepEqual(await shell('"$@" >&-', "cat", ":/big"), { code: 0, stdout: "", stderr: "" });
  assert.deepEqual(await shell('"$@" >/dev/null', "cat", ":/big"), { code: 0, stdout: "", stderr: "" });
});

const small = smallFileSystem(2 ** 20);
if (small === undefined) alsoWhereItMayMount(import.meta.filename);
else {
  test("a drive that fills up under the output is a failure, though it took a part", async () => {
    const { code, stderr } = await shell(`"$@" >'${small}/out'`, "cat", ":/big");
    assert.deepEqual([code, /ENOSPC/.test(stderr)], [10, true], stderr);
    assert.ok(statSync(path.join(small, "out")).size > 0, "it took a part");
  });
}

test("cp takes standard input of any length, needs no room for it elsewhere, and reads it back", async () => {
  const env = { TMPDIR: here("nowhere") };
  for (const size of [0, 1, 2 ** 20, BIG.byteLength]) {
    const input = BIG.subarray(0, size);
    const run = await home.run(["cp", "--verify", "--targets", "2", "-", ":/in"], { input, env });
    assert.equal(run.code, 0, run.stderr);
    assert.equal(JSON.parse(await home.ok("stat", "--json", ":/in")).size, size);
    const back = await shell('"$@" | sha256sum', "cat", ":/in");
    assert.equal(back.stdout.slice(0, 64), sha(input));
  }
  // A file, read from where it stands; a pipe that has a name.
  assert.equal((await shell('{ head -c 5 >/dev/null; "$@"; } <big', "cp", "-", ":/in")).code, 0);
  const size = JSON.parse(await home.ok("stat", "--json", ":/in")).size;
  assert.ok(size > 0 && size < BIG.byteLength);
  const rest = await shell('"$@" | sha256sum', "cat", ":/in");
  assert.equal(rest.stdout.slice(0, 64), sha(BIG.subarray(BIG.byteLength - size)));
  assert.equal((await shell('mkfifo pipe; cat big >pipe & "$@"', "cp", "--json", "pipe", ":/piped")).code, 0);
  const piped = await shell('"$@" | sha256sum', "cat", ":/piped");
  assert.equal(piped.stdout.slice(0, 64), sha(BIG));
  assert.deepEqual(await drafts(), []);
});

test("standard input that stops half-way leaves what was there, and nothing half made", async () => {
  await home.run(["cp", "-", ":/kept"], { input: "before" });
  const child = shellWithInput("cp", "-", ":/kept");
  child.stdin?.write(BIG);
  const deadlineMs = performance.now() + 30_000;
  while ((await drafts()).length === 0) assert.ok(performance.now() < deadlineMs, "it has begun");
  child.kill("SIGINT");
  assert.equal(await ended(child), 130);
  assert.equal(await home.ok("cat", ":/kept"), "before");
  assert.deepEqual(await drafts(), []);
});

test("put makes a file as long as what comes, and keeps within one that is there", async () => {
  const made = await home.run(["put", "-", ":/made", "--create", "--at", "7", "--json"], { input: BIG });
  assert.deepEqual(JSON.parse(made.stdout), {
    path: "/made",
    at: 7,
    bytes: BIG.byteLength,
    size: BIG.byteLength + 7,
  });
  const back = await shell('"$@" | sha256sum', "get", ":/made", "--at", "7");
  assert.equal(back.stdout.slice(0, 64), sha(BIG));
  const short = await home.run(["put", "-", ":/made", "--create"], { input: "short" });
  assert.equal(short.code, 0, short.stderr);
  assert.equal(
    JSON.parse(await home.ok("stat", "--json", ":/made")).size,
    BIG.byteLength + 7,
    "stays as long",
  );
  await home.run(["put", "-", ":/ten", "--size", "10"], { input: "0123456789" });
  const behind = await home.run(["put", "-", ":/ten", "--at", "8"], { input: "xyz" });
  assert.equal(behind.code, 20);
  assert.match(behind.stderr, /:\/ten has 10 bytes: 3 bytes at 8 would end behind it \(ERR_RANGE\)/);
  assert.equal(await home.ok("cat", ":/ten"), "0123456789");
  const far = await home.run(["put", "-", ":/ten", "--at", "11"], { input: "" });
  assert.equal(far.code, 20);
});

function shellWithInput(...args: string[]): ChildProcess {
  const child = execFile(process.execPath, [BIN, ...args], { cwd: home.dir, env: home.env, timeout: 60_000 });
  child.stdin?.on("error", () => {});
  return child;
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("close", resolve));
}
