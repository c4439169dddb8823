/** Attributes, lengths, and what is known of the cluster's room, on one real cluster. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmodSync, linkSync, lutimesSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { Home } from "./didafs.ts";

const home = new Home();
const here = (name: string): string => path.join(home.dir, name);
const stat = async (...args: string[]) => JSON.parse(await home.ok("stat", "--json", ...args));

before(async () => void (await home.up("--targets", "2")));
after(async () => await home[Symbol.asyncDispose]());

test("touch makes files and sets times", async () => {
  await home.ok("touch", "-d", "2001-02-03T04:05:06.500Z", ":/touched");
  const { size, mtimeMs, atimeMs } = await stat(":/touched");
  assert.deepEqual([size, mtimeMs, atimeMs], [0, Date.UTC(2001, 1, 3, 4, 5, 6, 500), mtimeMs]);
  await home.ok("touch", "-t", "200001010000", ":/touched");
  assert.equal((await stat(":/touched")).mtimeMs, new Date(2000, 0, 1).getTime());
  await home.ok("touch", "-c", ":/missing");
  assert.equal((await home.run(["stat", ":/missing"])).code, 8);
  const before = Date.now();
  await home.ok("touch", ":/touched");
  assert.ok((await stat(":/touched")).mtimeMs >= before);
});

test("chmod and chown change what they name, and go on after a path that fails", async () => {
  await home.ok("touch", ":/owned");
  await home.ok("chmod", "640", ":/owned");
  await home.ok("chmod", "u+x,o=r", ":/owned");
  await home.ok("chmod", "-w", ":/owned");
  assert.equal((await stat(":/owned")).mode & 0o7777, 0o544);
  await home.ok("chown", "12345:678", ":/owned");
  assert.match(await home.ok("ls", "-l", ":/owned"), / 12345 +678 /);
  await home.ok("ln", "-s", "owned", ":/link");
  await home.ok("chown", "-P", ":9", ":/link");
  await home.ok("chown", "7", ":/link");
  const [link, file] = [await stat(":/link"), await stat(":/owned")];
  assert.deepEqual([link.gid, file.uid, file.gid], [9, 7, 678]);
  const failed = await home.run(["chmod", "600", ":/missing", ":/owned"]);
  assert.deepEqual([failed.code, (await stat(":/owned")).mode & 0o7777], [8, 0o600]);
});

test("extended attributes: bytes go in and come out, names are listed, removed ones are gone", async () => {
  await home.ok("touch", ":/x");
  await home.ok("xattr", "set", "user.origin", "sensor", ":/x");
  const value = randomBytes(1000);
  await home.run(["xattr", "set", "user.bytes", "-", ":/x"], { input: value });
  assert.equal(await home.ok("xattr", "get", "user.origin", ":/x"), "sensor");
  const told = JSON.parse(await home.ok("xattr", "get", "--json", "user.bytes", ":/x"));
  assert.deepEqual(told, { path: "/x", name: "user.bytes", base64: value.toString("base64") });
  assert.equal(await home.ok("xattr", "list", ":/x"), "user.bytes\nuser.origin\n");
  assert.equal((await home.run(["xattr", "set", "--create", "user.origin", "y", ":/x"])).code, 9);
  assert.equal((await home.run(["xattr", "set", "--replace", "user.none", "y", ":/x"])).code, 8);
  await home.ok("xattr", "rm", "user.origin", ":/x");
  const gone = await home.run(["xattr", "get", "user.origin", ":/x"]);
  assert.deepEqual([gone.code, /ENODATA/.test(gone.stderr)], [8, true]);
});

test("cp -p keeps mode, owner and times both ways, cp -a names of one file too", async () => {
  const old = new Date("2001-02-03T04:05:06.789Z");
  mkdirSync(here("kept/d"), { recursive: true });
  writeFileSync(here("kept/d/file"), "kept");
  linkSync(here("kept/d/file"), here("kept/name"));
  symlinkSync("file", here("kept/d/link"));
  chmodSync(here("kept/d/file"), 0o4750);
  for (const name of ["kept/d/file", "kept/d/link", "kept/d", "kept"]) lutimesSync(here(name), old, old);
  await home.ok("cp", "-a", "kept", ":/kept");
  const file = await stat(":/kept/d/file");
  assert.deepEqual(
    [file.mode & 0o7777, file.mtimeMs, file.uid, file.nlink, file.inode],
    [0o4750, old.getTime(), process.getuid?.(), 2, (await stat(":/kept/name")).inode],
  );
  for (const name of [":/kept", ":/kept/d", ":/kept/d/link"])
    assert.equal((await stat(name)).mtimeMs, old.getTime());
  await home.ok("cp", "-rp", ":/kept", "kept-back");
  const back = statSync(here("kept-back/d/file"));
  assert.deepEqual([back.mode & 0o7777, back.mtimeMs, back.nlink], [0o4750, old.getTime(), 1]);
  assert.equal(statSync(here("kept-back/d")).mtimeMs, old.getTime());
});

test("df shows the room of each target and of all", async () => {
  const { totalBytes, freeBytes, inodes, targets } = JSON.parse(await home.ok("df", "--json"));
  assert.deepEqual([targets.length, totalBytes > freeBytes, inodes > 0], [2, true, true]);
  assert.equal(targets[0].usedBytes, targets[0].totalBytes - targets[0].freeBytes);
  // Both lie on the same file system, whose room is there once.
  assert.equal(targets[0].medium, targets[1].medium);
  assert.equal(totalBytes, targets[0].totalBytes);
  const text = await home.ok("df");
  assert.match(text, /^TARGET +DRIVE +SIZE +USED +AVAIL +USE%\ntarget-0 +file +\S+ \w+ .* \d+%\n/);
  assert.match(text, /\ntarget-0 and target-1 share one file system, which counts once\n/);
  assert.match(text, /\nall that are up .*\n.*\n\d+ files, directories and links\n$/);
});

test("truncate cuts and grows; what is new is zeros, what was cut does not come back", async () => {
  await home.run(["put", "-", ":/cut", "--create"], { input: "0123456789" });
  await home.ok("truncate", "-s", "4", ":/cut");
  await home.ok("truncate", "-s", "+2", ":/cut");
  assert.equal(await home.ok("cat", ":/cut"), "0123\0\0");
  await home.ok("truncate", "-s", "-5", ":/cut");
  assert.equal(await home.ok("cat", ":/cut"), "0");
  await home.ok("truncate", "-c", "-s", "4", ":/none");
  assert.equal((await home.run(["stat", ":/none"])).code, 8);
  await home.ok("truncate", "-s", "1K", ":/made");
  assert.equal((await stat(":/made")).size, 1024);
});
