/** The commands on files and directories, on one real cluster of three targets. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { BIN, Home, type RunOptions } from "./didafs.ts";

const home = new Home();
const here = (name: string): string => path.join(home.dir, name);
const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

before(async () => void (await home.up("--targets", "3")));
after(async () => await home[Symbol.asyncDispose]());

/** A tree with files of many sizes, empty ones and directories, and names that try a command line. */
function makeTree(root: string): void {
  mkdirSync(here(`${root}/deep/er`), { recursive: true });
  mkdirSync(here(`${root}/empty`));
  const sizes = { empty: 0, one: 1, page: 4096, odd: 70_001, big: 9 * 2 ** 20 + 5 };
  for (const [name, size] of Object.entries(sizes))
    writeFileSync(here(`${root}/${name}.bin`), randomBytes(size));
  for (const name of ["with space", "-dash", ":colon", "ünï", "new\nline"])
    writeFileSync(here(`${root}/deep/${name}`), name);
  for (let count = 0; count < 40; count += 1)
    writeFileSync(here(`${root}/deep/er/${count}`), `number ${count}`);
}

/** Every name below `root` with the hash of what it holds. */
function contents(root: string): Record<string, string> {
  const names = readdirSync(here(root), { recursive: true }) as string[];
  const hash = (name: string): string => {
    const file = here(`${root}/${name}`);
    return statSync(file).isDirectory() ? "directory" : sha(readFileSync(file));
  };
  return Object.fromEntries(names.sort().map((name) => [name, hash(name)]));
}

