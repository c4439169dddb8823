import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, linkSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DidafsError } from "../std/errors.ts";
import { storedByAnother } from "../std/versions.ts";
import { makeDirectory, syncDirectory } from "../system/directory.ts";
import { userKeyFile } from "./paths.ts";

const KEY_BYTES = 32;
/** Of key files: the digits and nothing else. Files of other formats begin with "v<format>:". */
const FORMAT = 1;

/** Where a caller says the cluster's key is; the bytes win over the file. */
export interface KeySource {
  readonly key?: Uint8Array | undefined;
  readonly keyFile?: string | undefined;
}

/**
 * The key of the cluster: given by the caller, else in the file that DIDAFS_KEY_FILE names, else in the user's own key
 * file. @throws ERR_NO_KEY, ERR_VERSION, ERR_INVALID_ARGUMENT (key of a wrong length)
 */
export function findKey(source: KeySource = {}, env = process.env): Uint8Array {
  const named = namedKey(source, env);
  if (named !== undefined) return named;
  const file = userKeyFile(env);
  const key = readKey(file);
  if (key !== undefined) return key;
  throw new DidafsError(
    "ERR_NO_KEY",
    `there is no key: ${file} does not exist; start a cluster as this user, name a file in DIDAFS_KEY_FILE, or give key or keyFile`,
  );
}

/** Like {@link findKey}, and makes the user's own key file when it is what counts and is not there. */
export function findOrMakeKey(source: KeySource = {}, env = process.env): Uint8Array {
  const named = namedKey(source, env);
  if (named !== undefined) return named;
  const file = userKeyFile(env);
  return readKey(file) ?? makeKey(file);
}

/**
 * The key that the services of the cluster in `dir` share, made when it is not there. @throws ERR_NO_KEY, ERR_VERSION
 */
export function findOrMakeServiceKey(dir: string): Uint8Array {
  const file = path.join(dir, "service-key");
  return readKey(file) ?? makeKey(file);
}

function namedKey(source: KeySource, env: NodeJS.ProcessEnv): Uint8Array | undefined {
  if (source.key !== undefined) {
    if (source.key.byteLength === KEY_BYTES) return source.key;
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      `a key has ${KEY_BYTES} bytes, this one has ${source.key.byteLength}`,
    );
  }
  const file = source.keyFile ?? env.DIDAFS_KEY_FILE;
  if (file === undefined || file === "") return undefined;
  const key = readKey(file);
  if (key === undefined)
    throw new DidafsError("ERR_NO_KEY", `the key file ${file} does not exist`, { path: file });
  return key;
}

/** @returns undefined when there is no such file */
function readKey(file: string): Uint8Array | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new DidafsError("ERR_NO_KEY", `the key file ${file} cannot be read`, { path: file, cause });
  }
  try {
    // Asked of the open file, so that what is checked is what is read.
    const stat = fstatSync(descriptor);
    if (!stat.isFile())
      throw new DidafsError("ERR_NO_KEY", `the key file ${file} is not a file`, { path: file });
    if ((stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, "0");
      throw new DidafsError(
        "ERR_NO_KEY",
        `the key file ${file} is open to other users (mode ${mode}); close it with: chmod 600 ${file}`,
        { path: file },
      );
    }
    const text = readFileSync(descriptor, "latin1").trim();
    const [, version] = /^v(\d{1,9}):/.exec(text) ?? [];
    if (version !== undefined)
      throw storedByAnother(`the key file ${file} has format`, Number(version), FORMAT);
    if (!/^[0-9a-f]{64}$/i.test(text)) {
      throw new DidafsError("ERR_NO_KEY", `the key file ${file} does not hold ${KEY_BYTES * 2} hex digits`, {
        path: file,
      });
    }
    return new Uint8Array(Buffer.from(text, "hex"));
  } finally {
    closeSync(descriptor);
  }
}

/** Written whole beside its place, then linked into it: of racing makers one wins, and nobody reads half a key. */
function makeKey(file: string): Uint8Array {
  const key = randomBytes(KEY_BYTES);
  const draft = `${file}.${process.pid}.${randomBytes(6).toString("hex")}`;
  try {
    makeDirectory(path.dirname(file));
    writeFileSync(draft, `${key.toString("hex")}\n`, { mode: 0o600, flag: "wx", flush: true });
    linkSync(draft, file);
    syncDirectory(path.dirname(file));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") {
      const other = readKey(file);
      if (other !== undefined) return other;
    }
    throw new DidafsError("ERR_NO_KEY", `the key file ${file} cannot be made`, { path: file, cause });
  } finally {
    rmSync(draft, { force: true });
  }
  return new Uint8Array(key);
}
