import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { findKey, findOrMakeKey } from "../../src/runtime/key.ts";
import { scratch } from "./scratch.ts";

const HEX = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

function place() {
  const it = scratch();
  const env = { HOME: it.dir };
  return {
    env,
    file: path.join(it.dir, ".config/didafs/key"),
    dir: it.dir,
    [Symbol.dispose]: () => it[Symbol.dispose](),
  };
}

function write(file: string, text: string, mode = 0o600): string {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

test("without a key anywhere: ERR_NO_KEY, which names the ways to give one", () => {
  using at = place();
  assert.throws(() => findKey({}, at.env), { code: "ERR_NO_KEY", message: /DIDAFS_KEY_FILE.*keyFile/ });
});

test("the user's key file is made once, private, in a private folder", () => {
  using at = place();
  const key = findOrMakeKey({}, at.env);
  assert.equal(key.byteLength, 32);
  assert.deepEqual(findOrMakeKey({}, at.env), key);
  assert.deepEqual(findKey({}, at.env), key);
  assert.equal(readFileSync(at.file, "utf8"), `${Buffer.from(key).toString("hex")}\n`);
  assert.equal(statSync(at.file).mode & 0o777, 0o600);
  assert.equal(statSync(path.dirname(at.file)).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(path.dirname(at.file)), ["key"]);
});

test("XDG_CONFIG_HOME moves the file, a relative one is ignored", () => {
  using at = place();
  const elsewhere = path.join(at.dir, "elsewhere");
  findOrMakeKey({}, { ...at.env, XDG_CONFIG_HOME: elsewhere });
  assert.deepEqual(readdirSync(path.join(elsewhere, "didafs")), ["key"]);
  findOrMakeKey({}, { ...at.env, XDG_CONFIG_HOME: "relative" });
  assert.ok(statSync(at.file).isFile());
});

test("bytes win over a file, a file over the environment, the environment over the user's file", () => {
  using at = place();
  write(at.file, "aa".repeat(32));
  const fromEnvironment = write(path.join(at.dir, "env"), "bb".repeat(32));
  const given = write(path.join(at.dir, "given"), "CC".repeat(32));
  const env = { ...at.env, DIDAFS_KEY_FILE: fromEnvironment };
  assert.equal(findKey({}, at.env)[0], 0xaa);
  assert.equal(findKey({}, env)[0], 0xbb);
  assert.equal(findKey({ keyFile: given }, env)[0], 0xcc);
  assert.equal(findKey({ keyFile: given, key: new Uint8Array(32).fill(0xdd) }, env)[0], 0xdd);
  assert.throws(() => findKey({ key: new Uint8Array(16) }, env), { code: "ERR_INVALID_ARGUMENT" });
});

test("a named file that is missing, open to others or malformed is refused, also where one could be made", () => {
  using at = place();
  for (const find of [findKey, findOrMakeKey]) {
    assert.throws(() => find({ keyFile: path.join(at.dir, "missing") }, at.env), {
      code: "ERR_NO_KEY",
      message: /does not exist/,
    });
    assert.throws(() => find({ keyFile: write(path.join(at.dir, "open"), HEX, 0o640) }, at.env), {
      code: "ERR_NO_KEY",
      message: /mode 0640\).*chmod 600 /,
    });
    for (const text of ["", "zz", HEX.slice(1), `${HEX}00`, `${HEX} ${HEX}`]) {
      assert.throws(() => find({ keyFile: write(path.join(at.dir, "bad"), text) }, at.env), {
        code: "ERR_NO_KEY",
        message: /64 hex digits/,
      });
    }
    assert.throws(() => find({ keyFile: at.dir }, at.env), { code: "ERR_NO_KEY", message: /is not a file/ });
  }
  assert.equal(findKey({ keyFile: write(path.join(at.dir, "fine"), `${HEX}\n`) }, at.env)[1], 0x11);
});

test("racing makers agree on one key", async () => {
  using at = place();
  const module = new URL("../../src/runtime/key.ts", import.meta.url).href;
  const script = `import { findOrMakeKey } from ${JSON.stringify(module)};
    process.stdout.write(Buffer.from(findOrMakeKey()).toString("hex"));`;
  const run = () =>
    promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
      env: at.env,
      timeout: 20_000,
    });
  const keys = await Promise.all(Array.from({ length: 6 }, run));
  assert.equal(new Set(keys.map(({ stdout }) => stdout)).size, 1);
  assert.equal(keys[0]?.stdout.length, 64);
});