function totalBytes(root: string): number {
  const names = readdirSync(here(root), { recursive: true }) as string[];
  const stats = names.map((name) => statSync(here(`${root}/${name}`)));
  return stats.reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

test("a tree goes in, is copied within, and comes out byte for byte; nothing half-made is left", async () => {
  makeTree("tree");
  const summary = JSON.parse(await home.ok("cp", "-r", "--verify", "--json", "tree", ":/tree"));
  const { files, directories, bytes, verified, failed } = summary;
  assert.deepEqual([files, directories, verified, failed], [50, 4, true, []]);
  assert.equal(bytes, totalBytes("tree"));
  await home.ok("cp", "-r", "--targets", "3", "--stripe-unit", "64K", ":/tree", ":/striped");
  for (const [source, transport] of [
    ["tree", "auto"],
    ["striped", "direct"],
    ["striped", "tcp"],
  ] as const) {
    const copy = `copy-${source}-${transport}`;
    await home.ok("cp", "-r", "--verify", "--transport", transport, `:/${source}`, copy);
    assert.deepEqual(contents(copy), contents("tree"));
  }
  const layout = JSON.parse(await home.ok("stat", "--json", ":/striped/big.bin")).layout;
  assert.deepEqual([layout.stripeUnit, layout.regions.length], [65536, 3]);
  assert.doesNotMatch(await home.ok("ls", ":/tree"), /\.part/);
});

test("cp into a directory, onto a file, several at once", async () => {
  for (const name of ["a", "b"]) writeFileSync(here(name), name);
  await home.ok("mkdir", ":/into");
  await home.ok("cp", "a", "b", ":/into");
  await home.ok("cp", "b", ":/into/a");
  assert.equal(await home.ok("cat", ":/into/a", ":/into/b"), "bb");
  await home.ok("cp", ":/into/a", ":/into/b", here("."));
  assert.equal(readFileSync(here("a"), "utf8"), "b");
  const many = await home.run(["cp", "a", "b", ":/into/a"]);
  assert.deepEqual([many.code, /ENOTDIR/.test(many.stderr)], [14, true]);
  assert.equal((await home.run(["cp", "a", ":/nowhere/"])).code, 8);
  assert.equal((await home.run(["mv", ":/into/a", ":/nowhere/"])).code, 8);
  await home.ok("cp", "a", ":/on/the/way/a");
  assert.equal(await home.ok("cat", ":/on/the/way/a"), "b");
  assert.equal((await home.run(["cp", ":/into", "out"])).code, 14);
});

test("a file that cannot be copied does not keep the others from it; the code is that of the first failure", async () => {
  writeFileSync(here("fine"), "fine");
  await home.ok("mkdir", ":/partly");
  const { code, stderr } = await home.run(["cp", "missing", "fine", ":/partly"]);
  assert.deepEqual([code, /missing: no such file/.test(stderr)], [8, true]);
  assert.equal(await home.ok("ls", ":/partly"), "fine\n");
});

test("what the cluster cannot give is refused before anything is copied, and named as the user named it", async () => {
  writeFileSync(here("vast"), "");
  truncateSync(here("vast"), 2 ** 43);
  writeFileSync(here("little"), "little");
  const full = await home.run(["cp", "vast", ":/vast"]);
  assert.equal(full.code, 10);
  assert.match(full.stderr, /vast to :\/vast: .*\(ERR_NO_SPACE\)\n.*didafs status/);
  const few = await home.run(["cp", "--targets", "9", "little", ":/few"]);
  assert.equal(few.code, 17);
  assert.match(few.stderr, /9 targets.*\(ERR_NO_TARGET\)/);
  assert.doesNotMatch(full.stderr + few.stderr, /\.part/);
  assert.doesNotMatch(await home.ok("ls"), /^(vast|few|.*\.part)$/m);
});

test("standard input and output", async () => {
  const bytes = randomBytes(6 * 2 ** 20 + 3);
  const { code, stderr } = await home.run(["cp", "--verify", "-", ":/from-stdin"], { input: bytes });
  assert.equal(code, 0, stderr);
  await home.ok("cp", ":/from-stdin", "back");
  assert.equal(sha(readFileSync(here("back"))), sha(bytes));
  await home.run(["cp", "-", ":/from-stdin"], { input: "short" });
  assert.equal(await home.ok("cp", ":/from-stdin", "-"), "short");
  await home.run(["cp", "-", ":/nothing"], { input: "" });
  assert.equal(JSON.parse(await home.ok("stat", "--json", ":/nothing")).size, 0);
});

test("a reader that has had enough is a quiet end", async () => {
  writeFileSync(here("long"), randomBytes(20 * 2 ** 20));
  await home.ok("cp", "long", ":/long");
  const { code, stderr } = await home.run(["cat", ":/long"], {
    watch: (child) => void child.stdout?.once("data", () => child.stdout?.destroy()),
  });
  assert.deepEqual([code, stderr], [141, ""]);
});

/** Sends Ctrl-C as soon as `sees` holds. */
function interruptWhen(sees: () => boolean): RunOptions {
  const watch = (child: ChildProcess): void => {
    const look = setInterval(() => {
      if (child.exitCode === null && !sees()) return;
      clearInterval(look);
      child.kill("SIGINT");
    }, 2);
  };
  return { watch };
}

test("Ctrl-C during a copy leaves nothing half-made, inside or outside", async () => {
  await home.ok("mkdir", ":/stopped");
  mkdirSync(here("stopped"));
  writeFileSync(here("huge"), "");
  truncateSync(here("huge"), 256 * 2 ** 20);
  const regions = (): number => readdirSync(home.data, { recursive: true }).length;
  const before = regions();
  const inside = await home.run(
    ["cp", "huge", ":/stopped/huge"],
    interruptWhen(() => regions() > before),
  );
  assert.equal(inside.code, 130, inside.stderr);
  assert.equal(await home.ok("ls", ":/stopped"), "");
  await home.ok("cp", "--no-sync", "huge", ":/huge");
  const drafts = (): string[] => readdirSync(here("stopped"));
  const outside = await home.run(
    ["cp", ":/huge", "stopped/huge"],
    interruptWhen(() => drafts().length > 0),
  );
  assert.equal(outside.code, 130, outside.stderr);
  assert.deepEqual(drafts(), []);
  await home.ok("rm", ":/huge");
});

const hasTerminal = existsSync("/usr/bin/script");

test("on a terminal a bar shows progress and rate, elsewhere nothing does", {
  skip: !hasTerminal,
}, async () => {
  writeFileSync(here("shown"), randomBytes(30 * 2 ** 20));
  const quoted = `'${process.execPath}' '${BIN}' cp --verify shown :/shown`;
  const script = ["-qec", quoted, "/dev/null"];
  const env = { ...home.env, TERM: "xterm" };
  const shown = execFileSync("/usr/bin/script", script, {
    cwd: home.dir,
    env,
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.match(shown, /100% \| 30 MiB of 30 MiB \| 1\/1 files \| .* [KMG]iB\/s/);
  assert.match(shown, /copied and verified 1 file\(s\), 30 MiB in /);
  const piped = await home.run(["cp", "shown", ":/shown"]);
  assert.deepEqual([piped.code, piped.stdout, piped.stderr], [0, "", ""]);
});

test("ls and stat show what is there", async () => {
  writeFileSync(here("five"), "12345");
  chmodSync(here("five"), 0o640);
  await home.ok("mkdir", "-p", ":/show/inner");
  await home.ok("cp", "five", ":/show/five");
  assert.equal(await home.ok("ls", ":/show"), "five\ninner\n");
  assert.match(
    await home.ok("ls", "-l", "/show"),
    /^-rw-r----- +1 +\S+ +\S+ +5 +20\d\d-\d\d-\d\d \d\d:\d\d +five\ndrwx\S+ +2 .* inner\n$/,
  );
  const listed = JSON.parse(await home.ok("ls", "--json", "-l", ":/show"));
  assert.deepEqual(
    listed.map(({ name, type, size }: Record<string, unknown>) => [name, type, type === "file" ? size : 0]),
    [
      ["five", "file", 5],
      ["inner", "directory", 0],
    ],
  );
  assert.equal(await home.ok("ls", ":/show/five"), "/show/five\n");
  const both = await home.run(["ls", ":/show", ":/missing", ":/show/inner", ":/show/five"]);
  assert.deepEqual([both.code, both.stdout], [8, ":/show:\nfive\ninner\n\n:/show/inner:\n\n\n/show/five\n"]);
  assert.match(
    await home.ok("stat", ":/show/five"),
    /size +5 \(5 B\)\nmode +-rw-r----- \(0640\)\nowner +\d+.*\ninode +\d+, with 1 name/,
  );
  assert.equal((await home.run(["ls", ":/missing"])).code, 8);
  assert.equal((await home.run(["stat", ":/missing"])).code, 8);
});

test("mkdir, mv and rm", async () => {
  writeFileSync(here("x"), "x");
  await home.ok("mkdir", ":/m");
  assert.equal((await home.run(["mkdir", ":/m"])).code, 9);
  assert.equal((await home.run(["mkdir", ":/p/q/r"])).code, 8);
  await home.ok("mkdir", "-p", ":/p/q/r");
  await home.ok("mkdir", "-p", ":/p/q/r");
  await home.ok("cp", "x", ":/m/x");
  await home.ok("mv", ":/m/x", ":/m/y");
  await home.ok("cp", "x", ":/m/z");
  await home.ok("mv", ":/m/y", ":/m/z", ":/p");
  assert.equal(await home.ok("ls", ":/p"), "q\ny\nz\n");
  assert.equal((await home.run(["mv", ":/missing", ":/z"])).code, 8);
  assert.equal((await home.run(["rm", ":/p"])).code, 14);
  assert.equal((await home.run(["rm", ":/missing"])).code, 8);
  await home.ok("rm", "-f", ":/missing");
  await home.ok("rm", ":/p/y");
  await home.ok("rm", "-r", ":/p", ":/m");
  assert.equal((await home.run(["ls", ":/p"])).code, 8);
});

test("ln makes names and links, readlink, ls and stat show them", async () => {
  await home.run(["put", "-", ":/ln/file", "--create"], { input: "12345" });
  await home.ok("ln", ":/ln/file", ":/ln/other");
  await home.ok("ln", "-s", "file", ":/ln/link");
  await home.ok("ln", "-s", ":/ln/nowhere", ":/ln/dangling");
  await home.ok("mkdir", ":/ln/d");
  await home.ok("ln", ":/ln/file", ":/ln/d");
  assert.equal(await home.ok("readlink", ":/ln/link", ":/ln/dangling"), "file\n/ln/nowhere\n");
  assert.equal(await home.ok("cat", ":/ln/link"), "12345");
  assert.equal(await home.ok("ls", "-F", ":/ln"), "d/\ndangling@\nfile\nlink@\nother\n");
  const long = await home.ok("ls", "-l", ":/ln");
  assert.match(long, /^lrwx\S+ +1 .* dangling -> \/ln\/nowhere$/m);
  assert.match(long, /^-rw\S+ +3 .* file$/m);
  assert.match(await home.ok("ls", "-ld", ":/ln"), /^drwx.* \/ln\n$/);
  const [link, file] = await Promise.all(
    [[], ["-L"]].map(async (more) => JSON.parse(await home.ok("stat", "--json", ...more, ":/ln/link"))),
  );
  assert.deepEqual(
    [link.type, link.target, file.type, file.nlink, file.size],
    ["symlink", "file", "file", 3, 5],
  );
  const taken = await home.run(["ln", "-s", "x", ":/ln/other"]);
  assert.deepEqual([taken.code, /EEXIST/.test(taken.stderr)], [9, true]);
  await home.ok("ln", "-sf", "d", ":/ln/dangling");
  // The names lead to one file already; then renaming does nothing.
  await home.ok("ln", "-f", ":/ln/file", ":/ln/other");
  assert.equal(await home.ok("ls", ":/ln"), "d\ndangling\nfile\nlink\nother\n");
  assert.equal(await home.ok("ls", ":/ln/dangling"), "file\n");
  assert.equal(await home.ok("tree", ":/ln"), TREE_OF_LINKS);
  const [all] = JSON.parse(await home.ok("du", "-s", "--json", ":/ln"));
  assert.deepEqual(all, { path: "/ln", bytes: 5 + "file".length + "d".length, files: 5 });
  // The file in d has been met before, by another name.
  assert.equal(await home.ok("du", "-b", ":/ln"), " 0  :/ln/d\n10  :/ln\n");
  assert.equal((await home.run(["readlink", ":/ln/file"])).code, 2);
});

const TREE_OF_LINKS = [
  ":/ln",
  "├── d",
  "│   └── file",
  "├── dangling -> d",
  "├── file",
  "├── link -> file",
  "└── other",
  "",
  "1 directories, 5 files",
  "",
].join("\n");

test("links go in and out as links, or are followed; a copy onto a link replaces what it leads to", async () => {
  mkdirSync(here("links"));
  writeFileSync(here("links/file"), "inside");
  symlinkSync("file", here("links/to-file"));
  symlinkSync("nowhere", here("links/dangling"));
  const told = JSON.parse(await home.ok("cp", "-r", "--json", "links", ":/links"));
  assert.deepEqual([told.files, told.links, told.failed], [1, 2, []]);
  await home.ok("cp", "-r", ":/links", ":/links-again");
  await home.ok("cp", "-r", ":/links-again", "links-back");
  assert.deepEqual(
    ["to-file", "dangling"].map((name) => readlinkSync(here(`links-back/${name}`))),
    ["file", "nowhere"],
  );
  const followed = await home.run(["cp", "-rL", "--json", ":/links", "links-followed"]);
  assert.deepEqual([followed.code, JSON.parse(followed.stdout).skipped], [0, 1]);
  assert.equal(readFileSync(here("links-followed/to-file"), "utf8"), "inside");
  await home.ok("cp", ":/links/to-file", ":/links/copied");
  assert.equal(JSON.parse(await home.ok("stat", "--json", ":/links/copied")).type, "file");
  writeFileSync(here("new"), "replaced");
  await home.ok("cp", "new", ":/links/to-file");
  await home.ok("cp", "new", ":/links/dangling");
  assert.equal(await home.ok("cat", ":/links/file", ":/links/nowhere"), "replacedreplaced");
  await home.ok("rm", ":/links/to-file");
  assert.equal(await home.ok("cat", ":/links/file"), "replaced");
});

test("names that are no UTF-8 go in and out, are shown harmlessly, and can be named", async () => {
  const odd = Buffer.from("odd\xff", "latin1");
  const file = Buffer.concat([Buffer.from(`${here("bytes")}/`), odd]);
  mkdirSync(here("bytes"));
  writeFileSync(file, "odd");
  await home.ok("cp", "-r", "bytes", ":/bytes");
  assert.equal(await home.ok("ls", ":/bytes"), "odd\\xff\n");
  await home.ok("cp", "-r", ":/bytes", "bytes-back");
  assert.deepEqual(readdirSync(Buffer.from(here("bytes-back")), { encoding: "buffer" }), [odd]);
  const line = `"$0" "$1" cat ":/bytes/$(printf 'odd\\377')"`;
  const shell = ["-c", line, process.execPath, BIN];
  assert.equal(execFileSync("sh", shell, { env: home.env, encoding: "utf8" }), "odd");
  assert.deepEqual(JSON.parse(await home.ok("ls", "--json", ":/bytes"))[0].name, "odd\udcff");
});

test("revoke ends without a word, and the file can be opened anew", async () => {
  await home.run(["put", "-", ":/taken", "--create"], { input: "back" });
  assert.equal(await home.ok("revoke", ":/taken"), "");
  assert.equal(await home.ok("cat", ":/taken"), "back");
  assert.equal((await home.run(["revoke", ":/missing"])).code, 8);
});

test("a path that fails does not keep the others from it; each failure is told, the first gives the exit code", async () => {
  const lines = (text: string): number => text.trimEnd().split("\n").length;
  await home.ok("mkdir", ":/go", ":/go/d");
  const made = await home.run(["mkdir", ":/go", ":/go/no/x", ":/go/a", ":/go/b"]);
  assert.deepEqual([made.code, lines(made.stderr)], [9, 4]);
  assert.match(made.stderr, /:?\/go.*\(EEXIST\)\n.*\/go\/no.*\(ENOENT\)\n/);
  const shown = await home.run(["stat", "--json", ":/go/a", ":/go/missing", ":/go/b"]);
  assert.equal(shown.code, 8);
  assert.deepEqual(
    JSON.parse(shown.stdout).map(({ path: name }: { path: string }) => name),
    ["/go/a", "/go/b"],
  );
  assert.equal(JSON.parse(shown.stderr).error.path, "/go/missing");
  const moved = await home.run(["mv", ":/go/missing", ":/go/a", ":/go/d"]);
  assert.equal(moved.code, 8);
  const removed = await home.run(["rm", ":/go/d", ":/go/missing", "-r", ":/go/none", ":/go/b"]);
  assert.deepEqual([removed.code, lines(removed.stderr)], [8, 3]);
  assert.equal(await home.ok("ls", ":/go"), "");
});
